"""What a person reads when a command cannot do what they asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from certs import CA, Lifetimes
from compose import ports as port_book
from compose.local import LocalShop
from compose.shop import Shop, open_shop, running
from compose.topology import REPO
from scenarios import cli
from scenarios.shopper import Shopper


@pytest.fixture(scope="module")
def basic_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop without tokens."""
    with running("basic", runtime="local", ports="free", run_root=tmp_path_factory.mktemp("run")) as shop:
        yield shop


def say(shop: Shop, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m scenarios` for this shop."""
    told = {"RUN_ROOT": str(shop.run_root), "PATTERN": shop.pattern}
    told |= {f"PORT_{name.upper()}": str(shop.ports.of(name)) for name in port_book.NAMES}
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *command],
        env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1", **told, **environ},
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_order_is_told_hop_by_hop(basic_shop: Shop) -> None:
    done = say(basic_shop, "order", SKU="mug")
    assert done.returncode == 0, done.stderr
    for told in ("alice orders 1 × mug", "confirmed", "orders → billing", "Basic alice:***", "scope orders:write"):
        assert told in done.stdout
    assert "wonderland" not in done.stdout


def test_a_wrong_password_is_told_and_is_a_failure(basic_shop: Shop) -> None:
    done = say(basic_shop, "order", PASSWORD="jabberwocky")
    assert done.returncode == 1
    assert "401 Unauthorized" in done.stdout
    assert "wrong name or password for alice" in done.stdout


def test_an_order_that_gets_stuck_is_told_as_far_as_it_went_and_where(basic_shop: Shop) -> None:
    basic_shop.kill("orders")
    try:
        done = say(basic_shop, "order")
    finally:
        basic_shop.start("orders")
    assert done.returncode == 1
    for told in ("503 Service Unavailable", "you → gateway", "trace "):
        assert told in done.stdout
    assert f"cannot: {basic_shop.name} is up, but orders is down\n" in done.stderr
    assert f"mend:   make restart {basic_shop.meant}\n" in done.stderr


@pytest.mark.parametrize("word", ["[/]", "[/red]", "[bold]"])
def test_what_a_person_types_is_printed_as_it_was_typed(basic_shop: Shop, word: str) -> None:
    for environ in ({"SKU": word}, {"WHO": word, "PASSWORD": "jabberwocky"}):
        done = say(basic_shop, "order", **environ)
        assert (done.returncode, done.stderr) == (1, "")
        assert word in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("command", "environ", "what", "mend"),
    [
        ("order", {"WHO": "eve"}, "the shop knows nobody called 'eve'", "WHO is one of alice, bob"),
        ("token", {}, "under basic there are no tokens", "make up PATTERN="),
        ("order", {"PATTERN": "mtls"}, "no shop is up under mtls", "make up PATTERN=mtls"),
    ],
)
def test_what_stands_in_the_way_is_said_with_its_mend(
    basic_shop: Shop, command: str, environ: dict[str, str], what: str, mend: str
) -> None:
    done = say(basic_shop, command, **environ)
    assert done.returncode == 1
    assert f"cannot: {what}" in done.stderr
    assert mend in done.stderr


@pytest.mark.parametrize(("header", "mend"), [({"Retry-After": "37"}, "wait 37 s"), ({}, "wait a minute")])
def test_whoever_has_guessed_too_often_is_told_how_long_to_wait(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    header: dict[str, str],
    mend: str,
) -> None:
    page = requests.Response()
    page.status_code, page.reason = 429, "TOO MANY REQUESTS"
    page.headers.update(header)
    for step in ("_get", "_follow", "_fill_in"):
        monkeypatch.setattr(Shopper, step, lambda *_, **__: page)
    shop = open_shop("jwt", "local", "free", tmp_path)
    monkeypatch.setattr(cli, "app", lambda **_: Shopper(shop, "alice").token())
    assert cli.main() == 1
    assert capsys.readouterr().err == (
        f"cannot: the IdP does not let alice in: too many wrong passwords\nmend:   {mend}, then try again\n"
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("scenarios report --to /dev/null/report", "cannot: [Errno 17] File exists: '/dev/null'\n"),
        ("scenarios diff --from basic --to jwt > /dev/full", "cannot: [Errno 28] No space left on device\n"),
        ("compose doctor > /dev/full", "cannot: [Errno 28] No space left on device\n"),
        ("compose up", "cannot: [Errno 17] File exists: '/dev/null'\n"),
    ],
)
def test_what_the_disk_refuses_is_one_line(command: str, said: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m {command}",
        shell=True,
        cwd=REPO,
        env={"PATH": os.environ["PATH"], "RUN_ROOT": "/dev/null", "PATTERN": "jwt", "RUNTIME": "local"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, said)


def test_an_order_waits_for_no_scenario_to_load() -> None:
    script = "import sys, scenarios.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"scenarios.stories", "scenarios.registry", "flask", "sqlalchemy"} & set(done.stdout.split())


INTERRUPTED = """
import os, runpy, signal, sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell have it ignored
sys.meta_path.insert(0, CtrlC())
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("module", ["scenarios", "compose"])
def test_a_command_that_is_interrupted_while_it_loads_ends_without_a_word(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, module, "doctor"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_an_expired_certificate_is_called_that(basic_shop: Shop, tmp_path: Path) -> None:
    assert isinstance(basic_shop, LocalShop)
    tls = basic_shop.tls_dir("gateway")
    kept = {path.name: path.read_bytes() for path in tls.iterdir()}
    basic_shop.stop("ca")  # it would repair what we are about to spoil
    try:
        week_ago = datetime.now(UTC) - timedelta(days=7)
        old = CA.create(tmp_path / "ca", lifetimes=Lifetimes(root=timedelta(days=30)), clock=lambda: week_ago)
        old.issue("gateway", tls, ("gateway", "localhost"))
        done = say(basic_shop, "order")
    finally:
        for name, content in kept.items():
            (tls / name).write_bytes(content)
        basic_shop.start("ca")
    assert done.returncode == 1
    assert "certificate has expired" in done.stderr
    assert "make doctor" in done.stderr


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\n", b"\xff\xfe"])
def test_a_trust_bundle_that_is_gone_or_damaged_is_called_that(basic_shop: Shop, content: bytes | None) -> None:
    bundle = basic_shop.tls_dir("gateway") / "bundle.pem"
    kept = bundle.read_bytes()
    basic_shop.stop("ca")  # it would repair what we are about to spoil
    try:
        bundle.unlink() if content is None else bundle.write_bytes(content)
        done = say(basic_shop, "order")
    finally:
        bundle.write_bytes(kept)
        basic_shop.start("ca")
    assert done.returncode == 1
    assert f"cannot: {bundle} is no trust bundle" in done.stderr
    assert "mend:   make restart NAME=ca" in done.stderr
    assert "Traceback" not in done.stderr
