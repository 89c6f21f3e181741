"""`make bench`: it survives what fails, keeps what was not run again, and says which promises are broken."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from compose.refusals import CannotRun
from scenarios import compare
from scenarios.bench import command, record
from scenarios.bench.contest import Goal, NotProven
from scenarios.bench.experiment import Compared, Result, Row, Series, Sizes, Told
from scenarios.bench.statistics import Spread
from tests.evidence_support import ENVIRONMENT

GOAL = Goal("ours", "theirs", 1.10, 0.05)


def measured(median: float, low: float) -> Result:
    """What an experiment finds: a ratio."""
    found = Spread(median, low, median, (low, median), 5)
    return Result([Row("ours", ["shut"], {"cpu_us": found})], [Compared(GOAL, found)])


def experiment(run: Callable[[Sizes, Told], Result]) -> ModuleType:
    made = ModuleType("made_up", "Does it work?\n\nIt is tried.")
    vars(made).update(GOALS=(GOAL,), run=run)
    return made


@dataclass
class Bench:
    """`make bench` over experiments that are made up."""

    experiments: dict[str, ModuleType]
    monkeypatch: pytest.MonkeyPatch
    said: StringIO = field(default_factory=StringIO)

    def __call__(self, only: str = "", quick: bool = False) -> bool:
        for name, made in self.experiments.items():
            self.monkeypatch.setitem(sys.modules, f"scenarios.bench.experiments.{name}", made)
        return command.bench(Console(file=self.said, width=200), only, quick)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    made = Bench({}, monkeypatch)
    monkeypatch.setattr(compare, "environment", lambda: ENVIRONMENT)
    monkeypatch.setattr(command, "_files", lambda: sorted(made.experiments))
    monkeypatch.setattr(record, "FILE", tmp_path / "bench.json")
    monkeypatch.setattr(record, "QUICK_FILE", tmp_path / "bench-quick.json")
    return made


def test_an_experiment_that_fails_is_told_of_and_the_rest_goes_on(bench: Bench) -> None:
    def fails(sizes: Sizes, told: Told) -> Result:
        raise NotProven("the door was open")

    bench.experiments |= {"a": experiment(fails), "b": experiment(lambda *_: measured(1.0, 0.9))}
    assert not bench()
    assert "a failed: NotProven: the door was open" in bench.said.getvalue()
    assert list(record.read(record.FILE).experiments) == ["b"]


def test_what_a_run_leaves_says_what_was_asked_how_and_what_came_of_it(bench: Bench) -> None:
    bench.experiments |= {"a": experiment(lambda *_: measured(1.2, 1.0))}
    assert bench()  # a goal that is not met is no failure of the long run
    [held] = record.read(record.FILE).experiments.values()
    assert (held.question, held.method, held.rounds, held.quick) == ("Does it work?", "It is tried.", 15, False)
    assert held.rows["ours"].proven == ("shut",)
    [goal] = held.compared
    assert (goal.ours, goal.ratio.median, goal.met, goal.broken) == ("ours", 1.2, False, False)
    assert "not met" in bench.said.getvalue()


def test_a_narrowed_run_leaves_the_others_as_they_were(bench: Bench) -> None:
    bench.experiments |= {name: experiment(lambda *_: measured(1.0, 0.9)) for name in ("a", "b", "gone")}
    bench()
    del bench.experiments["gone"]
    bench.experiments["b"] = experiment(lambda *_: measured(2.0, 1.9))
    bench(only="b")
    found = record.read(record.FILE).experiments
    assert {name: held.compared[0].ratio.median for name, held in found.items()} == {"a": 1.0, "b": 2.0}
    with pytest.raises(CannotRun, match="no experiment"):
        bench(only="nonsense")


@pytest.mark.parametrize(("median", "low", "well"), [(1.0, 0.9, True), (1.3, 1.14, True), (1.3, 1.16, False)])
def test_a_quick_run_fails_when_a_promise_is_broken_beyond_what_noise_may_add(
    bench: Bench, median: float, low: float, well: bool
) -> None:
    bench.experiments |= {"a": experiment(lambda *_: measured(median, low))}
    assert bench(quick=True) is well
    assert not record.FILE.exists()
    assert record.read(record.QUICK_FILE).experiments["a"].quick


def test_what_was_found_is_shown_however_much_it_is(bench: Bench) -> None:
    one = Spread(1234.5, 1, 2, (1000.0, 0.012), 5)
    curve = Series("curve", "s", "lag", [(0.5, one), (10_000, one)])
    few = Result([Row("[ours]", [], {"cpu_us": one})], series=[curve])
    many = Result([Row("ours", [], {f"figure_{number}": one for number in range(9)})], notes=["a [note]"])
    bench.experiments |= {"few": experiment(lambda *_: few), "many": experiment(lambda *_: many)}
    assert bench()
    for shown in ("[ours]", "1,234 (1,000–0.012)", "0.5 · 10,000", "figure 8", "a [note]"):
        assert shown in bench.said.getvalue()


@pytest.mark.parametrize("name", command.names())
def test_an_experiment_asks_a_question_and_says_how_and_what_it_promises(name: str) -> None:
    module = importlib.import_module(f"scenarios.bench.experiments.{name}")
    question, _, method = (module.__doc__ or "").partition("\n\n")
    assert question.endswith("?")
    assert method
    assert all(isinstance(goal, Goal) for goal in module.GOALS)
    assert callable(module.run)
