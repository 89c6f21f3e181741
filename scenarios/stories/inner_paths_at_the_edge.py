"""Mallory logs in, and asks the front door for what only the services ask of each other.

Reservations and charges are none of the edge's paths: the gateway passes nothing on by its path, it has a view for each
thing that people may do, and makes a call of its own.  So she tries to write herself a way through, from the paths that
there are to those behind them.
"""

import secrets

from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "the gateway passes no path on: what it has no view for is not there (404)"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.FORBIDDEN, REASON))
REFERENCES = ("NIST SP 800-204 MS-SS-4", "RFC 3986 §6.2.2", "CWE-22", "CWE-441", "OWASP API9:2023")
CATALOGUE = ("PER-03", "PER-05")
PATHS = (
    "/api/charges",
    "/api/reservations",
    "/api/../charges",
    "/api/orders/../charges",
    "/api/orders/..%2f..%2fcharges",
    "/api/orders/..;/charges",
    "/api/orders/%2e%2e%2f%2e%2e%2fcharges",
    "/api/orders/%252e%252e%252fcharges",
    "/api/orders//charges",
    "/api/items/..",
    "/api/items/%2e%2e",
    "/api/items/..%2fcharges",
    "/api/items/..%5ccharges",
    "/api/items/book%2f..%2f..%2fcharges",
    "/api/items/book%23",
    "/api/items/book%3fx",
    "/api/items/@billing:8103%2fcharges",
    "/api/items/http:%2f%2fbilling:8103%2fcharges",
    "/api/billing/charges",
    "/api/http://billing:8103/charges",
)
ROUTED = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-Forwarded-Host", "Forwarded", "X-Backend", "Via")


def read(path: str) -> Attempt:
    """A path, as a case of the family."""

    def attempt(world: World) -> Answer:
        return world.outside("GET", path, world.credential_of("mallory"))

    return attempt


def write(path: str, **body: object) -> Attempt:
    """An operation of the services' own, about an order that nobody has placed."""

    def attempt(world: World) -> Answer:
        return world.outside("POST", path, world.credential_of("mallory"), {"order": secrets.token_hex(16), **body})

    return attempt


def routed(name: str) -> Attempt:
    """A header that asks to have the request passed on to billing."""

    def attempt(world: World) -> Answer:
        says = "host=billing:8103" if name == "Forwarded" else "http://billing:8103/charges"
        return world.outside("GET", "/api/charges", {**world.credential_of("mallory"), name: says})

    return attempt


CASES = (
    {path: read(path) for path in PATHS}
    | {f"by {name}": routed(name) for name in ROUTED}
    | {
        "a reservation": write("/api/reservations", sku="book", quantity=1),
        "a charge": write("/api/charges", amount=1),
    }
)
