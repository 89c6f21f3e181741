"""A shop under one pattern, and the places in it where somebody may stand.

    outside      this machine, before the edge: gateway and identity provider
    inside       the inner network, with nothing: a container of its own in Compose, a process on loopback locally
    breached     in the place of a service, with exactly what that service holds, taken from there
    customer     anybody with an account: `shopper("bob")`

What differs between the runtimes is only where addresses, secrets and the inside of a service come from; scenarios do
not notice.
"""

from __future__ import annotations

import base64
import functools
import json
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from compose import engine
from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import INSIDE, TOKEN_PATTERNS
from idp.manage.client import Manager, via
from scenarios import probe, redact, verdict
from scenarios.shopper import CannotLogIn, Shopper
from scenarios.verdict import Answer

PROBE = Path(probe.__file__).read_text(encoding="utf-8")
Headers = Mapping[str, str] | list[tuple[str, str]]
_NAMED = frozenset({"path", "method", "headers", "body"})
_MOST = 100_000
"""Characters of one argument on a command line, well below what Linux allows (128 KiB)."""
_LONGEST = 300.0
"""Seconds that many requests in one go may take."""


class DoorShut(CannotRun):
    """A story needs the identity provider's management door, and the shop was started without one."""


class World:
    """One shop, and everybody who may act in it.  Use it as a context manager: it leaves nobody standing inside."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.pattern = shop.pattern
        self._intruder: str | None = None

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        if self._intruder:
            engine.docker("rm", "--force", self._intruder)
            self._intruder = None

    @functools.cached_property
    def manager(self) -> Manager:
        """The identity provider's management door; `DoorShut` when there is none."""
        if not self.shop.manage:
            what = "the identity provider of this shop cannot be managed"
            raise DoorShut(what, f"make down {self.shop.meant}; MANAGE=1 make up {self.shop.meant}")
        return Manager(via(self.shop))

    # People ------------------------------------------------------------------------------------------------------

    @functools.cache  # noqa: B019  # a world lives as long as its shop; a log-in is costly
    def shopper(self, who: str) -> Shopper:
        """One of the people, with their own credential."""
        return Shopper(self.shop, who)

    def as_person(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """What a person gets from the shop's API; UNISSUED when they cannot even log in."""
        if method == "POST" and path == "/api/orders":
            headers.setdefault("Idempotency_Key", secrets.token_hex(16))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            got = self.shopper(who).call(method, path, json=body, headers=named)
        except CannotLogIn as error:
            return Answer(verdict.Verdict.UNISSUED, detail=str(error))
        return answered(got)

    def credential_of(self, who: str) -> dict[str, str]:
        """The header by which a person proves who they are at the edge: Basic or Bearer."""
        shopper = self.shopper(who)
        if self.pattern in TOKEN_PATTERNS:
            return {"Authorization": f"Bearer {shopper.token()}"}
        return {"Authorization": "Basic " + base64.b64encode(f"{who}:{shopper.password}".encode()).decode()}

    # Places ------------------------------------------------------------------------------------------------------

    def outside(self, method: str, path: str, headers: Headers | None = None, body: Any = None, **more: Any) -> Answer:
        """A request to the gateway's front door, from this machine."""
        wanted = _wanted(self.shop.edge + path, method, headers, body, more)
        return _told(wanted, probe.attempt(wanted))

    def inside(
        self, service: str, method: str, path: str, headers: Headers | None = None, body: Any = None, **more: Any
    ) -> Answer:
        """A request to `service` from the inner network, by somebody who holds nothing but what they pass."""
        wanted = _traced(_wanted(self.address(service) + path, method, headers, body, more))
        if self.shop.runtime == "local":
            return _told(wanted, probe.attempt(wanted))
        ran = engine.docker("exec", self._stand_inside(), "python", "-c", PROBE, json.dumps(wanted))
        return _told(wanted, json.loads(ran.stdout))

    def inside_many(self, service: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Several requests as `inside` would send them, in one go; each says its `method`, `path`, `headers` …"""
        wanted = self._all_wanted(service, requests, {})
        if self.shop.runtime == "local":
            return [_told(each, probe.attempt(each)) for each in wanted]
        return _in_portions(
            wanted,
            lambda argv: engine.docker("exec", self._stand_inside(), *argv, timeout=_LONGEST),
            "the inner network",
        )

    def breached(
        self,
        holder: str,
        service: str,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: Any = None,
        **more: Any,
    ) -> Answer:
        """A request to `service` from the place of `holder`, with the certificate that it holds, if it holds one."""
        more = {**self.certificate_of(holder), **more}
        wanted = _traced(_wanted(self.address(service) + path, method, headers, body, more))
        ran = self.shop.run(holder, ["python", "-c", PROBE, json.dumps(wanted)])
        if ran.returncode:
            raise CannotRun(f"the probe failed in {holder}: {ran.stderr[-500:]}", "make logs")
        return _told(wanted, json.loads(ran.stdout))

    def breached_many(self, holder: str, service: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Several requests as `breached` would send them, in one go; each says its `method`, `path`, `headers` …"""
        wanted = self._all_wanted(service, requests, self.certificate_of(holder))
        return _in_portions(wanted, lambda argv: self.shop.run(holder, argv, timeout=_LONGEST), holder)

    def _all_wanted(
        self, service: str, requests: Sequence[Mapping[str, Any]], with_each: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        address = self.address(service)
        return [
            _traced(_wanted(address + each["path"], each["method"], each.get("headers"), each.get("body"), more))
            for each in requests
            for more in [{**with_each, **{name: value for name, value in each.items() if name not in _NAMED}}]
        ]

    def address(self, service: str) -> str:
        """Where `service` answers on the inner network; the gateway and the IdP too."""
        if service in INSIDE:
            return self.shop.peers[service]
        if self.shop.runtime == "local":
            return self.shop.urls[service]
        return f"https://{service}:{self.shop.ports.of(service)}"

    # What a service holds ------------------------------------------------------------------------------------------

    def secret_of(self, service: str, name: str) -> str | None:
        """A secret that `service` holds under this pattern, taken from its own place; None when it has none."""
        path = self.shop.secrets_dir(service) / name
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    def certificate_of(self, service: str) -> dict[str, str]:
        """The certificate and key that `service` holds, as arguments for a request; empty when it has none."""
        leaf, key = (self.shop.tls_dir(service) / name for name in ("leaf.pem", "key.pem"))
        return {"cert": leaf.read_text(), "key": key.read_text()} if leaf.exists() else {}

    def own_credential_of(self, service: str, user: str | None = None) -> dict[str, str] | None:
        """What `service` itself can show to another, acting for `user` by its own word; None when it has nothing.

        perimeter and mtls: its word (and its certificate, which goes with every request from its place); subsystem:
        its name and password, and its word.  In the other patterns nothing of its own lets it act for anybody.
        """
        word = {"X-User": user} if user else {}
        if self.pattern in {"perimeter", "mtls"}:
            return word
        password = self.secret_of(service, "password")
        if self.pattern == "subsystem" and password:
            return {**word, "Authorization": "Basic " + base64.b64encode(f"{service}:{password}".encode()).decode()}
        return None

    def _stand_inside(self) -> str:
        """A container on the inner network that belongs to nobody, started once."""
        if self._intruder is None:
            name = f"{self.shop.name}-intruder-{secrets.token_hex(4)}"
            network = f"{self.shop.name}_inside"
            hardened = ["--user", "10001:10001", "--cap-drop", "ALL", "--read-only", "--tmpfs", "/tmp"]
            command = ["run", "--detach", "--rm", "--name", name, "--network", network, *hardened, "fivelocks"]
            started = engine.docker(*command, "python", "-c", "import signal; signal.pause()")
            if started.returncode:
                raise CannotRun(f"nobody could get inside: {started.stderr}", "make doctor")
            self._intruder = name
        return self._intruder


def _wanted(url: str, method: str, headers: Headers | None, body: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        pairs.append(("Content-Type", "application/json"))
    return {"url": url, "method": method, "headers": pairs, "body": body, **more}


def answered(response: requests.Response) -> Answer:
    """The verdict on what a person with a program got."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    found = verdict.answer(response.status_code, headers, response.text)
    return replace(found, request=redact.prepared(response.request), trace=_trace(headers.get("traceresponse")))


def _traced(wanted: dict[str, Any]) -> dict[str, Any]:
    """The request with a trace id of its own, by which the audit lines can be found; what is sent raw stays raw."""
    if not wanted.get("raw") and not any(name.lower() == "traceparent" for name, _ in wanted["headers"]):
        wanted["headers"].append(("traceparent", f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"))
    return wanted


def _trace(told: str | None) -> str | None:
    """The trace id in a `traceparent` or `traceresponse`; None when it has another shape."""
    return told.split("-")[1] if told and told.count("-") == 3 else None


def _told(wanted: dict[str, Any], came_back: dict[str, Any]) -> Answer:
    if "refused" in came_back:
        return replace(verdict.refused(came_back["refused"]), request=redact.request(wanted))
    found = verdict.answer(came_back["status"], came_back["headers"], came_back["body"])
    sent = next((value for name, value in wanted["headers"] if name.lower() == "traceparent"), None)
    trace = _trace(came_back["headers"].get("traceresponse") or sent)
    return replace(found, request=redact.request(wanted), trace=trace, seconds=came_back["seconds"])


def _in_portions(
    wanted: list[dict[str, Any]], run: Callable[[list[str]], subprocess.CompletedProcess[str]], where: str
) -> list[Answer]:
    """The answers to all of it, by as few probes as a command line allows, each started by `run`."""
    answers: list[dict[str, Any]] = []
    for portion in _portions(wanted):
        ran = run(["python", "-c", PROBE, portion])
        if ran.returncode:
            raise CannotRun(f"the probe failed in {where}: {ran.stderr[-500:]}", "make logs")
        answers += json.loads(ran.stdout)
    return [_told(*pair) for pair in zip(wanted, answers, strict=True)]


def _portions(wanted: list[dict[str, Any]]) -> Iterator[str]:
    """The requests as JSON lists, each short enough for a command line."""
    portion: list[str] = []
    for text in map(json.dumps, wanted):
        if portion and sum(map(len, portion)) + len(text) > _MOST:
            yield f"[{','.join(portion)}]"
            portion = []
        portion.append(text)
    if portion:
        yield f"[{','.join(portion)}]"
