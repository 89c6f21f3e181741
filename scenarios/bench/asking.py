"""A contestant that asks a chain the same thing again and again, on one connection, and sees what that costs whom."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scenarios.bench.chain import Chain
from scenarios.bench.contest import Sample
from scenarios.bench.experiment import Sizes
from scenarios.bench.load import Bounds
from scenarios.bench.wire import Connection, Unexpected

QUICK_SECONDS, FULL_SECONDS = 0.05, 0.2
"""How long a turn lasts at most: where a request costs fifty times another, as many of both would take all day."""
LEAD = 5
"""Requests before the clock of a turn is read: other contestants have just had the processor's caches."""


def turns(sizes: Sizes) -> Bounds:
    """How much of one contestant a turn is."""
    return Bounds(sizes.requests, QUICK_SECONDS if sizes.quick else FULL_SECONDS)


@dataclass(frozen=True)
class Asking:
    """One client of a chain; `credentials` are shown in turn, and are made anew for each round, as tokens expire.

    What is cold is over before the clock is read: connections are open, each credential was shown, and `LEAD` requests
    have gone by.
    """

    name: str
    chain: Chain
    bounds: Bounds
    path: str = "/chain/0"
    body: bytes = b""
    credentials: Callable[[Chain], Sequence[dict[str, str]]] = lambda chain: [chain.credential()]
    proven: Sequence[str] | None = None
    """What was shown of the chain already, where several contestants ask the same one."""

    def prove(self) -> Sequence[str]:
        """That its locks are on."""
        return self.chain.prove() if self.proven is None else self.proven

    def turn(self) -> Sample:
        """One round: the CPU of all processes for a request, the identity provider's being told besides."""
        target = self.chain.target(self.path, self.body)
        requests = [target.octets(shown) for shown in self.credentials(self.chain)]
        with Connection(target) as connection:
            for octets in [*requests, *itertools.islice(itertools.cycle(requests), LEAD)]:
                served(connection, octets)
            before = self.chain.cpu()
            latencies = asked(connection, requests, self.bounds)
            spent = self.chain.cpu() - before
        each = 1e6 / len(latencies)
        return Sample(spent.all * each, latencies, {"idp_us": spent.idp * each})


def asked(connection: Connection, requests: Sequence[bytes], bounds: Bounds) -> list[float]:
    """Ask until there are as many answers, or the time is up; seconds that each took."""
    began = now = time.perf_counter()
    latencies = []
    for octets in itertools.islice(itertools.cycle(requests), bounds.requests):
        served(connection, octets)
        now, then = time.perf_counter(), now
        latencies.append(now - then)
        if now - began > bounds.seconds:
            break
    return latencies


def served(connection: Connection, octets: bytes) -> None:
    """Ask once; `Unexpected` for any answer but 2xx."""
    status, body = connection.ask(octets)
    if not 200 <= status < 300:
        raise Unexpected(f"{status}: {body[:200].decode(errors='replace')}")
