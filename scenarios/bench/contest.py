"""Contestants side by side: each proven to do its work, then timed in rounds in which everybody has a turn.

A machine that others use too is never the same twice.  So contestants are compared within a round, a few seconds long,
and only the ratio of such pairs counts (`statistics.ratio`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Protocol

from scenarios.bench.statistics import Spread, ratio, spread


class NotProven(Exception):
    """A contestant does not do what it is to be timed for: its lock is open, or it refuses whom it should admit."""


@dataclass(frozen=True)
class Sample:
    """One turn of one contestant: CPU microseconds per request of the processes that served it, and what else was seen.

    `latencies` are seconds, one per request; `also` are further figures per request, by name.
    """

    cpu_us: float
    latencies: Sequence[float] = ()
    also: Mapping[str, float] = field(default_factory=dict)


class Contestant(Protocol):
    """Whatever can be timed."""

    @property
    def name(self) -> str:
        """What it is called in the results."""

    def prove(self) -> Sequence[str]:
        """Show that its control is on; what was shown, in words, or `NotProven`."""

    def turn(self) -> Sample:
        """Serve one round's requests."""


@dataclass(frozen=True)
class Goal:
    """That `ours` costs at most `most` times as much as `theirs`; `margin` is what noise may add in a quick run."""

    ours: str
    theirs: str
    most: float
    margin: float = 0.10
    figure: str = "cpu_us"


@dataclass
class Course:
    """What the rounds of one experiment brought: for each contestant what was proven, and its samples in order."""

    proven: dict[str, list[str]] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def go_on(self, later: Course) -> None:
        """Take in what further rounds of the same contestants have brought."""
        self.proven = later.proven
        for name, samples in later.samples.items():
            self.samples.setdefault(name, []).extend(samples)

    def figures(self, name: str, figure: str = "cpu_us") -> list[float]:
        """One figure of a contestant, one per round."""
        return [each.cpu_us if figure == "cpu_us" else each.also[figure] for each in self.samples[name]]

    def spread(self, name: str, figure: str = "cpu_us") -> Spread:
        """The spread of one figure over the rounds."""
        return spread(self.figures(name, figure))

    def ratio(self, ours: str, theirs: str, figure: str = "cpu_us") -> Spread:
        """How many times as much one costs as another, in pairs of the same round."""
        return ratio(self.figures(ours, figure), self.figures(theirs, figure))


def hold(
    contestants: Sequence[Contestant],
    rounds: int,
    told: Callable[[str], None] = lambda _: None,
    slices: int = 1,
    warm: bool = True,
) -> Course:
    """Prove every contestant, give each a turn to `warm` up, then `rounds` rounds, each begun by another of them.

    A round is everybody's turn so many times over: of `slices` short turns, what comes and goes on the machine within a
    round falls on all alike; together they are one sample.
    """
    course = Course({each.name: list(each.prove()) for each in contestants})
    for each in contestants:
        if warm:
            each.turn()
        course.samples[each.name] = []
    for number in range(rounds):
        first = number % len(contestants)
        taken: dict[str, list[Sample]] = {each.name: [] for each in contestants}
        for each in [*contestants[first:], *contestants[:first]] * slices:
            taken[each.name].append(each.turn())
        for name, samples in taken.items():
            course.samples[name].append(together(samples))
        told(f"round {number + 1} of {rounds}")
    return course


def together(samples: Sequence[Sample]) -> Sample:
    """Turns of as many requests each, as one."""
    also = {name: fmean(sample.also[name] for sample in samples) for name in samples[0].also}
    latencies = [seconds for sample in samples for seconds in sample.latencies]
    return Sample(fmean(sample.cpu_us for sample in samples), latencies, also)
