"""What a person has in hand after logging in, and where each of it opens a door.

    password        at the gateway alone, at the gateway and orders behind it, and under `basic` at orders itself
    token           the same; under `zerotrust` orders takes only the one that was exchanged for it
    exchanged token at orders, with the certificate of the gateway
    refresh token   at the identity provider, for the next token
    session         a browser's, on the page that shows the shelf

Each is asked as a thief would ask: with the credential as it was, whatever has become of it since.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from compose.topology import TOKEN_PATTERNS
from scenarios import levers, verdict
from scenarios.browser import Browser
from scenarios.newcomer import basic
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer
from scenarios.world import World
from services.relying_party import SPARE_SECONDS

ALONE, THROUGH = "/api/me", "/api/orders"
"""What the gateway answers by itself, and what it has to ask orders for."""


@dataclass(frozen=True)
class Holding:
    """A credential at a place where it is served."""

    credential: str
    at: str
    ask: Callable[[], Answer]
    life: float | None = None
    """For how many seconds it was issued, or goes on without being renewed; None when it does not end by itself."""
    ends: float | None = None
    """When that is over, as everybody but the identity provider reads the clock; None when nobody says."""


class Guest:
    """Somebody with an account of their own, logged in as far as `kinds` of credentials ask for."""

    def __init__(self, world: World, name: str, password: str, kinds: Collection[str], ahead: float = 0.0) -> None:
        self.world = world
        self.shopper = Shopper(world.shop, name, password)
        self.browser = Browser(world.shop)
        self.tokens: dict[str, Any] = {}
        self._ahead = ahead
        if world.pattern in TOKEN_PATTERNS and {"token", "exchanged token", "refresh token"} & set(kinds):
            self.tokens = self.shopper.tokens()
        if "session" in kinds:
            levers.insist(self.browser.log_in(name, password).status_code == 200, f"{name} cannot log in")

    def holdings(self, kinds: Collection[str]) -> list[Holding]:
        """What they hold of these kinds, at each place."""
        every = {"password": self._password, "token": self._token, "exchanged token": self._exchanged}
        every |= {"refresh token": self._refresh_token, "session": self._session}
        return [holding for kind, holdings in every.items() if kind in kinds for holding in holdings()]

    def _password(self) -> Iterator[Holding]:
        if self.world.pattern not in TOKEN_PATTERNS:
            shown = {"Authorization": basic(self.shopper.who, self.shopper.password)}
            yield from self._shown("password", shown, also_inside=self.world.pattern == "basic")

    def _token(self) -> Iterator[Holding]:
        if self.tokens:
            token, life = self.tokens["access_token"], self.tokens["expires_in"]
            inside = self.world.pattern != "zerotrust"
            yield from self._shown("token", _bearing(token), inside, life, self._end_of(token, life))

    def _exchanged(self) -> Iterator[Holding]:
        if self.tokens and self.world.pattern == "zerotrust":
            token = levers.passed_along(self.world, self.tokens["access_token"], "gateway", "orders")
            life, ends = self.tokens["expires_in"], self._end_of(token, 0.0)
            pair = self.world.certificate_of("gateway")

            def ask() -> Answer:
                return self.world.inside("orders", "GET", "/orders", _bearing(token), **pair)

            yield Holding("exchanged token", "orders", ask, life, ends)

    def _refresh_token(self) -> Iterator[Holding]:
        if "refresh_token" in self.tokens:
            form = {"grant_type": "refresh_token", "client_id": "cli", "refresh_token": self.tokens["refresh_token"]}

            def ask() -> Answer:
                response = self.shopper.session.post(f"{self.world.shop.issuer}/token", data=form, timeout=15)
                form["refresh_token"] = response.json().get("refresh_token", form["refresh_token"])
                return answered(response)

            yield Holding("refresh token", "idp", ask)

    def _session(self) -> Iterator[Holding]:
        stolen = {"Cookie": "; ".join(f"{each.name}={each.value}" for each in self.browser.session.cookies)}
        life = self.tokens["expires_in"] - SPARE_SECONDS if self.tokens else None
        yield Holding("session", "gateway and inventory", lambda: self.world.outside("GET", "/shelf", stolen), life)

    def _shown(
        self,
        credential: str,
        headers: dict[str, str],
        also_inside: bool,
        life: float | None = None,
        ends: float | None = None,
    ) -> Iterator[Holding]:
        """A header that is shown at the edge and, if it is good there too, to orders directly."""
        world = self.world
        yield Holding(credential, "gateway", lambda: world.outside("GET", ALONE, headers), life, ends)
        yield Holding(credential, "gateway and orders", lambda: world.outside("GET", THROUGH, headers), life, ends)
        if also_inside:
            yield Holding(credential, "orders", lambda: world.inside("orders", "GET", "/orders", headers), life, ends)

    def _end_of(self, token: str, life: float) -> float:
        """What a self-contained token says of its end; of an opaque one, that follows from when it was issued."""
        if token.count(".") == 2:
            payload = token.split(".")[1]
            return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
        return int(time.time() + self._ahead) + life


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def unserved(holdings: Collection[Holding]) -> list[str]:
    """Where a credential is not served that should be: an end that nobody brought about would pass for one."""
    return [f"{each.credential} at {each.at}" for each in holdings if each.ask().verdict is not verdict.Verdict.SERVED]
