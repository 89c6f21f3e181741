"""Waiting for a process that does not answer holds some of our threads, and never all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import pytest

from services.bulkhead import LONG, MOST, Bulkhead, Full


class Slow(Exception):
    """Nothing came in time."""


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


BUDGET = 30.0
"""Seconds that a request has: far more than any test waits."""


@pytest.fixture
def places(clock: Clock) -> Bulkhead:
    return Bulkhead(Slow, BUDGET, clock)


def told_nothing(places: Bulkhead, clock: Clock, after: float = BUDGET) -> None:
    with suppress(Slow), places.place():
        clock.now += after
        raise Slow


@contextmanager
def one_more(places: Bulkhead, until: float = float("inf")) -> Iterator[Future[str]]:
    """What becomes of somebody who comes now, and leaves as soon as they have a place."""

    def come() -> str:
        coming.set()
        try:
            with places.place(until):
                return "let in"
        except Full:
            return "refused"

    coming = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(come)
        assert coming.wait(10)
        yield future


def test_whoever_comes_when_all_places_are_taken_has_the_next_that_is_free(places: Bulkhead) -> None:
    with ExitStack() as taken:
        for _ in range(MOST):
            taken.enter_context(places.place())
        with one_more(places) as another:
            with pytest.raises(TimeoutError):
                another.result(0.05)
            taken.pop_all().close()
            assert another.result(10) == "let in"


def test_whoever_comes_when_one_has_waited_for_long_is_refused_at_once(places: Bulkhead, clock: Clock) -> None:
    with ExitStack() as taken:
        taken.enter_context(places.place())
        clock.now += BUDGET * LONG
        for _ in range(MOST - 1):
            taken.enter_context(places.place())  # as long as there are places, that is nobody's business
        with pytest.raises(Full, match="wait for it already"), places.place():
            pass


@pytest.mark.parametrize("budget", [0.2, BUDGET], ids=["one has waited for long", "their own time is over"])
def test_whoever_waits_for_a_place_waits_no_longer_than_that(budget: float) -> None:
    places = Bulkhead(Slow, budget)
    with ExitStack() as taken:
        for _ in range(MOST):
            taken.enter_context(places.place())
        with one_more(places, time.monotonic() + (0.1 if budget == BUDGET else BUDGET)) as another:
            assert another.result(10) == "refused"


class TestOneThatIsSlow:
    def test_is_asked_by_one_until_that_one_is_answered(self, places: Bulkhead, clock: Clock) -> None:
        told_nothing(places, clock)
        with places.place(), pytest.raises(Full), places.place():
            pass
        with places.place(), places.place():
            pass

    def test_is_slow_still_when_that_one_is_told_nothing(self, places: Bulkhead, clock: Clock) -> None:
        for _ in range(3):
            told_nothing(places, clock)
        with places.place(), pytest.raises(Full), places.place():
            pass

    def test_is_slow_no_more_when_it_cannot_be_reached_at_all(self, places: Bulkhead, clock: Clock) -> None:
        told_nothing(places, clock)
        with suppress(ConnectionError), places.place():
            raise ConnectionError
        with places.place(), places.place():
            pass

    def test_is_not_slow_when_somebody_who_came_later_was_answered(self, places: Bulkhead, clock: Clock) -> None:
        with suppress(Slow), places.place():
            clock.now += BUDGET
            with places.place():
                pass
            raise Slow
        with places.place(), places.place():
            pass

    def test_is_not_slow_for_whoever_had_hardly_any_time_left(self, places: Bulkhead, clock: Clock) -> None:
        told_nothing(places, clock, after=BUDGET * LONG / 2)
        with places.place(), places.place():
            pass

    def test_is_slow_for_those_who_wait_for_a_place_too(self, places: Bulkhead, clock: Clock) -> None:
        first = places.place()
        with ExitStack() as taken:
            first.__enter__()
            for _ in range(MOST - 1):
                taken.enter_context(places.place())
            with one_more(places) as another:
                with pytest.raises(TimeoutError):
                    another.result(0.05)
                clock.now += BUDGET
                first.__exit__(Slow, Slow(), None)
                assert another.result(10) == "refused"
