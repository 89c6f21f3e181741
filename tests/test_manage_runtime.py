"""The management door in a shop that runs: one word opens it in both runtimes, and without it there is none."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compose import choice, ports, remember
from compose.cli import app
from compose.containers import ComposeShop
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.shop import RuntimeName, Shop, open_shop, running
from compose.topology import PROCESSES, Ports
from idp.manage.client import Manager, via
from scenarios.shopper import Shopper


@pytest.fixture(scope="module")
def up(
    runtime: RuntimeName, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that can be managed, in each runtime."""
    if runtime == "compose":
        request.getfixturevalue("containers")
    with running("oauth2", runtime, "free", tmp_path_factory.mktemp("run"), manage=True) as shop:
        yield shop


def test_what_is_done_at_the_door_is_met_in_the_shop(up: Shop) -> None:
    manager = Manager(via(up))
    alice = Shopper(up, "alice")
    assert alice.call("GET", "/api/me").status_code == 200
    manager.fault("/introspect", status=503)
    assert alice.call("GET", "/api/me").status_code == 503
    assert alice.call("GET", "/api/me").status_code == 200
    asked = manager.counts(endpoint="/introspect")
    assert asked.by_status == {"200": 2, "503": 1}
    manager.revoke_user("alice")
    assert alice.call("GET", "/api/me").status_code == 401
    manager.reset()
    assert manager.journal() == []


def test_a_restart_keeps_the_door_and_what_was_done(up: Shop) -> None:
    manager = Manager(via(up))
    manager.advance_clock(5)
    found = choice.shop_meant({"PATTERN": up.pattern, "RUN_ROOT": str(up.run_root)})
    assert found.manage
    found.restart("idp")
    assert manager.clock().ahead == 5
    manager.reset()


def test_it_cannot_be_reached_but_from_where_it_is(up: Shop) -> None:
    """In a container not even from this machine; in the local runtime not by another address of it."""
    addresses = ["127.0.0.2"] if up.runtime == "local" else ["127.0.0.1"]
    for address in addresses:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, up.ports.manage), 2).close()
    if up.runtime == "compose":
        probe = f"import socket; socket.create_connection(('idp', {up.ports.manage}), 2)"
        assert "refused" in up.run("gateway", ["python", "-c", probe]).stderr


def test_it_is_gone_with_the_shop(tmp_path: Path) -> None:
    with running("perimeter", runtime="local", ports="free", run_root=tmp_path, manage=True) as up:
        assert up.manage_url == f"http://127.0.0.1:{up.ports.manage}"
        Manager(via(up)).people()
        up.kill("idp")
        with pytest.raises(OSError, match="refused"):
            Manager(via(up)).people()
        up.start("idp")
        Manager(via(up)).people()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", up.ports.manage), 2).close()


@pytest.mark.parametrize("kind", [LocalShop, ComposeShop])
def test_only_the_identity_provider_is_told_of_it_and_only_when_it_is_asked_for(kind: type[Shop]) -> None:
    shut, open_ = kind("jwt", Ports(), Path("/nowhere")), kind("jwt", Ports(), Path("/nowhere"), manage=True)
    for name in PROCESSES:
        told = [shop.environment(name, shop_dir="/shop", host="h").get("SHOP_MANAGE_PORT") for shop in (shut, open_)]
        assert told == (["", "9444"] if name == "idp" else [None, None])
    assert shut.manage_url is None


def test_a_port_is_wanted_only_for_a_door(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = replace(ports.free(), manage=taken.getsockname()[1])
        assert "manage" not in LocalShop("jwt", chosen, tmp_path)._listeners()
        with pytest.raises(CannotRun, match=r"\(manage\) is taken"):
            LocalShop("jwt", chosen, tmp_path, manage=True).up()


def test_a_shop_that_is_up_without_a_door_gets_none_by_asking_again(tmp_path: Path) -> None:
    shop = LocalShop("perimeter", ports.free(), tmp_path, manage=True)
    remember.private(shop.dir)
    remember.remember_shop(shop.dir, remember.Known("perimeter", "local", shop.ports, 0.0))
    with pytest.raises(CannotRun, match="up already, without a management door"):
        shop.up()


@pytest.mark.parametrize(("word", "manage"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_make_up_opens_it_for_a_word(tmp_path: Path, word: str, manage: bool) -> None:
    environ = {"PATTERN": "jwt", "RUNTIME": "local", "RUN_ROOT": str(tmp_path), "MANAGE": word}
    assert choice.shop_to_be(environ, print).manage is manage


def test_a_shop_of_an_older_memory_has_no_door(tmp_path: Path) -> None:
    known = remember.Known("jwt", "local", Ports(), 1.0, manage=True)
    remember.private(tmp_path / "fivelocks-jwt")
    remember.remember_shop(tmp_path / "fivelocks-jwt", known)
    assert remember.shop(tmp_path / "fivelocks-jwt") == known
    path = tmp_path / "fivelocks-jwt" / "shop.json"
    path.write_text(path.read_text().replace(',\n  "manage": true', ""))
    found = remember.shop(tmp_path / "fivelocks-jwt")
    assert found is not None
    assert not found.manage


@pytest.mark.parametrize("manage", [False, True])
def test_make_up_says_when_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manage: bool) -> None:
    monkeypatch.setattr(LocalShop, "up", lambda _: 1.0)
    monkeypatch.setenv("RUN_ROOT", str(tmp_path))
    monkeypatch.setenv("MANAGE", "1" if manage else "")
    said = CliRunner().invoke(app, ["up", "--pattern", "jwt", "--runtime", "local"])
    assert said.exit_code == 0, said.output
    assert ("management" in said.output) is manage
    assert ("http://127.0.0.1:9444" in said.output) is manage


def test_a_terminals_word_does_not_open_a_shop_that_asked_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose would take MANAGE_PORT from the environment, as it takes every variable."""
    if shutil.which("docker") is None:
        pytest.skip("there is no docker command here")
    monkeypatch.setenv("MANAGE_PORT", "9444")
    shop = open_shop("jwt", "compose", Ports(), tmp_path)
    assert isinstance(shop, ComposeShop)
    opened = open_shop("jwt", "compose", Ports(), tmp_path, manage=True)
    assert isinstance(opened, ComposeShop)
    answers = [each.compose("config", "--format", "json", "idp").stdout for each in (shop, opened)]
    assert '"SHOP_MANAGE_PORT": ""' in answers[0]
    assert '"SHOP_MANAGE_PORT": "9444"' in answers[1]
    assert "9444" not in answers[0]
