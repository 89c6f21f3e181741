"""All the stories and measurements, found by their files, and checked for what each of them owes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compose.topology import PATTERNS
from scenarios.evidence import Measured
from scenarios.verdict import Answer, Expect, furthest
from scenarios.world import World

STORIES = Path(__file__).parent / "stories"
MEASUREMENTS = Path(__file__).parent / "measurements"
GROUPS = (
    "everyday",
    "from outside",
    "inside with nothing",
    "in a breached service",
    "another customer",
    "forged tokens",
    "rogue certificates",
    "bent Basic headers",
    "life cycle",
    "faults",
)
Attempt = Callable[[World], Answer]


class Incomplete(Exception):
    """A story or a measurement lacks something that each of its kind has."""


@dataclass(frozen=True)
class Story:
    """One scenario, as its file tells it."""

    name: str
    title: str
    walkthrough: str
    group: str
    expected: Mapping[str, Expect]
    references: tuple[str, ...]
    catalogue: tuple[str, ...]
    cases: Mapping[str, Attempt]
    """The attempts by name; a story that is no family has one, without a name."""

    def run(self, world: World) -> dict[str, Answer]:
        """What came of each case."""
        return {name: attempt(world) for name, attempt in self.cases.items()}

    def verdict(self, answers: Mapping[str, Answer]) -> Answer:
        """What came of it all: an attacker needs only one case to work."""
        return furthest(list(answers.values()))


def stories() -> dict[str, Story]:
    """Every story by its name, group by group in the order of `GROUPS`; raises `Incomplete`."""
    names = sorted(path.stem for path in STORIES.glob("*.py") if path.stem != "__init__")
    found = [load(name) for name in names]
    return {story.name: story for story in sorted(found, key=lambda story: (GROUPS.index(story.group), story.name))}


def load(name: str) -> Story:
    """The story in the file `name`."""
    module = importlib.import_module(f"scenarios.stories.{name}")
    missing = [need for need in ("GROUP", "EXPECTED", "REFERENCES", "CATALOGUE") if not hasattr(module, need)]
    text = inspect.getdoc(module) or ""
    cases: Mapping[str, Attempt] = getattr(module, "CASES", None) or {"": getattr(module, "attempt", None)}
    if missing or not text or not all(cases.values()):
        raise Incomplete(f"{name} lacks {', '.join(missing) or 'a docstring, attempt(world) or CASES'}")
    if set(module.EXPECTED) != set(PATTERNS):
        raise Incomplete(f"{name} does not say what to expect under {sorted(set(PATTERNS) ^ set(module.EXPECTED))}")
    if module.GROUP not in GROUPS:
        raise Incomplete(f"{name} is in no group that there is: {module.GROUP}")
    title, _, walkthrough = text.partition("\n\n")
    return Story(
        name, title, walkthrough, module.GROUP, module.EXPECTED, module.REFERENCES, tuple(module.CATALOGUE), cases
    )


@dataclass(frozen=True)
class Gauge:
    """One measurement, as its file tells it."""

    name: str
    title: str
    method: str
    """What is measured, and how: the docstring."""
    references: tuple[str, ...]
    measure: Callable[[World], Measured]


def gauges() -> dict[str, Gauge]:
    """Every measurement by its name, in the order of the names; raises `Incomplete`."""
    names = sorted(path.stem for path in MEASUREMENTS.glob("*.py") if path.stem != "__init__")
    return {name: gauge(name) for name in names}


def gauge(name: str) -> Gauge:
    """The measurement in the file `name`."""
    module = importlib.import_module(f"scenarios.measurements.{name}")
    missing = [need for need in ("TITLE", "REFERENCES", "measure") if not hasattr(module, need)]
    text = inspect.getdoc(module) or ""
    if missing or not text:
        raise Incomplete(f"{name} lacks {', '.join(missing) or 'a docstring'}")
    return Gauge(name, module.TITLE, text, tuple(module.REFERENCES), module.measure)
