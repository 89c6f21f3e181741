"""A tripwire: an address on the inner network at which nobody has any business; who calls was led there.

The listener is a container of its own in Compose, and a process locally.  It is set up only once somebody points there,
and called first by ourselves: one that nobody can reach would be silent, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from compose.ports import free
from scenarios.levers import eventually, insist
from scenarios.stand_in import PATIENCE_SECONDS, StandIn, standing
from scenarios.world import World

NAME, PORT = "tripwire", 8080
CONTROL = "/control"


class Tripwire:
    """Listens at its `url`, from when that is asked for."""

    def __init__(self, world: World, ending: ExitStack) -> None:
        self._world, self._ending = world, ending
        self._there: StandIn | None = None

    @cached_property
    def url(self) -> str:
        """Where it listens: an origin, which we have reached ourselves."""
        local = self._world.shop.runtime == "local"
        host, port = ("127.0.0.1", free().manage) if local else (NAME, PORT)
        wanted = {"host": host if local else "0.0.0.0", "port": port, "patience": PATIENCE_SECONDS, "answers": {}}
        self._there = there = standing(self._world, (NAME,), json.dumps(wanted))
        self._ending.callback(there.end)
        eventually(lambda: there.heard("ready"), "the tripwire listens")
        self._world.inside("orders", "GET", "", url=f"http://{host}:{port}{CONTROL}")
        eventually(lambda: there.heard("request"), "the tripwire notices who calls")
        return f"http://{host}:{port}"

    def heard(self) -> list[str]:
        """Who else has called so far, by what they asked for."""
        if self._there is None:
            return []
        asked = [each["path"] for each in self._there.heard("request")]
        insist(asked[:1] == [CONTROL], f"the first to call were not we: {asked}")
        return asked[1:] + [each["why"] for each in self._there.heard("hung up")]


@contextmanager
def tripwire(world: World) -> Iterator[Tripwire]:
    """A tripwire for as long as the block lasts."""
    with ExitStack() as ending:
        yield Tripwire(world, ending)
