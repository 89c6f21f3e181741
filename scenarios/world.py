"""A shop under one pattern, and the places in it where somebody may stand.

    outside      this machine, before the edge: gateway and identity provider
    inside       the inner network, with nothing: a container of its own in Compose, this process locally
    breached     in the place of a service, with exactly what it holds, taken from there: its container, this process
    customer     anybody with an account: `shopper("bob")`

What differs between the runtimes is only where addresses, secrets and the inside of a service come from; scenarios do
not notice.
"""

from __future__ import annotations

import base64
import functools
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compose import engine
from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import INSIDE, TOKEN_PATTERNS
from idp.manage.client import Manager, via
from scenarios import probe, verdict
from scenarios.sending import Headers, Ran, answered, in_portions, request, told, traced
from scenarios.shopper import CannotLogIn, Shopper
from scenarios.verdict import Answer

_NAMED = frozenset({"path", "method", "headers", "body"})
_LONGEST = 300.0
"""Seconds that many requests in one go may take."""


def _more(each: Mapping[str, Any]) -> dict[str, Any]:
    """What else the probe is told of one of many requests."""
    return {name: value for name, value in each.items() if name not in _NAMED}


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

    def log_everybody_out(self) -> None:
        """Forget what the people were given, so that they log in anew."""
        World.shopper.cache_clear()

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
        return self._sent_from_here([request(self.shop.edge + path, method, headers, body, more)])[0]

    def outside_many(self, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Several requests as `outside` would send them, in one go; each says its `method`, `path`, `headers` …"""
        return self._sent_from_here(
            [
                request(
                    self.shop.edge + each["path"], each["method"], each.get("headers"), each.get("body"), _more(each)
                )
                for each in requests
            ]
        )

    def inside(
        self, service: str, method: str, path: str, headers: Headers | None = None, body: Any = None, **more: Any
    ) -> Answer:
        """A request to `service` from the inner network, by somebody who holds nothing but what they pass."""
        return self._from_inside([self._wanted(service, method, path, headers, body, more)])[0]

    def inside_many(self, service: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Several requests as `inside` would send them, in one go; each says its `method`, `path`, `headers` …"""
        return self._from_inside(self._all_wanted(service, requests, {}))

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
        return self._from(holder, [self._wanted(service, method, path, headers, body, more)])[0]

    def breached_many(self, holder: str, service: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """Several requests as `breached` would send them, in one go; each says its `method`, `path`, `headers` …"""
        return self._from(holder, self._all_wanted(service, requests, self.certificate_of(holder)))

    def _wanted(
        self, service: str, method: str, path: str, headers: Headers | None, body: Any, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        return traced(request(self.address(service) + path, method, headers, body, more))

    def _all_wanted(
        self, service: str, requests: Sequence[Mapping[str, Any]], with_each: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            self._wanted(service, each["method"], each["path"], each.get("headers"), each.get("body"), more)
            for each in requests
            for more in [{**with_each, **_more(each)}]
        ]

    def _from_inside(self, wanted: list[dict[str, Any]]) -> list[Answer]:
        def run(argv: list[str]) -> Ran:
            return engine.docker("exec", self._stand_inside(), *argv, timeout=_LONGEST)

        return self._sent(wanted, run, "the inner network")

    def _from(self, holder: str, wanted: list[dict[str, Any]]) -> list[Answer]:
        return self._sent(wanted, lambda argv: self.shop.run(holder, argv, timeout=_LONGEST), holder)

    def _sent(self, wanted: list[dict[str, Any]], run: Callable[[list[str]], Ran], where: str) -> list[Answer]:
        """What comes back of each; locally every place is a process on loopback, and this one is as good as any."""
        if self.shop.runtime == "local":
            return self._sent_from_here(wanted)
        return in_portions(wanted, run, where)

    def _sent_from_here(self, wanted: list[dict[str, Any]]) -> list[Answer]:
        return [told(*pair) for pair in zip(wanted, probe.attempts(wanted), strict=True)]

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
