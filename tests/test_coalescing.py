"""Many who ask the same at the same moment, and that none of them is given an answer from before they came."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from services.coalescing import Coalescing
from services.identity import Refusal, Silence, Unauthenticated, Unavailable


class Oracle:
    """Answers with the number of the question, each only when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.arrived = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        self.arrived.release()
        assert self.let.acquire(timeout=10)
        return number


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as threads:
        yield threads


class Next(dict[Hashable, Future[int]]):
    """The questions that are put next; it counts who looked whether theirs is among them, and tells of each."""

    def __init__(self, changed: threading.Condition) -> None:
        super().__init__()
        self.changed, self.came = changed, 0

    def get(self, key: Hashable, default: Any = None) -> Any:
        self.came += 1
        self.changed.notify_all()
        return super().get(key, default)

    def await_visitors(self, count: int) -> None:
        """Return when so many have come: each of them shares a question by then, or waits to put one."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.came == count, timeout=10)


def test_whoever_comes_while_a_question_is_under_way_shares_the_next(pool: ThreadPoolExecutor) -> None:
    questions, oracle = Coalescing[int](), Oracle()
    questions._next = visited = Next(questions._changed)
    first = pool.submit(questions.ask, "token", oracle)
    oracle.arrived.acquire(timeout=10)
    late = [pool.submit(questions.ask, "token", oracle) for _ in range(8)]
    visited.await_visitors(9)
    oracle.let.release()
    assert first.result(10) == 1
    oracle.arrived.acquire(timeout=10)
    oracle.let.release(20)
    assert [each.result(10) for each in late] == [2] * 8  # not what had been asked before they came, and asked once


def test_other_questions_do_not_wait(pool: ThreadPoolExecutor) -> None:
    questions, oracle = Coalescing[int](), Oracle()
    slow = pool.submit(questions.ask, "token", oracle)
    oracle.arrived.acquire(timeout=10)
    assert questions.ask("another", lambda: 7) == 7
    oracle.let.release()
    assert slow.result(10) == 1


def test_a_failure_is_everybodys_who_asked_with_it_and_nobody_elses(pool: ThreadPoolExecutor) -> None:
    questions = Coalescing[int]()

    def fails() -> int:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        questions.ask("token", fails)
    assert questions.ask("token", lambda: 3) == 3


@pytest.mark.parametrize(
    ("failure", "asked"), [(Silence("none"), 2), (Unavailable("nonsense"), 3), (Unauthenticated("no"), 3)]
)
def test_whoever_waited_for_silence_does_not_wait_for_it_again(
    pool: ThreadPoolExecutor, failure: Refusal, asked: int
) -> None:
    """A no may be a yes meanwhile; but who says nothing now says nothing."""
    questions, oracle = Coalescing[int](), Oracle()
    questions._next = visited = Next(questions._changed)

    def fails() -> int:
        oracle()
        raise failure

    first = pool.submit(questions.ask, "token", fails)
    oracle.arrived.acquire(timeout=10)
    late = [pool.submit(questions.ask, "token", fails) for _ in range(2)]
    visited.await_visitors(3)
    oracle.let.release(3)
    for each in (first, *late):
        with pytest.raises(type(failure)):
            each.result(10)
    with pytest.raises(type(failure)):
        questions.ask("token", fails)
    assert oracle.asked == asked


def test_nothing_is_kept_of_what_has_been_answered() -> None:
    questions = Coalescing[int]()
    questions.ask("token", lambda: 1)
    assert not questions._next
    assert not questions._asking
    assert questions.ask("token", lambda: 2) == 2
