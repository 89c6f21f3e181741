"""Many who ask the same at the same moment, and that none of them is given an answer from before they came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from services.coalescing import Coalescing


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


def waiting(questions: Coalescing[int], key: str) -> Future[int]:
    """The question under `key` that is to be put next, once somebody waits to put it."""
    with questions._changed:
        while key not in questions._next:
            questions._changed.wait(0.001)  # whoever comes next tells nobody
        return questions._next[key]


def test_whoever_comes_while_a_question_is_under_way_shares_the_next(pool: ThreadPoolExecutor) -> None:
    questions, oracle = Coalescing[int](), Oracle()
    first = pool.submit(questions.ask, "token", oracle)
    oracle.arrived.acquire(timeout=10)
    late = [pool.submit(questions.ask, "token", oracle) for _ in range(8)]
    waiting(questions, "token")
    oracle.let.release()
    assert first.result(10) == 1
    oracle.arrived.acquire(timeout=10)
    oracle.let.release(20)
    answers = [each.result(10) for each in late]
    assert min(answers) >= 2  # none was answered by what had been asked before they came
    assert oracle.asked < 9  # and they did not all ask for themselves


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


def test_nothing_is_kept_of_what_has_been_answered() -> None:
    questions = Coalescing[int]()
    questions.ask("token", lambda: 1)
    assert not questions._next
    assert not questions._asking
    assert questions.ask("token", lambda: 2) == 2
