"""What does a call to another service cost whoever calls?

The caller is this process: its own CPU time, user and system, per call, from the arguments to the parsed JSON.  Ours
calls as the shop's services do, `services.peers` with the pattern's `credentials_for`, within a request of its own; so
it presents a credential, sets the trace, bounds time and size, holds the server to its SPIFFE name, and reads the JSON
strictly.  The others are `requests` as people write it, with the same headers ready-made:

`plain pooled Session`: one `requests.Session` with `trust_env=False` and as large a pool, `verify=` the bundle,
`.json()`.  Once over plain HTTP (`perimeter`), once over TLS (`jwt`), once over mutual TLS (`mtls`).

`requests.get(cert=…)`: the function, over mutual TLS: a new pool, context and handshake each time.

What is asked is the small endpoint, behind its lock, in a process of its own, 200 calls a round, in five turns;
`requests.get` 10.  The server's share is told beside it.  What the figures do not say: what a larger answer would cost,
or threads that share a pool.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import flask
import requests
from requests.adapters import HTTPAdapter

from scenarios.bench.contest import Contestant, Goal, NotProven, Sample, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.experiments.hop import SLICES, Endpoint, few
from scenarios.bench.ground import laid
from scenarios.bench.shown import FOR_ALICE, bearer, shown
from services import audit
from services.identity import Identity
from services.patterns import pattern
from services.peers import Peers

PATH, BODY = "/guarded", {"status": "ok"}
ANEW = "mtls: requests.get(cert=…)"
GOALS = (
    Goal("perimeter: ours", "perimeter: plain pooled Session", 0.75, 0.05),
    Goal("jwt: ours", "jwt: plain pooled Session", 0.75, 0.05),
    Goal("mtls: ours", "mtls: plain pooled Session", 0.75, 0.05),
    Goal("mtls: ours", ANEW, 0.15, 0.02),
)
Call = Callable[[], Any]


def run(sizes: Sizes, told: Told) -> Result:
    """Ours and the others', over plain HTTP, TLS and mutual TLS."""
    with laid() as ground, ExitStack() as open_:
        started = {name: open_.enter_context(ground.served(name)) for name in ("perimeter", "jwt", "mtls")}
        contestants: list[Contestant] = []
        for name, process in started.items():
            way = Way(Endpoint(name, ground, process.wait(), shown(name, ground)), ground.jwt())
            contestants.append(Calling(f"{name}: ours", way, open_.enter_context(way.ours()), sizes.requests // SLICES))
            theirs = open_.enter_context(way.pooled())
            contestants.append(Calling(f"{name}: plain pooled Session", way, theirs, sizes.requests // SLICES))
        contestants.append(Calling(ANEW, way, way.anew, few(sizes)))
        course = hold(contestants, sizes.rounds, told, SLICES)
    return Result(rows(course), compared(course, GOALS))


@dataclass(frozen=True)
class Way:
    """From the gateway to the endpoint under one pattern."""

    endpoint: Endpoint
    token: str

    @contextmanager
    def ours(self) -> Iterator[Call]:
        """As a service of the shop calls another one, for alice."""
        settings = self.endpoint.ground.caller(self.endpoint.pattern, self.endpoint.process.port)
        peers = Peers(settings, pattern(settings.pattern, settings))
        app = flask.Flask(__name__)
        audit.install(app, "gateway")
        with app.test_request_context():
            app.preprocess_request()
            flask.g.identity = Identity("gateway", "alice", frozenset(), "signature", "", credential=self.token)

            def call() -> Any:
                flask.g.began = time.monotonic()  # each stands for a request of its own, with its time
                return peers.get("orders", PATH)

            yield call

    @contextmanager
    def pooled(self) -> Iterator[Call]:
        """As people write it who know of Session."""
        arguments = self._arguments()
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=16))
            yield lambda: session.get(**arguments).json()

    def anew(self) -> Any:
        """As people write it who do not."""
        return requests.get(**self._arguments()).json()

    def _arguments(self) -> dict[str, Any]:
        settings = self.endpoint.ground.caller(self.endpoint.pattern, self.endpoint.process.port)
        user = bearer(self.token) if self.endpoint.pattern == "jwt" else FOR_ALICE
        headers = {**user, "traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}
        arguments = {"url": settings.peers["orders"] + PATH, "headers": headers, "timeout": 5}
        if self.endpoint.pattern != "perimeter":
            arguments["verify"] = settings.bundle
        if self.endpoint.pattern == "mtls":
            arguments["cert"] = settings.leaf
        return arguments


@dataclass(frozen=True)
class Calling:
    """A contestant that is a caller: its own CPU time counts, the server's is told."""

    name: str
    way: Way
    call: Call
    count: int

    def prove(self) -> list[str]:
        """The lock is shut to others, and the call gets through it."""
        said = self.way.endpoint.asked(self.name, 1).prove()
        if (found := self.call()) != BODY:
            raise NotProven(f"{self.name}: the answer is {found!r}")
        return [*said, f"the call returns {BODY}"]

    def turn(self) -> Sample:
        """Call so many times, one after the other."""
        server = self.way.endpoint.process
        was, began, latencies = server.cpu_seconds(), time.process_time(), []
        for _ in range(self.count):
            called = time.perf_counter()
            self.call()
            latencies.append(time.perf_counter() - called)
        spent, served = time.process_time() - began, server.cpu_seconds() - was
        return Sample(spent / self.count * 1e6, latencies, {"server_us": served / self.count * 1e6})
