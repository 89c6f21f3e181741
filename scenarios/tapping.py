"""Standing on the wire before a service: all that is said to it and by it passes us, and really gets there.

For as long as that lasts, the service runs at another address, with its own key, secrets and data, and a relay has
taken the one that everybody knows.  In Compose both are containers on the inner network; locally both are processes.
"""

from __future__ import annotations

import base64
import json
import secrets
import signal
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from compose import engine, processes
from compose.ports import free
from compose.topology import COMMANDS, Ports
from scenarios import wire_tap
from scenarios.levers import dark, eventually, insist
from scenarios.world import World
from services.health import knock

PROGRAM = Path(wire_tap.__file__).read_text(encoding="utf-8")
PATIENCE_SECONDS = 60
HEALTHY_WITHIN = 90.0
Change = tuple[str, str]
"""Words, and others that stand in their place afterwards."""
HARDENED = ("--user", "10001:10001", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp")


@dataclass(frozen=True)
class Conversation:
    """All that was said on one connection, byte by byte as it travelled."""

    caller: bytes
    callee: bytes

    @property
    def handshakes(self) -> int:
        """1 when it begins with a ClientHello (RFC 8446 §4.1.2), in a record of a handshake (§5.1); else 0."""
        return int(self.caller[:2] == b"\x16\x03" and self.caller[5:6] == b"\x01")


class Tap(ABC):
    """A relay at its post, and the service behind it.  Made while the service still runs, begun once it has stopped."""

    @abstractmethod
    def begin(self) -> None:
        """Start the service at another address, wait until it is well, and take its own one."""

    @abstractmethod
    def said(self) -> str:
        """All that the relay has printed so far."""

    @abstractmethod
    def end(self) -> None:
        """Leave, and end the service that was moved, however far `begin` got."""

    def meddle(self) -> None:
        """From now on, change what callers say."""
        self._send_signal()
        eventually(lambda: '"meddling"' in self.said(), "the tap has begun to meddle")

    @abstractmethod
    def _send_signal(self) -> None:
        """Send the relay the signal for that."""

    def read(self, said_by: str) -> bytes:
        """Every byte so far of the `caller` or the `callee`."""
        return _bytes(self._events(), said_by)

    def conversations(self) -> list[Conversation]:
        """What was said so far on each connection, in the order in which they were opened."""
        heard: dict[int, list[dict[str, Any]]] = {}
        for event in self._events():
            if "connection" in event:
                heard.setdefault(event["connection"], []).append(event)
        return [Conversation(_bytes(events, "caller"), _bytes(events, "callee")) for events in heard.values()]

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in processes.whole_lines(self.said()) if line.startswith("{")]


class _Processes(Tap):
    """Locally: the service on another port, known by another role, and the relay on its own."""

    def __init__(self, world: World, name: str, change: Change) -> None:
        self._shop, self._name, self._role, self._change = world.shop, name, f"{name}:moved", change
        ident = world.shop.status(name)[0].ident
        self._environ = psutil.Process(int(ident)).environ()
        self._relay: subprocess.Popen[str] | None = None
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by end

    def begin(self) -> None:
        port = _elsewhere(self._name, self._shop.ports.of(self._name))
        environ = {**self._environ, "SHOP_PORT": str(port), processes.ROLE_MARK: self._role}
        here, log = self._shop.dir / self._name, self._shop.dir / "logs" / f"{self._name}.log"
        processes.start([sys.executable, *COMMANDS[self._name]], environ, here, log)
        url = f"{self._shop.variant.inner_scheme}://127.0.0.1:{port}"
        eventually(lambda: _well(url, here / "tls"), f"{self._name} is well at {url}")
        wanted: dict[str, Any] = {"host": "127.0.0.1", "port": self._shop.ports.of(self._name)}
        wanted |= {"to": ["127.0.0.1", port], "patience": PATIENCE_SECONDS, "change": self._change}
        command = [sys.executable, "-c", PROGRAM, json.dumps(wanted)]
        self._relay = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT, text=True
        )

    def said(self) -> str:
        return processes.so_far(self._output)

    def _send_signal(self) -> None:
        assert self._relay is not None
        self._relay.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        if self._relay:
            self._relay.kill()
            self._relay.wait()
        self._output.close()
        mine = [each for each, where, role in processes.marked() if (where, role) == (self._shop.dir, self._role)]
        processes.kill(mine)


class _Containers(Tap):
    """In Compose: a container of the service's image, volumes and environment, and the relay under its network name."""

    def __init__(self, world: World, name: str, change: Change) -> None:
        self._shop, self._name, self._change = world.shop, name, change
        self._network = f"{world.shop.name}_inside"
        self._moved, self._relay = (f"{world.shop.name}-{what}-{secrets.token_hex(4)}" for what in ("moved", "tap"))
        ident = world.shop.status(name)[0].ident
        self._like: dict[str, Any] = json.loads(engine.docker("inspect", ident).stdout)[0]

    def begin(self) -> None:
        port = Ports().of(self._name)
        told = [word for each in self._like["Config"]["Env"] for word in ("--env", each)]
        self._run(self._moved, *told, "--volumes-from", self._like["Id"], "fivelocks", "python", *COMMANDS[self._name])
        url = f"{self._shop.variant.inner_scheme}://127.0.0.1:{port}"
        look = ("exec", self._moved, "python", "-m", "services.health", url, f"/shop/{self._name}/tls")
        eventually(
            lambda: engine.docker(*look).returncode == 0, f"{self._name} is well in {self._moved}", HEALTHY_WITHIN
        )
        wanted: dict[str, Any] = {"host": "0.0.0.0", "port": port, "to": [self._moved, port]}
        wanted |= {"patience": PATIENCE_SECONDS, "change": self._change}
        program = ("fivelocks", "python", "-c", PROGRAM, json.dumps(wanted))
        self._run(self._relay, "--network-alias", self._name, *program)

    def _run(self, name: str, *arguments: str) -> None:
        started = engine.docker("run", "--detach", "--name", name, "--network", self._network, *HARDENED, *arguments)
        insist(started.returncode == 0, f"{name} does not start: {started.stderr}")

    def said(self) -> str:
        return engine.docker("logs", self._relay, merged=True).stdout

    def _send_signal(self) -> None:
        engine.docker("kill", "--signal", "USR1", self._relay)

    def end(self) -> None:
        engine.docker("rm", "--force", self._relay, self._moved)


def _bytes(events: list[dict[str, Any]], said_by: str) -> bytes:
    return b"".join(base64.b64decode(each["data"]) for each in events if each.get("said_by") == said_by)


@contextmanager
def tapped(world: World, name: str, change: Change = ("", "")) -> Iterator[Tap]:
    """Inside the block, whoever calls `name` passes a tap; afterwards `name` is back at its own address, and well.

    `change` is what the tap makes of some words once it is told to meddle.
    """
    kind = _Processes if world.shop.runtime == "local" else _Containers
    there: Tap = kind(world, name, change)
    with dark(world, name):
        try:
            there.begin()
            eventually(lambda: '"ready"' in there.said(), "the tap listens")
            yield there
        finally:
            there.end()


def _elsewhere(name: str, usual: int | None) -> int | None:
    """A free port for `name`; not its usual one, which is free too while nobody is at it."""
    while (port := free().of(name)) == usual:
        continue
    return port


def _well(url: str, tls_dir: Path) -> bool:
    try:
        knock(url, tls_dir)
    except OSError:
        return False
    return True
