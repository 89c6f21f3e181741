"""Where the time of a request goes: each stretch is on one account, and keeping the accounts is on none."""

from __future__ import annotations

import time

import pytest

from scenarios.bench.contest import Course, Sample
from scenarios.bench.experiment import QUICK
from scenarios.bench.experiments import where
from scenarios.bench.ledger import GUARD, GUNICORN, KEEPING, PARTS, WIRE, Ledger
from scenarios.bench.looking import part_figure, split


def work(ms: float) -> None:
    """Spend so much CPU time."""
    until = time.thread_time() + ms / 1000
    while time.thread_time() < until:
        pass


def test_what_lies_in_another_part_within_it_is_not_on_the_account_of_a_part() -> None:
    ledger = Ledger()
    inner = ledger.within(WIRE, work)

    def outer() -> None:
        work(10)
        inner(20)
        work(5)

    ledger.within(GUARD, outer)()
    assert ledger.spent[GUARD] / 1e6 == pytest.approx(15, rel=0.1)
    assert ledger.spent[WIRE] / 1e6 == pytest.approx(20, rel=0.1)


def test_a_stretch_that_ends_with_an_exception_has_ended() -> None:
    ledger = Ledger()

    def refuse() -> None:
        work(5)
        raise PermissionError

    with pytest.raises(PermissionError):
        ledger.within(GUARD, refuse)()
    ledger.within(WIRE, work)(5)
    assert ledger.spent[GUARD] / 1e6 == pytest.approx(5, rel=0.2)
    assert ledger.spent[WIRE] / 1e6 == pytest.approx(5, rel=0.2)


def test_what_keeping_it_takes_is_on_nobodys_account() -> None:
    ledger = Ledger()
    empty = ledger.within(GUARD, lambda: None)
    for _ in range(5000):
        empty()
    assert ledger.spent[KEEPING] > 0
    assert abs(ledger.spent[GUARD]) < ledger.spent[KEEPING] / 2


def test_what_is_on_nobodys_account_is_gunicorns() -> None:
    spent = dict.fromkeys(PARTS, 10.0) | {GUNICORN: 5.0, KEEPING: 30.0}
    parts = split(200.0, spent)
    assert list(parts) == list(PARTS)
    assert parts[GUNICORN] == 200 - 30 - 10 * (len(PARTS) - 1)
    assert sum(parts.values()) == 170


def test_the_kernels_share_is_that_of_all_rounds() -> None:
    course = Course({"jwt": []}, {"jwt": []})
    for user, system in ((0.1, 0.0), (0.2, 0.1)):
        also = {part_figure(part): 100.0 for part in PARTS} | {"user_s": user, "system_s": system}
        course.samples["jwt"].append(Sample(700.0, also=also))
    figures = where.row(course, "jwt").figures
    assert figures["in_the_kernel_us"].median == pytest.approx(175)
    assert figures[part_figure(GUARD)].count == 2
    assert "user_s" not in figures


def test_a_quick_run_leaves_it_out_and_says_so() -> None:
    found = where.run(QUICK, lambda _: None)
    assert not found.rows
    assert "a quick run leaves it out" in found.notes[0]
