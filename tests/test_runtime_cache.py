"""How long services use an answer of the identity provider's again: what was asked for is told, kept and shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from compose import choice, ports, remember
from compose.cli import app
from compose.containers import ComposeShop
from compose.face import Shop
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.topology import Ports


def environ(root: Path, word: str) -> dict[str, str]:
    """What `make up` is told."""
    return {"PATTERN": "oauth2", "RUNTIME": "local", "RUN_ROOT": str(root), "CACHE_SECONDS": word}


@pytest.mark.parametrize(("word", "seconds"), [("", 0.0), ("0", 0.0), ("5", 5.0), ("0.5", 0.5), ("300", 300.0)])
def test_make_up_takes_a_time(tmp_path: Path, word: str, seconds: float) -> None:
    assert choice.shop_to_be(environ(tmp_path, word), print).cache_seconds == seconds


@pytest.mark.parametrize("word", ["-1", "301", "nan", "inf", "long", "5s"])
def test_what_is_no_time_or_too_long_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(CannotRun, match=f"CACHE_SECONDS={word} is not a time") as refused:
        choice.shop_to_be(environ(tmp_path, word), print)
    assert "0 (ask each time) to 300 seconds" in refused.value.mend


@pytest.mark.parametrize("kind", [LocalShop, ComposeShop])
def test_services_are_told(kind: type[Shop]) -> None:
    for seconds, word in ((0.0, "0"), (5.0, "5")):
        told = kind("oauth2", Ports(), Path("/nowhere"), cache_seconds=seconds)
        assert told.environment("orders", shop_dir="/shop", host="h")["SHOP_CACHE_SECONDS"] == word


def test_a_shop_that_is_up_keeps_its_own(tmp_path: Path) -> None:
    shop = LocalShop("oauth2", ports.free(), tmp_path, cache_seconds=5.0)
    remember.private(shop.dir)
    known = remember.Known("oauth2", "local", shop.ports, 0.0, cache_seconds=2.0)
    remember.remember_shop(shop.dir, known)
    assert remember.shop(shop.dir) == known
    with pytest.raises(CannotRun, match="up already, with CACHE_SECONDS=2"):
        shop.up()
    there = environ(tmp_path, "") | {"PORT_BASE": str(shop.ports.gateway)}
    assert choice.cache_seconds(there, known) == choice.cache_seconds({}, known) == 2.0


def test_make_up_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalShop, "up", lambda _: 1.0)
    for name, word in environ(tmp_path, "5").items():
        monkeypatch.setenv(name, word)
    said = CliRunner().invoke(app, ["up"])
    assert said.exit_code == 0, said.output
    assert "for 5 s" in said.output
