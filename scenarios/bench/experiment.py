"""What an experiment is: a module of `scenarios.bench.experiments` with a docstring, `GOALS` and `run`.

docstring   the question in one line; after an empty line, the method, and what the figures do not say
GOALS       the ratios that are promised, as a tuple of `Goal`; may be empty
run         run(sizes, told) -> Result; `told` takes a line of progress
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scenarios.bench.contest import Course, Goal
from scenarios.bench.statistics import Spread, quantile, spread

Told = Callable[[str], None]


@dataclass(frozen=True)
class Sizes:
    """How much of everything; a `quick` run is for CI, and leaves out what only a long one can tell."""

    rounds: int
    requests: int
    quick: bool


FULL = Sizes(rounds=15, requests=200, quick=False)
QUICK = Sizes(rounds=3, requests=100, quick=True)


@dataclass(frozen=True)
class Row:
    """One contestant: what was proven of it, and its figures; CPU in microseconds, latencies in milliseconds."""

    name: str
    proven: Sequence[str]
    figures: Mapping[str, Spread]


@dataclass(frozen=True)
class Compared:
    """A goal and what was measured."""

    goal: Goal
    ratio: Spread

    @property
    def met(self) -> bool:
        """Whether the median keeps the promise."""
        return self.ratio.median <= self.goal.most

    @property
    def broken(self) -> bool:
        """Whether it is broken beyond what noise may add: the whole interval is."""
        return self.ratio.low > self.goal.most + self.goal.margin


@dataclass(frozen=True)
class Series:
    """A curve: what `y` came to at each `x`; both say their unit."""

    name: str
    x: str
    y: str
    points: Sequence[tuple[float, Spread]]


@dataclass(frozen=True)
class Result:
    """What an experiment found."""

    rows: Sequence[Row] = ()
    compared: Sequence[Compared] = ()
    series: Sequence[Series] = ()
    notes: Sequence[str] = field(default=())


class Experiment(Protocol):
    """Such a module."""

    __doc__: str | None
    GOALS: tuple[Goal, ...]

    def run(self, sizes: Sizes, told: Told) -> Result:
        """Do it."""


def compared(course: Course, goals: Sequence[Goal]) -> list[Compared]:
    """Each of `goals` with the ratio that `course` shows; a goal whose contestants were not there is left out."""
    held = [goal for goal in goals if {goal.ours, goal.theirs} <= course.samples.keys()]
    return [Compared(goal, course.ratio(goal.ours, goal.theirs, goal.figure)) for goal in held]


PERCENTILES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


def rows(course: Course) -> list[Row]:
    """Each contestant of `course`: CPU time, whatever else was seen, and the latencies of each round."""
    return [Row(name, course.proven[name], _figures(course, name)) for name in course.samples]


def _figures(course: Course, name: str) -> dict[str, Spread]:
    samples = course.samples[name]
    found = {figure: course.spread(name, figure) for figure in ("cpu_us", *samples[0].also)}
    ordered = [sorted(sample.latencies) for sample in samples]
    if all(ordered):
        for percentile, share in PERCENTILES.items():
            found[percentile] = spread([quantile(each, share) * 1000 for each in ordered])
    return found
