"""The shape of a rotation: steps, each with what to do and how to see at each process that it counts there.

The new credential is brought in beside the old one, then shown, and at last the old one is taken out: at no moment does
anybody show what nobody accepts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.levers import insist
from scenarios.world import World


@dataclass(frozen=True)
class Step:
    """One change, at one kind of place."""

    does: str
    """What it does, in words."""
    do: Callable[[], object]
    counts: Mapping[str, Callable[[], bool]]
    """By process: whether it goes by the change already, as asking it shows."""
    after: float = 0.0
    """Seconds that have to pass before it, or somebody would not know yet."""
    grace: float = 0.0
    """Seconds that customers have before it to come with what was issued since; without it they have to come anew."""


@dataclass(frozen=True)
class Rotation:
    """One credential to change."""

    what: str
    steps: tuple[Step, ...]
    """Until the new one is in force."""
    works: Callable[[], bool]
    """Whether the shop works with the new one, from end to end."""
    last: Step | None = None
    """Takes the old one out, where it does not go with the change itself."""
    old_refused: Callable[[], bool] | None = None
    """The old one, shown once more; without it, that is what the last step has to see at each process."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """What customers show meanwhile, if it is not alice's own; it may change on the way."""
    note: str = ""


def buys(world: World) -> bool:
    """Whether alice can buy a book, which takes every service."""
    return world.shopper("alice").order("book").status_code == 201


def lines_of(world: World, process: str, caller: str, act: Callable[[], bool]) -> list[dict[str, Any]]:
    """What the log of `process` says of `caller` from `act` on; nothing if that does not succeed."""
    before = len(world.shop.logs(process))
    if not act():
        return []
    told = world.shop.logs(process)[before:]
    lines = [json.loads(line) for line in told[: told.rfind("\n") + 1].splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("caller") == caller]


def done(world: World, where: str, *command: str) -> str:
    """Run a Python command where a process is, and return what it printed; `Surprise` when it fails."""
    ran = world.shop.run(where, ["python", *command])
    insist(ran.returncode == 0, f"python {' '.join(command[:3])}: {ran.stderr[-300:]}")
    return ran.stdout
