"""Mallory tries the passwords that everybody tries: the ones in the manual.

`admin` with `admin`, a service's name twice, the empty password.  One of them is good in a surprising number of places.
"""

import base64
from contextlib import nullcontext

from scenarios.families import Recipe, Request, borrowed, family
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a password: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "there is no account but people's, and none with such a password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "each service's password is random, made when the shop was"),
    "mtls": Expect(Verdict.REFUSED, "a password opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
}
REFERENCES = ("OWASP ASVS 13.2.3", "CWE-1392", "CWE-521")
CATALOGUE = ("BAS-15",)
SERVICES = ("gateway", "orders", "inventory", "billing", "idp", "ca", "cli")
PAIRS = tuple(f"{name}:{name}" for name in (*SERVICES, "admin", "root", "test", "guest", "user", "shop", "carol"))
PAIRS += ("admin:password", "admin:changeme", "admin:", "root:toor", "gateway:gateway123", "gateway:secret", "gateway:")
PAIRS += ("carol:password", "carol:carol123", "carol:Christmas", "carol:christmas2", "carol:malice")
KNOCKS = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}


def shown(pair: str, service: str) -> Recipe[World]:
    """At a service inside; inside zero trust behind gateway's own certificate, or nobody would look."""

    def write(world: World) -> list[Request]:
        value = "Basic " + base64.b64encode(pair.encode()).decode()
        return [
            Request(service, [("Authorization", value), ("X-User", "carol")], KNOCKS[service], more=borrowed(world))
        ]

    return write


RECIPES = {f"{pair} at orders": shown(pair, "orders") for pair in PAIRS}
RECIPES |= {
    f"{name}:{name} at {service}": shown(f"{name}:{name}", service)
    for service in ("inventory", "billing")
    for name in ("gateway", "orders", "admin")
}
CASES = family(RECIPES, nullcontext)
