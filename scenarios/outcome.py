"""What came of a story, case by case, next to what was written down first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.registry import Story
from scenarios.verdict import Answer, Expect, furthest
from scenarios.world import DoorShut, World


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    case: str
    """Its name; empty for a story that is no family."""
    expected: Expect
    answer: Answer | None
    broken: str = ""
    """Why there is no answer: the attempt itself broke off, and that is a surprise too."""

    @property
    def as_expected(self) -> bool:
        """Whether it came as it was written."""
        return self.answer is not None and self.answer.verdict is self.expected.verdict

    @property
    def found(self) -> str:
        """The verdict with its status, or why there is none."""
        if self.answer is None:
            return f"broke off: {self.broken}"
        status = f" {self.answer.status}" if self.answer.status else ""
        return f"{self.answer.verdict}{status}"


def outcomes(world: World, story: Story) -> Iterator[Outcome]:
    """What comes of each case of `story` in `world`, one after the other; `DoorShut` when it needs another shop."""
    expected = story.expected[world.pattern]
    for case, attempt in story.cases.items():
        try:
            yield Outcome(case, expected, attempt(world))
        except DoorShut:
            raise
        except Exception as error:  # whatever it is, the other cases and stories still have their turn
            yield Outcome(case, expected, None, " ".join(f"{type(error).__name__}: {error}".split())[:160])


def telling(found: list[Outcome]) -> Outcome:
    """The one to look at: the first surprise, else whoever got furthest."""
    surprises = [outcome for outcome in found if not outcome.as_expected]
    if surprises:
        return surprises[0]
    answer = furthest([outcome.answer for outcome in found if outcome.answer])
    return next(outcome for outcome in found if outcome.answer is answer)
