"""A chain of small guarded services under one pattern, real processes on loopback, with nothing else around them.

    with chain("jwt", directory) as links:
        links.ask("/chain/2")          # passes three guards: orders, inventory, billing; they stand in a ring
        links.cpu()                    # what that has cost the services, and the identity provider

Provisioned like a shop, with the same people, certificates, secrets and identity provider.  Whoever asks stands in the
place of the gateway, and shows what the gateway would show.
"""

from __future__ import annotations

import base64
import functools
import json
import ssl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from certs import CA
from compose import ports, processes, remember
from compose.clients import EXCHANGE, SHOP
from compose.provision import provision
from compose.shop import Shop, open_shop
from compose.topology import INSIDE, PEOPLE, TOKEN_PATTERNS
from scenarios.bench.clock import cpu_seconds, family
from scenarios.bench.contest import NotProven
from scenarios.bench.issuing import Issuing
from scenarios.bench.proof import locked, opens
from scenarios.bench.wire import Target
from services import tls
from services.health import knock

HEALTHY_WITHIN = 40.0
FIRST = INSIDE[0]
PASSWORDS = {person.name: person.password for person in PEOPLE}


@dataclass(frozen=True)
class Cpu:
    """CPU seconds spent so far."""

    services: float
    idp: float

    def __sub__(self, before: Cpu) -> Cpu:
        return Cpu(self.services - before.services, self.idp - before.idp)

    @property
    def all(self) -> float:
        """Of all processes together."""
        return self.services + self.idp


@dataclass
class Chain:
    """The links under one pattern, up and healthy."""

    pattern: str
    shop: Shop
    """Where their files are, and the identity provider answers; its own services do not run."""
    peers: Mapping[str, str]
    issuing: Issuing | None
    launcher: int
    """The process that started the links."""
    idp: list[int]
    """The identity provider's first process, if there is one."""

    def cpu(self) -> Cpu:
        """What the processes have spent so far, with their workers, those included that came up late."""
        return Cpu(cpu_seconds(family(self.launcher)), sum(cpu_seconds(family(pid)) for pid in self.idp))

    def target(self, path: str = "/chain/0", body: bytes = b"", certificate: bool = True) -> Target:
        """The first link as the gateway reaches it; without its credential."""
        method, headers = "GET", {}
        if path == "/chain":  # the one that takes a body
            method, headers = "POST", {"Content-Type": "application/octet-stream"}
        return Target(self.peers[FIRST] + path, headers, self._client(certificate), FIRST, method, body)

    def credential(self, who: str = "alice", **more: Any) -> dict[str, str]:
        """What the gateway shows for that person, new each time; `more` is what `Issuing.token` takes besides."""
        if self.pattern in {"perimeter", "mtls"}:
            return {"X-User": who}
        if self.issuing is None:
            pair = f"{who}:{PASSWORDS.get(who, who)}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        if self.pattern == "zerotrust":
            more = {"client": "gateway", "act": {"sub": "gateway"}, "cnf": self.thumbprint, "audience": [FIRST]} | more
        return {"Authorization": f"Bearer {self.issuing.token(who, **more)}"}

    def ask(self, path: str = "/chain/0") -> Any:
        """What the first link answers to alice, in JSON; `NotProven` when it does not."""
        target = self.target(path)
        return json.loads(opens(FIRST, replace(target, headers=self.credential())))

    def prove(self) -> list[str]:
        """Show that each link's lock is on, or under `perimeter` that there is none; `NotProven` otherwise."""
        is_open = self.pattern == "perimeter"
        doors = {name: Target(url + "/chain/0", {}, self._client(False), name) for name, url in self.peers.items()}
        shown = [locked(name, door, is_open) for name, door in doors.items()]
        if self.ask(f"/chain/{len(doors) - 1}") != {"hops": len(doors)}:
            raise NotProven(f"under {self.pattern} a request does not pass through all of them")
        return [*shown, "with the right credential a request passes all of them"]

    @functools.cached_property
    def thumbprint(self) -> str:
        """Of the gateway's certificate, to bind tokens to (RFC 8705 §3.1)."""
        pem = (self.shop.tls_dir("gateway") / "leaf.pem").read_text()
        leaf = pem[: pem.index("-----END") + len("-----END CERTIFICATE-----\n")]
        return tls.peer_of(ssl.PEM_cert_to_DER_cert(leaf)).thumbprint

    def _client(self, certificate: bool) -> ssl.SSLContext | None:
        if self.shop.variant.inner_scheme == "http":
            return None
        home = self.shop.tls_dir("gateway")
        shows = certificate and self.pattern in {"mtls", "zerotrust"}
        own = (str(home / "leaf.pem"), str(home / "key.pem")) if shows else None
        return tls.client_context(home / "bundle.pem", own)

    def authority(self) -> CA:
        """The CA of their certificates."""
        return CA.open(self.shop.dir / "ca")

    def said(self) -> Iterator[dict[str, Any]]:
        """The audit lines of the links so far."""
        for text in (self.shop.dir / "logs" / "links.log").read_text().splitlines():
            line = json.loads(text)
            if "idp_calls" in line:
                yield line


@contextmanager
def chain(
    pattern: str,
    run_root: Path,
    *,
    links: Sequence[str] = INSIDE,
    settings: Mapping[str, Any] | None = None,
    age: float | None = None,
) -> Iterator[Chain]:
    """The links under `pattern` inside the block, each told `settings` besides the usual ones.

    A chain shorter than a ring ends with its last link.  Connections are closed at `age`, or at the shop's usual one.
    """
    shop = open_shop(pattern, "local", ports.free(), run_root)
    with ExitStack() as stack:
        stack.callback(shop.down)
        remember.private(shop.dir)
        provision(shop.dir, pattern, edge=shop.edge, name=shop.name)
        peers = _addresses(shop, links)
        launcher = _start(shop, peers, dict(settings or {}), age)
        issuing = None
        if pattern in TOKEN_PATTERNS:
            _let_everybody_exchange(shop)
            shop.start("idp")
            issuing = stack.enter_context(Issuing(shop.dir, shop.issuer))
        _await_healthy(shop, peers)
        idp = [int(status.ident) for status in shop.status() if status.name == "idp" and status.ident]
        yield Chain(pattern, shop, peers, issuing, launcher, idp)


def _addresses(shop: Shop, links: Sequence[str]) -> dict[str, str]:
    """Where each link will answer."""
    scheme = shop.variant.inner_scheme
    return {name: f"{scheme}://127.0.0.1:{port}" for name, port in zip(links, ports.some(len(links)), strict=True)}


def _start(shop: Shop, peers: Mapping[str, str], settings: Mapping[str, Any], age: float | None) -> int:
    """Start the process that becomes all links; its id."""
    usual = {"pattern": shop.pattern, "dir": str(shop.dir), "issuer": shop.issuer, "edge": shop.edge, "peers": peers}
    links = [
        {"settings": {**usual, "service": name, "port": int(url.rpartition(":")[2]), **settings}, "age": age}
        for name, url in peers.items()
    ]
    home, logs = remember.private(shop.dir / "links"), remember.private(shop.dir / "logs")
    environ = processes.bare_environ(home, shop.dir, "links")
    argv = [sys.executable, "-m", "scenarios.bench.links", json.dumps(links)]
    processes.start(argv, environ, home, logs / "links.log")
    found = [process for process, where, role in processes.marked() if (where, role) == (shop.dir, "links")]
    if not found:
        raise NotProven(f"the links ended while starting: {(logs / 'links.log').read_text()[-2000:]}")
    return min(found, key=psutil.Process.create_time).pid


def _let_everybody_exchange(shop: Shop) -> None:
    """In a ring everybody has business with the next, also where nobody of the shop has."""
    path = shop.secrets_dir("idp") / "clients.json"
    clients = json.loads(path.read_text())
    for client in clients:
        if shop.pattern == "zerotrust" and client["client_id"] in INSIDE:
            client |= {"grant_types": [EXCHANGE], "scopes": list(SHOP), "exchange_audiences": list(INSIDE)}
    remember.replace(path, json.dumps(clients))


def _await_healthy(shop: Shop, peers: Mapping[str, str]) -> None:
    """Knock until every link opens."""
    deadline = time.monotonic() + HEALTHY_WITHIN
    for name, url in peers.items():
        while (trouble := _trouble(url, shop.tls_dir(name))) is not None:
            if time.monotonic() > deadline:
                said = (shop.dir / "logs" / "links.log").read_text()[-2000:]
                raise NotProven(f"{name} is not healthy: {trouble}; it says: {said}")
            time.sleep(0.02)  # another process's socket: there is nothing to wait on but the next knock


def _trouble(url: str, tls_dir: Path) -> str | None:
    try:
        knock(url, tls_dir)
    except OSError as error:
        return str(error) or type(error).__name__
    return None
