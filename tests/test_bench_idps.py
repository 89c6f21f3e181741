"""Identity providers beside ours: what is measured is what was proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.bench.contest import NotProven
from scenarios.bench.idps import flat, ground, lent
from scenarios.bench.idps.recipes import FLOOR, MEMORY, recipes
from scenarios.bench.idps.running import running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    ground.furnish(tmp_path)
    return tmp_path


def test_one_that_does_what_it_is_to_be_timed_for_is_timed(place: Path) -> None:
    [memory] = [recipe for recipe in recipes() if recipe.name == MEMORY]
    with running(memory, place, requests=5) as it:
        assert len(it.prove()) == 3
        sample = it.turn()
        assert len(sample.latencies) == 5
        assert min(sample.cpu_us, sample.also["introspection_us"], it.started_in, it.memory_mib()) > 0


def test_one_that_lets_anybody_in_is_not_proven_to_be_locked(place: Path) -> None:
    [floor] = [recipe for recipe in recipes() if recipe.name == FLOOR]
    with running(replace(floor, locked=True), place) as it, pytest.raises(NotProven, match="wrong client secret"):
        it.prove()


def test_what_has_expired_is_swept_while_tokens_are_issued() -> None:
    first, second, last = flat.issue(1500, 3, alive=200)
    assert 200 <= second.rows <= 300
    assert 200 <= last.rows <= 300
    assert last.store_mib < 2 * first.store_mib


@pytest.mark.parametrize("way", lent.WAYS.values(), ids=["by itself", "ahead"])
def test_how_long_one_takes_that_is_borrowed_is_timed(way: Callable[[], float]) -> None:
    assert 0 < way() < lent.WITHIN
