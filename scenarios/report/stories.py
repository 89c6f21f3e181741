"""What there is to tell of each scenario: its text, its cells, and which patterns came out alike.

The text is the story's own file; what came of it is the evidence's.  A story that is no longer told, or that was not
tried, is shown as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from compose.topology import PATTERNS
from scenarios.evidence import Cell, Evidence, Hop
from scenarios.registry import GROUPS, Story
from scenarios.report.words import outcome, verdict

RIGHTFUL = frozenset({"everyday", "faults"})
"""Groups whose people want what is theirs: to be served is right."""
OWN_ACCOUNT = frozenset({"another customer"})
"""Groups in which somebody has rights of her own, so that being served says nothing yet."""
NO_LONGER_TOLD = "no longer told"
_VARIES = re.compile(r'sha256:[0-9a-f]+|"kid": ?"[^"]*"|[0-9a-f]{12,}|:\d{4,5}\b|\d\d:\d\d:\d\d')
"""What differs from run to run and says nothing: fingerprints, names of keys, ids, ports, times."""


class Sense(Enum):
    """What a cell means for whoever has to choose, and the sign that says so without colour."""

    SURPRISE = ("surprise", "!", "came otherwise than it was written down")
    LET_THROUGH = ("let through", "⚑", "an attacker was served, as expected: a weakness inherent in the pattern")
    LET_DOWN = ("let down", "▽", "somebody in the right was not served, where other patterns serve them: a price")
    HELD = ("held", "", "an attacker was stopped")
    SERVED = ("served", "", "somebody in the right was served")
    PLAIN = ("plain", "", "neither: the same for everybody, or within their own rights")

    def __init__(self, title: str, mark: str, meaning: str) -> None:
        self.title, self.mark, self.meaning = title, mark, meaning

    @property
    def css(self) -> str:
        """The class that colours it."""
        return self.title.replace(" ", "-")


@dataclass(frozen=True)
class Batch:
    """Cases of a story of which the same came."""

    verdict: str
    """In one word, with the status where it says more."""
    words: str
    names: tuple[str, ...]
    surprise: bool


@dataclass(frozen=True)
class Shown:
    """One cell, as it is shown."""

    cell: Cell
    sense: Sense
    word: str
    batches: tuple[Batch, ...]

    @property
    def signature(self) -> object:
        """All that is shown of it and does not vary from run to run: what is equal in this came out alike."""
        cell = self.cell
        hops = tuple(_unvaried(hop) for hop in cell.hops)
        texts = tuple(_VARIES.sub("", text) for text in (cell.reason, cell.request, cell.answer))
        batches = tuple((each.verdict, _VARIES.sub("", each.words), each.names) for each in self.batches)
        return self.word, self.sense, texts, hops, batches


@dataclass(frozen=True)
class Told:
    """One story under all patterns."""

    name: str
    group: str
    title: str
    paragraphs: tuple[str, ...]
    references: tuple[str, ...]
    cases: int
    cells: Mapping[str, Shown | None]
    """By pattern; None where it was not tried in this run."""

    @property
    def words(self) -> str:
        """Its name as one says it."""
        return self.name.replace("_", " ")

    @property
    def alike(self) -> list[list[tuple[str, Shown]]]:
        """The cells, those together that differ in nothing that says something, in the order of the patterns."""
        together: dict[object, list[tuple[str, Shown]]] = {}
        for pattern, shown in self.cells.items():
            if shown is not None:
                together.setdefault(shown.signature, []).append((pattern, shown))
        return list(together.values())

    @property
    def untried(self) -> list[str]:
        """The patterns under which it was not tried."""
        return [pattern for pattern, shown in self.cells.items() if shown is None]

    @property
    def differs(self) -> bool:
        """Whether it makes a difference which pattern is in force, or anything surprised."""
        shown = [each for each in self.cells.values() if each]
        return len({each.word for each in shown}) > 1 or any(each.sense is Sense.SURPRISE for each in shown)


def told(evidence: Evidence, stories: Mapping[str, Story]) -> dict[str, list[Told]]:
    """Every story by its group: those that are told, in their order, then those that only the evidence knows."""
    lost = sorted({cell.story for cell in evidence.cells.values()} - set(stories))
    everything = [_told(evidence, name, stories.get(name)) for name in (*stories, *lost)]
    groups = {group: [each for each in everything if each.group == group] for group in (*GROUPS, NO_LONGER_TOLD)}
    return {group: members for group, members in groups.items() if members}


def _told(evidence: Evidence, name: str, story: Story | None) -> Told:
    found = {pattern: evidence.cells.get(f"{name}/{pattern}") for pattern in PATTERNS}
    group = story.group if story else NO_LONGER_TOLD
    someone_served = any(cell and outcome(cell) == "served" for cell in found.values())
    cells = {pattern: _shown(cell, group, someone_served) if cell else None for pattern, cell in found.items()}
    if story is None:
        return Told(name, group, "This story is in the evidence, and no longer in the tree.", (), (), 0, cells)
    paragraphs = tuple(" ".join(each.split()) for each in story.walkthrough.split("\n\n") if each.strip())
    return Told(name, group, story.title, paragraphs, story.references, len(story.cases), cells)


def _shown(cell: Cell, group: str, someone_served: bool) -> Shown:
    return Shown(cell, _sense(cell, group, someone_served), outcome(cell), tuple(_batches(cell)))


def _sense(cell: Cell, group: str, someone_served: bool) -> Sense:
    served = outcome(cell) == "served"
    if cell.surprises or not cell.cases:
        return Sense.SURPRISE
    if group in RIGHTFUL:
        return Sense.SERVED if served else Sense.LET_DOWN if someone_served else Sense.PLAIN
    if not served:
        return Sense.HELD
    return Sense.PLAIN if group in OWN_ACCOUNT or group == NO_LONGER_TOLD else Sense.LET_THROUGH


def _batches(cell: Cell) -> Iterable[Batch]:
    """The cases, those together of which the same came; surprises first."""
    together: dict[tuple[str, str, bool], list[str]] = {}
    for case in cell.cases:
        together.setdefault((verdict(case), case.words, case.verdict != cell.expected), []).append(case.name)
    for (came, words, surprise), names in sorted(together.items(), key=lambda item: not item[0][2]):
        yield Batch(came, words, tuple(filter(None, names)), surprise)


def _unvaried(hop: Hop) -> tuple[object, ...]:
    presented = tuple(_VARIES.sub("", each) for each in hop.presented)
    return hop.caller, hop.service, hop.request, presented, hop.checked, hop.user, hop.authorized_by, hop.answer


def cells(groups: Mapping[str, Sequence[Told]]) -> Iterable[Shown]:
    """Every cell that was tried."""
    return (shown for members in groups.values() for each in members for shown in each.cells.values() if shown)
