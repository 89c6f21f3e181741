"""What do three guarded hops cost, all processes together, against the same three behind a perimeter alone?

Three small services stand in a chain; a request for the first passes on to the second and the third, and each names its
caller, asks the policy and writes its audit line before it does anything.  Beside each chain runs what its pattern asks
meanwhile: the identity provider, whose CPU counts like the services'.  Connections are open and caches warm, the
processor's too, since the first five requests of a turn do not count: that is what the thousandth request costs, not
the first.  Each pattern has several turns in every round, between which the others have theirs, and a ratio is that of
two patterns in one round.

`oauth2` and `zerotrust` ask the identity provider for each hop; `cached`, they use what it said for five seconds.

The services do nothing but call on, so in a shop that does work the ratios are smaller, and the differences the same.
One request is under way at a time: what waiting for a lock costs does not show, nor what a handshake does.  `mtls` is
TLS and next to nothing else, so it is also the floor for every pattern that speaks TLS inside.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.bench.asking import Asking, turns
from scenarios.bench.chain import chain
from scenarios.bench.contest import Goal, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.openings import opened
from services.settings import Settings

THROUGH_ALL = "/chain/2"
SLICES, QUICK_SLICES = 3, 2
"""Turns that each has in a round."""


@dataclass(frozen=True)
class Lock:
    """A pattern, as its services are told to be."""

    pattern: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the services know all of these settings."""
        return self.settings.keys() <= Settings.model_fields.keys()


LOCKS = {
    "perimeter": Lock("perimeter"),
    "jwt": Lock("jwt"),
    "basic": Lock("basic"),
    "mtls": Lock("mtls"),
    "oauth2": Lock("oauth2"),
    "oauth2 cached": Lock("oauth2", {"cache_seconds": 5}),
    "zerotrust": Lock("zerotrust"),
    "zerotrust cached": Lock("zerotrust", {"cache_seconds": 5}),
}
GOALS = (
    # Three processes take turns on two processors here, so a quick run is far noisier than one hop.
    Goal("jwt", "perimeter", 1.10, 0.25),
    Goal("basic", "perimeter", 1.10, 0.25),
    Goal("mtls", "perimeter", 1.15, 0.25),
    Goal("oauth2", "perimeter", 2.6, 1.0),
    Goal("oauth2 cached", "perimeter", 1.15, 0.25),
    Goal("zerotrust cached", "perimeter", 1.35, 0.25),
)


def run(sizes: Sizes, told: Told) -> Result:
    """Time all of them, side by side."""
    with contestants(sizes, told) as them:
        course = hold(them, sizes.rounds, told, QUICK_SLICES if sizes.quick else SLICES)
    notes = [f"there is no setting yet for: {', '.join(missing())}"] if missing() else []
    return Result(rows=rows(course), compared=compared(course, GOALS), notes=notes)


def missing() -> list[str]:
    """The locks that the services cannot be told to be."""
    return [name for name, lock in LOCKS.items() if not lock.exists]


@contextmanager
def contestants(sizes: Sizes, told: Told) -> Iterator[list[Asking]]:
    """All chains, up and healthy inside the block."""
    locks = {name: lock for name, lock in LOCKS.items() if lock.exists}
    with tempfile.TemporaryDirectory(prefix="five-locks-hops-") as root, ExitStack() as stack:
        chains = opened(
            stack,
            (chain(lock.pattern, Path(root) / name, settings=lock.settings) for name, lock in locks.items()),
        )
        told(f"{len(chains)} chains are up")
        yield [Asking(name, links, turns(sizes), THROUGH_ALL) for name, links in zip(locks, chains, strict=True)]
