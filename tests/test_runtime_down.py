"""`make down` ends the shop that is meant or left over, and no other; `make clean` ends them all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from compose import choice, engine, remember
from compose import ports as port_book
from compose.cli import app
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import Ports

Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Run a command as `make` does, with these variables and no others, on a machine without an engine."""
    monkeypatch.setattr(engine, "trouble", lambda: "there is no docker command here")
    for name in ("PATTERN", "RUNTIME", "NAME", *(f"PORT_{name.upper()}" for name in ("base", *port_book.NAMES))):
        monkeypatch.delenv(name, raising=False)
    return lambda command, **said: CliRunner().invoke(app, [command], env={"RUN_ROOT": str(tmp_path), **said})


def brought_up(root: Path, pattern: str, base: int) -> Shop:
    """A shop that is remembered; of its processes none is needed here."""
    shop = left_over(root, pattern, base)
    remember.remember_shop(shop.dir, remember.Known(pattern, "local", shop.ports, 0.0))
    return shop


def left_over(root: Path, pattern: str, base: int) -> Shop:
    """What is left of a shop that never came up."""
    shop = LocalShop(pattern, Ports.based(base), root)
    remember.private(shop.dir)
    return shop


def test_a_port_that_is_none_is_refused_and_ends_nothing(make: Make, tmp_path: Path) -> None:
    shops = [brought_up(tmp_path, "jwt", 9400), left_over(tmp_path, "basic", 9420)]
    refused = make("down", PORT_BASE="abc")
    assert isinstance(refused.exception, CannotRun)
    assert refused.exception.what == "PORT_BASE=abc is not a port"
    assert all(shop.dir.exists() for shop in shops)


@pytest.mark.parametrize(
    "said",
    [
        {"PORT_BASE": "9777"},
        {"PATTERN": "jwt", "PORT_BASE": "9777"},
        {"PATTERN": "basic"},
        {"PATTERN": "basic", "PORT_BASE": "9400"},
        {},
    ],
)
def test_where_the_shop_meant_is_not_up_the_others_stay_and_are_named(
    make: Make, tmp_path: Path, said: dict[str, str]
) -> None:
    remember.remember_pattern(tmp_path, "basic")
    shops = [brought_up(tmp_path, "jwt", 9400), brought_up(tmp_path, "mtls", 9420)]
    assert choice.shops_left_over({"RUN_ROOT": str(tmp_path), **said}) == []
    answer = make("down", **said)
    assert (answer.exit_code, answer.output.splitlines()) == (
        0,
        [
            "nothing is up",
            "still up: fivelocks-jwt-9400   (make down PATTERN=jwt PORT_BASE=9400)",
            "still up: fivelocks-mtls-9420   (make down PATTERN=mtls PORT_BASE=9420)",
        ],
    )
    assert all(shop.dir.exists() for shop in shops)


def test_what_is_left_over_is_ended_and_where_ports_are_named_only_there(make: Make, tmp_path: Path) -> None:
    here, there = left_over(tmp_path, "jwt", 9400), left_over(tmp_path, "jwt", 9420)
    known = brought_up(tmp_path, "basic", 9440)
    make("down", PATTERN="jwt", PORT_BASE="9400")
    assert [shop.dir.exists() for shop in (here, there, known)] == [False, True, True]
    answer = make("down", PATTERN="mtls")
    assert answer.output.startswith("nothing is up\n")
    make("down", PATTERN="jwt")
    assert [shop.dir.exists() for shop in (here, there, known)] == [False, False, True]


def test_a_shop_that_another_is_just_bringing_up_is_not_left_over(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = left_over(tmp_path, "jwt", 9400)
    looked = choice.shops_left_over

    def just_before_it_is_up(environ: dict[str, str]) -> list[Shop]:
        found = looked(environ)
        assert [each.name for each in found] == [shop.name]
        brought_up(tmp_path, "jwt", 9400)
        return found

    monkeypatch.setattr(choice, "shops_left_over", just_before_it_is_up)
    answer = make("down", PATTERN="jwt", PORT_BASE="9400")
    assert answer.output.splitlines()[0] == "nothing is up"
    assert remember.shop(shop.dir)


def test_clean_ends_every_shop_whatever_is_named(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compose.cli.REPO", tmp_path)  # the caches of this checkout are in use
    for shop in (brought_up(tmp_path, "jwt", 9400), left_over(tmp_path, "basic", 9420)):
        assert shop.dir.exists()
    answer = make("clean", PATTERN="mtls", PORT_BASE="9777")
    assert sorted(answer.output.splitlines()) == ["fivelocks-basic-9420 is down", "fivelocks-jwt-9400 is down"]
    assert not tmp_path.exists()


def test_a_run_of_the_tests_that_is_told_to_end_takes_its_shops_down() -> None:
    """For that it ends as after Control-C, and not on the spot."""
    with pytest.raises(KeyboardInterrupt):
        told_to_end()


def told_to_end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)  # the signal is here long before
