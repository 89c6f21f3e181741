"""What stands between us and a goal: the parts of a request that a lock makes dearer, by what `where` has found.

Of a connection it is what only we look at, by what `limits` has found; of a start what is loaded, by what `starts` has
found of those who load the same and do nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.bench.record import Bench, Compared, Held
from scenarios.bench.statistics import Spread

LOOKED_INTO = "where"
PART = "part_us, "
"""What the figures of parts begin with."""
ONE_OF_SEVERAL = "hops"
"""The experiment whose request goes through several services; one of them is what was looked into."""
ALIKE = {"oauth2 cached": "oauth2, cached 5 s"}
"""What is called otherwise elsewhere."""
LOADED_TOO = "with our libraries loaded"
"""Behind whose name stands that they are what a goal is about, but for that."""
CONNECTS, CRYPTOGRAPHY = "connections", "limits"
HANDSHAKES = ("mutual TLS handshake", "mutual TLS handshake without a revocation list")
"""What a connection of ours begins with, and what it would begin with if it asked for no more than theirs does."""
ANY_OPEN = "jwt, open"
"""The open endpoint over TLS, which stands for that of the other patterns."""
MOST, ENOUGH = 4, 0.85
"""How many parts are told at most, and of how much of the difference they may leave off the rest."""


@dataclass(frozen=True)
class Obstacle:
    """In microseconds of CPU for a request: what a lock takes, what its goal leaves it, and the parts it is made of."""

    takes: float
    leaves: float
    parts: tuple[tuple[str, float], ...]
    """Those that are dearer, the largest first."""
    one_of_several: bool

    @property
    def words(self) -> str:
        """In a sentence."""
        where = "at one of the services, its call to the next left out, " if self.one_of_several else ""
        parts = ", ".join(f"{part} {us:+.0f}" for part, us in self.parts)
        if self.takes <= self.leaves:
            of = f"of the {self.leaves:.0f} that the goal leaves"
            return f"{where}it takes {self.takes:.0f} µs {of} ({parts}); {self._rest}"
        return f"{where}it takes {self.takes:.0f} µs where the goal leaves {self.leaves:.0f} ({parts})"

    @property
    def _rest(self) -> str:
        """Where what was not seen here is to be looked for."""
        if self.one_of_several:
            return "the rest is that call's, and the identity provider's"
        return "it was less here than where the goal was missed"


def words(bench: Bench, experiment: str, goal: Compared) -> str:
    """What stands before a goal, in a few words; empty where that was not looked into."""
    found = obstacle(bench, experiment, goal)
    if found is not None:
        return found.words
    if experiment == CONNECTS:
        return _of_lists(bench, goal)
    rows = bench.experiments[experiment].rows
    loaded, theirs = (rows.get(name) for name in (f"{goal.theirs}, {LOADED_TOO}", goal.theirs))
    if not loaded or not theirs or goal.figure not in loaded.figures.keys() & theirs.figures.keys():
        return ""
    times = loaded.figures[goal.figure].median / theirs.figures[goal.figure].median
    return f"{LOADED_TOO}, and nothing else of ours, they come to {times:.2f} times as much too"


def _of_lists(bench: Bench, goal: Compared) -> str:
    """What the revocation lists come to, which are asked for by us alone."""
    measured, rows = bench.experiments.get(CRYPTOGRAPHY), bench.experiments[CONNECTS].rows
    if measured is None or not measured.rows.keys() >= set(HANDSHAKES):
        return ""
    listed, unlisted = (measured.rows[name].figures[goal.figure].median for name in HANDSHAKES)
    ours, theirs = (rows[name].figures[goal.figure].median for name in (goal.ours, goal.theirs))
    without = (ours - (listed - unlisted)) / theirs
    return (
        f"{listed - unlisted:.0f} of its {ours:.0f} µs go to the revocation lists, at which the other does not look: "
        f"without them it would be {without:.2f}"
    )


def obstacle(bench: Bench, experiment: str, goal: Compared) -> Obstacle | None:
    """What stands before a goal; None when neither, or only one of the two, was looked into."""
    held = bench.experiments.get(LOOKED_INTO)
    if held is None or goal.figure != "cpu_us":
        return None
    ours, theirs = _parts(held, goal.ours), _parts(held, goal.theirs)
    if not ours or not theirs:
        return None
    more = {part: us - theirs.get(part, 0.0) for part, us in ours.items()}
    takes, leaves = sum(more.values()), (goal.most - 1) * sum(theirs.values())
    return Obstacle(takes, leaves, _largest(more), experiment == ONE_OF_SEVERAL)


def parts(figures: Mapping[str, Spread]) -> dict[str, Spread]:
    """Those of a contestant's figures that are parts of another, by the part."""
    return {name.removeprefix(PART): spread for name, spread in figures.items() if name.startswith(PART)}


def _parts(held: Held, name: str) -> dict[str, float]:
    """The parts of whoever has that name elsewhere."""
    row = held.rows.get(ALIKE.get(name, name))
    if row is None and name.endswith(", open"):
        row = held.rows.get(ANY_OPEN)
    return {part: spread.median for part, spread in parts(row.figures).items()} if row else {}


def _largest(more: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The parts that are dearer, until they tell enough."""
    dearer = sorted(((part, us) for part, us in more.items() if us >= 0.5), key=lambda each: -each[1])
    told: list[tuple[str, float]] = []
    for each in dearer[:MOST]:
        if sum(us for _, us in told) >= ENOUGH * sum(us for _, us in dearer):
            break
        told.append(each)
    return tuple(told)
