"""An engine that does not answer has not said that a shop is gone; nor has one that answers for half of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from compose import engine, remember
from compose.containers import ComposeShop
from compose.doctor import examine
from compose.refusals import CannotRun
from compose.topology import PROCESSES, Ports

SILENT = "no Docker engine answers"
COMMANDS: dict[str, Callable[[ComposeShop], object]] = {
    "up": ComposeShop.up,
    "down": ComposeShop.down,
    "restart": lambda shop: shop.restart("orders"),
    "status": ComposeShop.status,
    "logs": lambda shop: shop.logs("orders"),
    "its certificate": lambda shop: shop.tls_dir("orders"),
}


@pytest.fixture
def known(tmp_path: Path) -> ComposeShop:
    """A shop of containers that is remembered."""
    shop = ComposeShop("jwt", Ports.based(9400), tmp_path)
    remember.private(shop.dir)
    remember.remember_shop(shop.dir, remember.Known("jwt", "compose", shop.ports, 0.0))
    return shop


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine that answers."""
    monkeypatch.setattr(engine, "trouble", lambda: SILENT)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answered a moment ago."""
    failed = subprocess.CompletedProcess([], 1, "", f"{SILENT} any more")
    monkeypatch.setattr(engine, "trouble", lambda: None)
    monkeypatch.setattr(engine, "docker", lambda *_, **__: failed)


@pytest.mark.parametrize("trouble", ["silent", "failing"])
@pytest.mark.parametrize("command", COMMANDS)
def test_where_the_engine_does_not_answer_that_is_said(
    known: ComposeShop, request: pytest.FixtureRequest, trouble: str, command: str
) -> None:
    request.getfixturevalue(trouble)
    with pytest.raises(CannotRun, match=SILENT) as refused:
        COMMANDS[command](known)
    assert "engine" in refused.value.mend
    assert remember.shop(known.dir)


def test_none_is_stopped_where_one_could_not_be_started_again(
    known: ComposeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def of_all_but_billing(*arguments: str) -> str:
        return "" if arguments[-1].endswith("=billing") else "5eaf00d"

    monkeypatch.setattr(engine, "asked", of_all_but_billing)
    monkeypatch.setattr(engine, "docker", lambda *arguments, **_: asked.extend(arguments))
    with pytest.raises(CannotRun, match="billing is without its container: make down up PATTERN=jwt PORT_BASE=9400"):
        known.restart(*PROCESSES)
    assert asked == []


@pytest.mark.usefixtures("silent")
def test_the_doctor_does_not_take_a_silent_engine_for_a_reboot(known: ComposeShop) -> None:
    (found,) = [finding for finding in examine(known.run_root) if finding.what.startswith(known.name)]
    assert SILENT in found.what
    assert "engine" in found.mend


@pytest.mark.usefixtures("silent")
def test_a_shop_that_is_not_there_needs_no_engine_to_be_down(tmp_path: Path) -> None:
    shop = ComposeShop("jwt", Ports.based(9400), tmp_path)
    assert {status.health for status in shop.status()} == {"down"}
    assert len(shop.status()) == len(PROCESSES)
    shop.down()
