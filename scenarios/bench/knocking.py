"""A contestant that is a server: it is proven to refuse, then asked again and again, and its CPU time is read."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urljoin

from scenarios.bench import wire
from scenarios.bench.contest import NotProven, Sample
from scenarios.bench.serving import Process
from scenarios.bench.wire import Target

Headers = Mapping[str, str]
NO_HTTP = 0
"""In place of a status: there was no handshake, or the connection ended with it."""
PROBES, SLOW = 4, 0.010
"""Seconds: between an introspection and a password hash."""


@dataclass(frozen=True)
class Wrong:
    """Something to show that must not be accepted: what it is, and how a refusal may look."""

    what: str
    headers: Headers
    tls: ssl.SSLContext | None
    statuses: frozenset[int] = frozenset({401})


@dataclass(frozen=True)
class Knocking:
    """One endpoint under one lock, `count` requests a turn; `show` gives so many requests their headers."""

    name: str
    target: Target
    process: Process
    show: Callable[[int], list[Headers]]
    wrong: Sequence[Wrong]
    body: bytes
    """What it answers whom it admits."""
    count: int
    anew: bool = False
    """Whether each request has a new connection; else one is open, and was asked once, before the clock is read."""
    lead: int = 0
    """Requests at the start of each turn that do not count: other contestants have just had the processor's caches."""
    idp: Process | None = None
    """Whose CPU time is told beside its own."""

    def prove(self) -> list[str]:
        """Everything wrong is refused, in its way, and what is right is admitted."""
        said = []
        [right] = self.show(1)
        status, body = wire.ask(self.target, right)  # first, or a dead server would pass for a secure one
        if status != 200 or body != self.body:
            raise NotProven(f"{self.name}: whoever is right gets {status} {body[:200]!r}")
        for wrong in self.wrong:
            found = outcome(replace(self.target, tls=wrong.tls), wrong.headers)
            if found not in wrong.statuses:
                raise NotProven(f"{self.name}: {wrong.what} gets {_words(found)}, and should get {_any(wrong)}")
            said.append(f"{wrong.what}: {_words(found)}")
        return [*said, "whoever is right: 200"]

    def turn(self) -> Sample:
        """Ask `count` times, after those of the `lead`; anything but 2xx is an error."""
        requests = [self.target.octets(headers) for headers in self.show(self.lead + self.count)]
        with self._line() as ask:
            began = self._spent()
            for octets in requests[: self.lead]:
                ask(octets)
            before = self._spent()
            latencies = [ask(octets) for octets in requests[self.lead :]]
            after = self._spent()
        also = {"idp_us": (after[1] - before[1]) / self.count} if self.idp else {}
        if self.lead:
            also["first_us"] = (before[0] - began[0]) / self.lead
        return Sample((after[0] - before[0]) / self.count, latencies, also)

    def _spent(self) -> list[float]:
        """CPU microseconds so far: its own, and the identity provider's."""
        return [server.cpu_seconds() * 1e6 for server in (self.process, self.idp) if server]

    @contextmanager
    def _line(self) -> Iterator[Callable[[bytes], float]]:
        """What sends a request, and says how long that took."""
        if self.anew:
            yield lambda octets: wire.ask_anew(self.target, [octets])[0]
            return
        with wire.Connection(self.target) as connection:
            wire.timed(connection, replace(self.target, url=urljoin(self.target.url, "/healthz")).octets())
            yield partial(wire.timed, connection)


def paced(asking: Knocking, few: int) -> Knocking:
    """With only `few` requests a turn, all of which count, if one takes as long as a slow hash though it was seen."""
    taken = wire.keep_asking(asking.target, [asking.target.octets(headers) for headers in asking.show(PROBES)])
    return replace(asking, count=few, lead=0) if min(taken[1:]) > SLOW else asking


def outcome(target: Target, headers: Headers) -> int:
    """The status of the answer to one request, or `NO_HTTP`."""
    try:
        return wire.ask(target, headers)[0]
    except (ssl.SSLError, ConnectionError, wire.Unexpected):
        return NO_HTTP


def _any(wrong: Wrong) -> str:
    return " or ".join(map(_words, sorted(wrong.statuses)))


def _words(status: int) -> str:
    return str(status) if status else "no connection"
