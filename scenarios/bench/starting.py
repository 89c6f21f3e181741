"""Contestants that start: a shop from its first process to all healthy, and as many bare Flask gunicorns side by side.

What a start leaves running is ended before anybody else has a turn, each process by its number.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from compose import ports, preload, processes, remember
from compose.provision import provision
from compose.shop import Shop, open_shop
from compose.topology import PROCESSES
from scenarios.bench import clock, serving, wire
from scenarios.bench.bare import LOADED
from scenarios.bench.contest import NotProven, Sample
from scenarios.bench.experiments.order import Counter
from scenarios.bench.proof import opens
from scenarios.bench.serving import WITHIN, CannotServe, Process
from scenarios.bench.wire import Target
from scenarios.shopper import Shopper

GUNICORN = ("-m", "gunicorn", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "30")
"""One worker, with threads as ours has; all else is its default, but for a socket that it would leave at home."""
LIBRARIES = ("sqlalchemy", "pydantic", "cryptography.x509", "urllib3", "jwt", "argon2")
"""What a service of ours under `jwt` loads besides Flask."""
LOOKS = 0.005
"""Seconds from one look to the next: so much at most is added to a start of theirs."""


@dataclass(frozen=True)
class OurStart:
    """The shop under a pattern, from scratch each time, as `make up` has it; and, `again`, from what is there then."""

    pattern: str
    again: bool = False

    @property
    def name(self) -> str:
        return self.pattern

    def prove(self) -> Sequence[str]:
        """What has started is a shop: its locks are on, and an order can be placed."""
        with self._prepared() as (shop, _):
            shop.start(*PROCESSES)
            proven = Counter(shop, [Shopper(shop, "alice")], {}).prove()
            return [f"{len(_pids(shop))} processes run, and all of {', '.join(PROCESSES)} are healthy", *proven]

    def turn(self) -> Sample:
        """Prepare what processes find, start them all, and once more when all have ended."""
        with self._prepared() as (shop, prepare_s):
            start_s, cpu_us = _started(shop)
            also = {"start_s": start_s, "prepare_s": prepare_s}
            if self.again:
                shop.stop(*PROCESSES)
                also["start_again_s"], also["cpu_again_us"] = _started(shop)
            return Sample(cpu_us, also=also)

    @contextmanager
    def _prepared(self) -> Iterator[tuple[Shop, float]]:
        """A shop of which no process runs yet, and the seconds it took to make its files; gone after the block."""
        with TemporaryDirectory(prefix="starts-") as root:
            shop = open_shop(self.pattern, "local", ports.free(), Path(root))
            began = time.perf_counter()
            remember.private(shop.dir)
            provision(shop.dir, shop.pattern, edge=shop.edge, name=shop.name)
            took = time.perf_counter() - began
            try:
                yield shop, took
            finally:
                shop.down()


def _started(shop: Shop) -> tuple[float, float]:
    """Start all of it: the seconds until all are healthy, and the CPU microseconds of all processes until then."""
    preload.end()  # each start imports for itself, as a `make up` does
    began = time.perf_counter()
    shop.start(*PROCESSES)
    took, imports = time.perf_counter() - began, preload.pid()
    return took, clock.cpu_seconds([*_pids(shop), *([imports] if imports else [])]) * 1e6


def _pids(shop: Shop) -> list[int]:
    return [process.pid for process, where, _ in processes.marked() if where == shop.dir]


@dataclass(frozen=True)
class BareStart:
    """As many bare Flask applications as the shop has processes, each behind a gunicorn of its own."""

    name: str
    loaded: Sequence[str] = ()
    """Libraries that each of them loads besides."""
    count: int = len(PROCESSES)

    def prove(self) -> Sequence[str]:
        """Each of them answers with 200."""
        with self._spawned() as them:
            _await_answers(them)
            for each in them:
                if opens(f"the gunicorn on port {each.port}", _door(each)) != b"hello\n":
                    raise NotProven(f"somebody else answers on port {each.port}")
        return [f"each of {self.count} gunicorns answers with 200"]

    def turn(self) -> Sample:
        """Start them all at once."""
        began = time.perf_counter()
        with self._spawned() as them:
            _await_answers(them)
            took = time.perf_counter() - began
            return Sample(sum(each.cpu_seconds() for each in them) * 1e6, also={"start_s": took})

    @contextmanager
    def _spawned(self) -> Iterator[list[Process]]:
        """All of them in the block, whether they answer yet or not."""
        with TemporaryDirectory(prefix="starts-") as root, ExitStack() as stack:
            told = {LOADED: " ".join(self.loaded)}
            them = [stack.enter_context(_gunicorn(port, Path(root), told)) for port in ports.some(self.count)]
            try:
                yield them
            finally:
                for each in them:  # all at once: one after the other they would take their time
                    each.popen.terminate()


@contextmanager
def _gunicorn(port: int, home: Path, told: Mapping[str, str]) -> Iterator[Process]:
    argv = (*GUNICORN, "--no-control-socket", "--bind", f"127.0.0.1:{port}", "scenarios.bench.bare:app")
    with serving.running(argv, told, port, home) as process:
        yield process


def _door(process: Process) -> Target:
    return Target(f"http://127.0.0.1:{process.port}/", {})


def _await_answers(them: Sequence[Process]) -> None:
    """Return when each of them has answered a request; `CannotServe` when one has ended, or time is up."""
    waiting, deadline = list(them), time.monotonic() + WITHIN
    while waiting:
        for each in tuple(waiting):
            if each.popen.poll() is not None or time.monotonic() > deadline:
                raise CannotServe(each.log.read_text(errors="replace")[-2000:] or "it says nothing")
            with suppress(OSError):
                wire.ask(_door(each))
                waiting.remove(each)
        time.sleep(LOOKS)  # nobody tells when a worker has loaded: there is nothing to wait on but the next look
