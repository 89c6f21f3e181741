"""Mallory has her own name and password, and shows them everywhere but where they belong.

In the address, in a cookie, in the body, in headers that proxies use: in each of them some
program has looked.
"""

import base64
from contextlib import nullcontext

from compose.topology import TOKEN_PATTERNS
from scenarios.families import Recipe, Request, borrowed, family, says
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a password anywhere else is no credential"),
}
REFERENCES = ("RFC 7617 §2", "RFC 9110 §4.2.4", "OWASP ASVS 14.2.1", "CWE-598")
CATALOGUE = ("BAS-01", "BAS-05")
PAIR = base64.b64encode(b"mallory:malice").decode()
HEADERS = {
    "X-Forwarded-Authorization": f"Basic {PAIR}",
    "X-Original-Authorization": f"Basic {PAIR}",
    "Proxy-Authorization": f"Basic {PAIR}",
    "WWW-Authenticate": f"Basic {PAIR}",
    "Authentication": f"Basic {PAIR}",
    "X-Auth-User": "mallory:malice",
    "X-Remote-User": "mallory",
    "Remote-User": "mallory",
    "X-Username": "mallory",
    "From": "mallory@shop.test",
    "Cookie": f"Authorization=Basic {PAIR}; session=mallory",
    "Referer": "https://mallory:malice@localhost/",
    "Origin": "https://mallory:malice@localhost",
}
QUERIES = ("username=mallory&password=malice", f"Authorization=Basic%20{PAIR}", f"auth={PAIR}", "user=mallory:malice")


def shown(headers: list[tuple[str, str]], query: str = "", method: str = "GET", body: str = "") -> Recipe[World]:
    """At the gateway, and at orders wherever somebody inside asks for a password or a token."""

    def write(world: World) -> list[Request]:
        doors = [Request("gateway", headers, f"/api/orders{query}", method, body or None)]
        if world.pattern in {"basic", "subsystem", *TOKEN_PATTERNS}:
            doors.append(Request("orders", headers, f"/orders{query}", method, body or None, borrowed(world)))
        return doors

    return write


FORM = [("Content-Type", "application/x-www-form-urlencoded")]
RECIPES: dict[str, Recipe[World]] = {name: shown([(name, value)]) for name, value in HEADERS.items()}
RECIPES |= {f"query {text.partition('=')[0]}": shown([], f"?{text}") for text in QUERIES}
RECIPES |= {
    "in a form": shown(FORM, method="POST", body="username=mallory&password=malice"),
    "in JSON": shown([("Content-Type", "application/json")], method="POST", body='{"username":"mallory"}'),
    "nowhere": shown([]),
}
CASES = family(RECIPES, nullcontext, says(""))
