"""A start is timed of what does its work, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from compose import ports
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.topology import PROCESSES
from scenarios.bench import starting
from scenarios.bench.contest import Course, NotProven, Sample
from scenarios.bench.experiments import starts
from scenarios.bench.serving import CannotServe
from scenarios.bench.starting import BareStart, OurStart


def test_the_bare_ones_are_proven_their_start_is_timed_and_none_outlives_it() -> None:
    them = BareStart("bare", count=1)
    before = psutil.Process().children()
    assert them.prove() == ["each of 1 gunicorns answers with 200"]
    sample = them.turn()
    assert sample.cpu_us > 0
    assert sample.also["start_s"] > 0
    assert psutil.Process().children() == before


def test_one_that_cannot_load_is_told_of() -> None:
    with pytest.raises(CannotServe, match="no_such_library"):
        BareStart("bare", loaded=["no_such_library"], count=1).turn()


def test_somebody_else_who_answers_is_no_contestant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "opens", lambda *_: b"good bye\n")
    monkeypatch.setattr(starting, "_await_answers", lambda _: None)
    with pytest.raises(NotProven, match="somebody else answers"):
        BareStart("bare", count=1).prove()


class Prepared:
    """Shops of which nothing is started; what happens to them is written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.book: list[str] = []
        self.trouble: Exception | None = None
        self.shop = LocalShop("jwt", ports.free(), root)
        monkeypatch.setattr(starting, "open_shop", lambda *_: self.shop)
        monkeypatch.setattr(starting, "provision", lambda *_, **__: self.book.append("prepare"))
        monkeypatch.setattr(starting, "_pids", lambda _: [])
        monkeypatch.setattr(LocalShop, "start", lambda _, *names: self.start(names))
        monkeypatch.setattr(LocalShop, "stop", lambda _, *names: self.book.append("stop"))
        monkeypatch.setattr(LocalShop, "down", lambda _: self.book.append("down"))

    def start(self, names: Sequence[str]) -> None:
        assert tuple(names) == PROCESSES
        self.book.append("start")
        if self.trouble:
            raise self.trouble


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Prepared:
    return Prepared(monkeypatch, tmp_path)


def test_a_shop_is_prepared_before_its_clock_runs_and_starts_again_from_what_is_there(prepared: Prepared) -> None:
    assert OurStart("jwt").turn().also.keys() == {"prepare_s", "start_s"}
    assert OurStart("jwt", again=True).turn().also.keys() == {"prepare_s", "start_s", "start_again_s", "cpu_again_us"}
    assert " ".join(prepared.book) == "prepare start down prepare start stop start down"


def test_a_shop_that_does_not_start_leaves_nothing_behind(prepared: Prepared) -> None:
    prepared.trouble = CannotRun("orders ended while starting", "look")
    with pytest.raises(CannotRun):
        OurStart("jwt").turn()
    assert prepared.book[-1] == "down"
    with pytest.raises(CannotRun):
        OurStart("jwt").prove()
    assert prepared.book[-1] == "down"


def test_what_the_libraries_take_is_told_of_pairs() -> None:
    course = Course({}, {})
    for name, seconds in ((starts.THEIRS, 1.0), (starts.LOADED, 2.0), (starts.OURS, 3.0)):
        course.samples[name] = [Sample(0.0, also={"start_s": seconds * slow}) for slow in (1, 5)]
    assert "take 2.00 times as long with" in starts._of_libraries(course)
    assert "takes 1.50 times as long as they" in starts._of_libraries(course)


def test_what_is_loaded_besides_is_what_a_service_loads() -> None:
    code = "import sys, services.orders, services.patterns.jwt; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(starting.LIBRARIES) <= set(loaded)
