"""A contestant that is looked into: what its CPU time for a request comes to, and which parts it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin

import psutil

from scenarios.bench import clock, wire
from scenarios.bench.contest import Sample
from scenarios.bench.knocking import Knocking
from scenarios.bench.ledger import GUARD, GUNICORN, KEEPING, PARTS


@dataclass(frozen=True)
class Looking:
    """One endpoint of a `profiled` process."""

    asking: Knocking

    @property
    def name(self) -> str:
        return self.asking.name

    def prove(self) -> Sequence[str]:
        """What is proven of it elsewhere."""
        return self.asking.prove()

    def turn(self) -> Sample:
        """What a request costs, of which so much is each part's, and so many seconds are user and system time.

        All is asked on one connection, so what its ledger takes down besides is one request more, which is not guarded.
        """
        asking = self.asking
        requests = [asking.target.octets(headers) for headers in asking.show(asking.lead + asking.count)]
        with wire.Connection(asking.target) as connection:
            for octets in requests[: asking.lead]:
                wire.timed(connection, octets)
            before, times = self._spent(connection), self._times()
            began = asking.process.cpu_seconds()
            for octets in requests[asking.lead :]:
                wire.timed(connection, octets)
            cost = (asking.process.cpu_seconds() - began) / asking.count * 1e6
            user, system = (now - was for now, was in zip(self._times(), times, strict=True))
            after = self._spent(connection)
        count = {part: asking.count + (part != GUARD) for part in after}
        parts = split(cost, {part: (ns - before[part]) / count[part] / 1000 for part, ns in after.items()})
        also = {part_figure(part): us for part, us in parts.items()}
        return Sample(sum(parts.values()), also=also | {"user_s": user, "system_s": system})

    def _spent(self, connection: wire.Connection) -> dict[str, float]:
        """What its ledger says."""
        target = replace(self.asking.target, url=urljoin(self.asking.target.url, "/spent"))
        found: dict[str, float] = json.loads(connection.ask(target.octets())[1])
        return found

    def _times(self) -> tuple[float, float]:
        """User and system seconds of its processes so far, as the kernel tells them apart at its ticks."""
        times = [psutil.Process(pid).cpu_times() for pid in clock.family(self.asking.process.pid)]
        return sum(each.user for each in times), sum(each.system for each in times)


def split(cost: float, spent: Mapping[str, float]) -> dict[str, float]:
    """A request's cost by part, without that of keeping the ledger; what is on nobody's account is gunicorn's."""
    known = {part: spent[part] for part in PARTS if part != GUNICORN}
    whole = known | {GUNICORN: cost - spent[KEEPING] - sum(known.values())}
    return {part: whole[part] for part in PARTS}


def part_figure(part: str) -> str:
    """What a part's figure is called."""
    return f"part_us, {part}"
