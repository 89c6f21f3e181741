"""Taking a process's place on the network: what it would have been shown is shown to us.

In Compose the impostor is a container with the other's network name; locally it is a process on the other's port.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from compose import engine, processes
from compose.topology import INSIDE, Ports
from scenarios import impostor
from scenarios.levers import dark, eventually, insist
from scenarios.shopper import Shopper
from scenarios.world import World

PROGRAM = Path(impostor.__file__).read_text(encoding="utf-8")
PATIENCE_SECONDS = 60
FRESH_SECONDS = 90.0
FRAMING = frozenset({"host", "connection", "content-length", "content-type", "accept-encoding", "traceparent"})
"""Headers that say how a message is sent and traced, and that every sender makes for itself."""


class StandIn(ABC):
    """An impostor at its post."""

    @abstractmethod
    def said(self) -> str:
        """All that it has printed so far."""

    @abstractmethod
    def end(self) -> None:
        """Leave."""

    def heard(self, event: str) -> list[dict[str, Any]]:
        """What it heard so far of that kind: `ready`, `request`, `hung up`."""
        lines = [json.loads(line) for line in processes.whole_lines(self.said()) if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


class _Process(StandIn):
    def __init__(self, argument: str) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by end
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, argument],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        return processes.so_far(self._output)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()


class _Container(StandIn):
    def __init__(self, world: World, aliases: tuple[str, ...], argument: str) -> None:
        self._name = f"{world.shop.name}-impostor-{secrets.token_hex(4)}"
        names = [word for alias in aliases for word in ("--network-alias", alias)]
        hardened = ["--user", "10001:10001", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp"]
        command = ["run", "--detach", "--name", self._name, "--network", f"{world.shop.name}_inside", *names, *hardened]
        started = engine.docker(*command, "fivelocks", "python", "-c", PROGRAM, argument)
        insist(started.returncode == 0, f"the impostor does not start: {started.stderr}")

    def said(self) -> str:
        return engine.docker("logs", self._name, merged=True).stdout

    def end(self) -> None:
        engine.docker("rm", "--force", self._name)


ALIASES: dict[str, tuple[str, ...]] = {"idp": ("idp", "idp.localhost"), **{name: (name,) for name in INSIDE}}
ASKED = {"orders": "/orders", "inventory": "/reservations", "billing": "/charges"}
"""What each service is asked first when somebody orders."""


def standing(world: World, names: tuple[str, ...], argument: str) -> StandIn:
    """An impostor on the inner network, told what to do by `argument`; in Compose it goes by these names."""
    return _Process(argument) if world.shop.runtime == "local" else _Container(world, names, argument)


@contextmanager
def standing_in(
    world: World, name: str, certificate: Mapping[str, str], answers: Mapping[str, Any] | None = None
) -> Iterator[StandIn]:
    """Inside the block, whoever calls `name` gets an impostor with that certificate; then `name` is back, and well."""
    with dark(world, name), posted(world, name, certificate, answers) as there:
        yield there


@contextmanager
def posted(
    world: World, name: str, certificate: Mapping[str, str], answers: Mapping[str, Any] | None = None
) -> Iterator[StandIn]:
    """An impostor at the address of `name`, which is `dark`, for as long as the block lasts."""
    local = world.shop.runtime == "local"
    port = world.shop.ports.of(name) if local or name == "idp" else Ports().of(name)
    wanted = {"host": "127.0.0.1" if local else "0.0.0.0", "port": port, "patience": PATIENCE_SECONDS}
    argument = json.dumps({**wanted, **certificate, "answers": dict(answers or {})})
    there = standing(world, ALIASES.get(name, (name,)), argument)
    try:
        eventually(lambda: there.heard("ready"), "the impostor listens")
        yield there
    finally:
        there.end()


class Overheard:
    """What a service is shown when alice orders, for real; kept for a moment, since it costs a restart."""

    _kept: ClassVar[WeakKeyDictionary[World, dict[str, tuple[float, dict[str, str]]]]] = WeakKeyDictionary()

    @classmethod
    def by(cls, world: World, name: str) -> dict[str, str]:
        """Every header of it that is not about the message's framing, fresh enough for a token in it to be alive."""
        kept = cls._kept.setdefault(world, {})
        since, headers = kept.get(name, (float("-inf"), {}))
        if time.monotonic() - since > FRESH_SECONDS:
            since, headers = time.monotonic(), _presented_to(world, name)
            kept[name] = (since, headers)
        return headers

    @classmethod
    def forget(cls, world: World) -> None:
        """Keep nothing of it: a credential was changed."""
        cls._kept.pop(world, None)

    @classmethod
    def by_billing(cls, world: World) -> dict[str, str]:
        """What orders presents to billing, which has no business calling anybody."""
        return cls.by(world, "billing")


def _presented_to(world: World, name: str) -> dict[str, str]:
    """Stand in the place of `name` with its own key, while alice orders a book."""
    alice, key = Shopper(world.shop, "alice"), secrets.token_hex(16)
    with standing_in(world, name, world.certificate_of(name)) as there:
        alice.order("book", key=key)
        request = eventually(lambda: there.heard("request"), f"somebody calls {name}")[0]
    insist(request["path"] == ASKED[name], f"{name} was asked for {request['path']}")
    insist(alice.order("book", key=key).status_code == 201, "the order that was cut off does not find its end")
    return {name: value for name, value in request["headers"] if name.lower() not in FRAMING}
