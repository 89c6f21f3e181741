"""A load on a server on loopback: so many clients at once, or so many requests a second; how long each one took.

    closed    each client sends its next request when the last one is answered: a server that stalls gets less to do
    arriving  requests come at a fixed rate, whether those before are answered or not, as people do

In the second the time of a request begins when it *should* have been sent.  Whoever counts from when it was sent leaves
out all that had to wait behind a stall, and a second of silence looks like one slow request (coordinated omission).
Both end by themselves, after a number of requests or of seconds, whichever comes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scenarios.bench.statistics import quantile
from scenarios.bench.wire import TIMEOUT, Target, Unexpected

Octets = Callable[[int], bytes]
"""The request of that number, as it goes over the wire."""
MOST_CONNECTIONS = 64


@dataclass(frozen=True)
class Bounds:
    """When a load ends: after so many requests, or so many seconds."""

    requests: int
    seconds: float


@dataclass
class Loaded:
    """What came of it; every request was answered with 2xx, or there would be no such thing."""

    latencies: list[float] = field(default_factory=list)
    """Seconds, one per request, in the order of the answers."""
    late: list[float] = field(default_factory=list)
    """Seconds by which we ourselves were late to send, in an open loop: if they count, so does nothing else here."""
    connections: int = 0
    """How many were opened, each with a handshake where there is TLS."""
    seconds: float = 0.0

    def milliseconds(self, share: float) -> float:
        """What `share` of the requests took at most."""
        return quantile(sorted(self.latencies), share) * 1000

    @property
    def behind_ms(self) -> float:
        """By how much we ourselves were late, for 99 of 100 requests."""
        return quantile(sorted(self.late), 0.99) * 1000 if self.late else 0.0


def closed(target: Target, octets: Octets, clients: int, bounds: Bounds) -> Loaded:
    """`clients` ask at once, each on a connection of its own, kept alive.  Raises `OSError` or `Unexpected`.

    The first client sends the requests 0, `clients`, 2 * `clients` …, the second 1, 1 + `clients` …: so who is who can
    be told by the number.
    """
    return _run(lambda load: _closed(_Line(target, load), octets, clients, bounds))


def arriving(target: Target, octets: Octets, rate: float, bounds: Bounds) -> Loaded:
    """`rate` requests a second, on as many connections as that takes.  Raises `OSError` or `Unexpected`."""
    return _run(lambda load: _arriving(_Line(target, load), octets, rate, bounds))


def _run(work: Callable[[Loaded], Coroutine[Any, Any, None]]) -> Loaded:
    load = Loaded()
    began = time.perf_counter()
    try:
        asyncio.run(work(load))
    except ExceptionGroup as group:  # the first failure ends all the others
        raise group.exceptions[0] from None
    load.seconds = time.perf_counter() - began
    return load


async def _closed(line: _Line, octets: Octets, clients: int, bounds: Bounds) -> None:
    begins = _until(bounds)
    try:
        async with asyncio.TaskGroup() as group:
            for first in range(clients):
                group.create_task(_client(line, octets, itertools.count(first, clients), begins))
    finally:
        await line.hang_up()


async def _client(line: _Line, octets: Octets, numbers: Iterator[int], begins: Iterator[int]) -> None:
    for _, number in zip(begins, numbers, strict=False):  # in this order, or one that is not sent would be counted
        await line.ask(octets(number), since=time.perf_counter())


async def _arriving(line: _Line, octets: Octets, rate: float, bounds: Bounds) -> None:
    began, room = time.perf_counter(), asyncio.Semaphore(MOST_CONNECTIONS)

    async def one(request: bytes, due: float) -> None:
        async with room:  # whoever waits here waits for the server, and has been waiting since `due`
            await line.ask(request, since=due)

    try:
        async with asyncio.TaskGroup() as group:
            for number in _until(bounds):
                request, due = octets(number), began + number / rate
                await asyncio.sleep(due - time.perf_counter())
                line.load.late.append(max(0.0, time.perf_counter() - due))
                group.create_task(one(request, due))
    finally:
        await line.hang_up()


def _until(bounds: Bounds) -> Iterator[int]:
    """The numbers of the requests; several clients share them."""
    end = time.perf_counter() + bounds.seconds
    return itertools.takewhile(lambda number: time.perf_counter() < end, iter(range(bounds.requests)))


class _Line:
    """The connections to one server: those that wait to be used again, and those that have yet to be opened."""

    def __init__(self, target: Target, load: Loaded) -> None:
        self.load = load
        self._target = target
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._all: list[asyncio.StreamWriter] = []

    async def ask(self, octets: bytes, since: float) -> None:
        """One request, answered with 2xx; its time counts from `since`."""
        async with asyncio.timeout(TIMEOUT):
            status, body = await self._exchange(octets)
        self.load.latencies.append(time.perf_counter() - since)
        if not 200 <= status < 300:
            raise Unexpected(f"{status}: {body[:200].decode(errors='replace')}")

    async def _exchange(self, octets: bytes) -> tuple[int, bytes]:
        """On a connection that is open already, or else, if the server has just closed that, on a new one."""
        while self._idle:
            reader, writer = self._idle.pop()
            try:
                return await self._answered(reader, writer, octets)
            except (ConnectionError, asyncio.IncompleteReadError):  # RFC 9112 §9.3.1
                writer.close()
        url = urlsplit(self._target.url)
        tls: dict[str, Any] = {}
        if self._target.tls is not None:
            tls = {"ssl": self._target.tls, "server_hostname": self._target.server_name or url.hostname}
        self.load.connections += 1
        try:
            reader, writer = await asyncio.open_connection(url.hostname, url.port, **tls)
            self._all.append(writer)
            return await self._answered(reader, writer, octets)
        except asyncio.IncompleteReadError:
            raise Unexpected("the server hung up in the middle of an answer") from None
        except ssl.SSLError as error:
            raise Unexpected(f"no handshake: {error}") from error

    async def _answered(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes
    ) -> tuple[int, bytes]:
        writer.write(octets)
        status, length, stays_open = _head(await reader.readuntil(b"\r\n\r\n"))
        body = await reader.readexactly(length)
        if stays_open:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return status, body

    async def hang_up(self) -> None:
        """Close what is open, without waiting for anybody's farewell."""
        for writer in self._all:
            writer.transport.abort()
        for writer in self._all:
            with contextlib.suppress(OSError):  # the other end was quicker
                await writer.wait_closed()


def _head(octets: bytes) -> tuple[int, int, bool]:
    """The status of an answer, how long its body is, and whether another request may follow (RFC 9112 §9.3)."""
    lines = [line.partition(b":") for line in octets.lower().split(b"\r\n")[1:]]
    fields = {name: value.strip() for name, _, value in lines}
    if b"content-length" not in fields:
        raise Unexpected("the answer does not say how long it is")
    return int(octets[9:12]), int(fields[b"content-length"]), fields.get(b"connection") != b"close"


def percentiles(load: Loaded) -> dict[str, float]:
    """p50, p95 and p99, in milliseconds."""
    return {f"p{percent}_ms": load.milliseconds(percent / 100) for percent in (50, 95, 99)}
