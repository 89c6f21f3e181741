"""Looking figures and cells up in the evidence, and remembering what was seen: what a finding rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from scenarios.evidence import Evidence


class Finding(Enum):
    """What the run says of a statement."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    DEPENDS = "it depends"
    UNSAID = "the article does not say"
    UNMEASURED = "not measured"


class NotMeasured(Exception):
    """The run has no such figure or cell; the message is its id."""


@dataclass
class Look:
    """A look into the evidence that remembers what it saw."""

    evidence: Evidence
    seen: list[str] = field(default_factory=list)

    def figure(self, measurement: str, pattern: str, name: str) -> float:
        """The value of a figure; raises `NotMeasured`."""
        where = f"figure:{measurement}/{pattern}#{name}"
        found = self.evidence.figure(measurement, pattern, name)
        if found is None or found.value is None:
            raise NotMeasured(where)
        self.seen.append(where)
        return found.value

    def verdict(self, story: str, pattern: str) -> str:
        """What came of a story, whose cases all came to the same; raises `NotMeasured`, also when they did not."""
        where = f"cell:{story}/{pattern}"
        found = self.evidence.cells.get(f"{story}/{pattern}")
        verdicts = {case.verdict for case in found.cases} if found else set()
        if len(verdicts) != 1 or None in verdicts:
            raise NotMeasured(where)
        self.seen.append(where)
        return str(verdicts.pop())

    def served(self, story: str, pattern: str) -> bool:
        """Whether whoever tried got what they wanted."""
        return self.verdict(story, pattern) == "SERVED"
