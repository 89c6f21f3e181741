"""What one order is made of, counted rather than timed: questions to the identity provider, handshakes, credentials.

Counted at a shop that is warm: others have ordered before.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from compose.shop import Shop
from scenarios import hops
from scenarios.bench.contest import NotProven
from scenarios.shopper import Shopper
from services.identity import Credentials, Identity
from services.patterns import pattern
from services.settings import Settings

ORDERS = 3
INNER_HOPS = (("gateway", "orders"), ("orders", "inventory"), ("orders", "billing"))


@dataclass(frozen=True)
class Anatomy:
    """Per order."""

    requests: float
    """Requests to a service, the one to the gateway among them."""
    idp_calls: float
    connections: float
    """New ones, from whomever to whomever within the shop."""
    handshakes: float
    """Those of them that are TLS."""
    credential_bytes: int
    """Of the headers that say who is asking, on the three hops inside."""


def anatomy(shop: Shop) -> Anatomy:
    """Place some orders, and see."""
    alice = Shopper(shop, "alice")
    _place(alice)
    before = connections(shop)
    stories = [hops.story(shop, _place(alice)) for _ in range(ORDERS)]
    new = [server for server, _ in connections(shop) - before]
    plain = {shop.ports.of(name) for name in shop.peers if shop.variant.inner_scheme == "http"}
    idp_calls = sum(hop.service == "idp" for story in stories for hop in story)
    return Anatomy(
        requests=sum(map(len, stories)) / ORDERS - idp_calls / ORDERS,
        idp_calls=idp_calls / ORDERS,
        connections=len(new) / ORDERS,
        handshakes=sum(server not in plain for server in new) / ORDERS,
        credential_bytes=sum(credential_bytes(shown) for shown in presented(shop, alice)),
    )


def connections(shop: Shop) -> set[tuple[int, int]]:
    """The connections to the shop's services and its provider: the server's port and the client's, for each.

    The kernel remembers a connection for a minute after its end, so a short one is not missed.
    """
    inside = {shop.ports.of(name) for name in ("idp", *shop.peers)}
    found = [(each.laddr, each.raddr) for each in psutil.net_connections("tcp") if each.laddr and each.raddr]
    both = [(here.port, there.port) for here, there in found] + [(there.port, here.port) for here, there in found]
    return {(server, client) for server, client in both if server in inside}


def presented(shop: Shop, shopper: Shopper) -> Iterator[Credentials]:
    """What is presented on each hop inside for an order of that person's, by the pattern's own word for it."""
    holding = {"gateway": _at_the_edge(shop, shopper)}
    for holder, audience in INNER_HOPS:
        guard = pattern(shop.pattern, _settings(shop, holder))  # type: ignore[arg-type]  # the shop's is one of them
        shown = guard.credentials_for(audience, holding[holder])
        yield shown
        bearer = shown.get("headers", {}).get("Authorization", "").removeprefix("Bearer ")
        holding[audience] = _identity(shopper.who, bearer or holding[holder].credential)


def credential_bytes(shown: Credentials) -> int:
    """The length of those header lines, as they go over the wire (RFC 9112 §5)."""
    headers = dict(shown.get("headers", {}))
    if "auth" in shown:  # RFC 7617 §2
        headers["Authorization"] = "Basic " + base64.b64encode(b":".join(shown["auth"])).decode()
    return sum(len(f"{name}: {value}\r\n") for name, value in headers.items())


def _at_the_edge(shop: Shop, shopper: Shopper) -> Identity:
    return _identity(shopper.who, shopper.password if shop.variant.users_edge else shopper.token())


def _identity(who: str, credential: str | None) -> Identity:
    return Identity(who, who, frozenset(), "caller", "nothing: this is about what is presented", credential)


def _settings(shop: Shop, service: str) -> Settings:
    """What that service of the shop is told."""
    return Settings.model_validate(
        {
            "service": service,
            "pattern": shop.pattern,
            "dir": shop.dir,
            "port": shop.ports.of(service),
            "issuer": shop.issuer,
            "edge": shop.edge,
            "peers": shop.peers,
        }
    )


def _place(shopper: Shopper) -> str:
    """Buy a book; the trace of it."""
    placed = shopper.order("book")
    if placed.status_code != 201:
        raise NotProven(f"{shopper.shop.pattern}: {shopper.who} cannot order: {placed.status_code} {placed.text[:200]}")
    return str(placed.headers["traceresponse"].split("-")[1])
