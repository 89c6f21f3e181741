"""Mallory stands at the gateway with names that exist and names that do not, and listens for a difference.

If the answer for a wrong password differs from the answer for a wrong name, she can find out who shops here.  She also
bends a good password a little.  The answers have to be the same to the last byte.
"""

import base64
import secrets
from collections.abc import Mapping
from contextlib import nullcontext

from scenarios.families import Recipe, Request, WrongAnswer, family
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "the same words for a wrong name and a wrong password"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "the same words for a wrong name and a wrong password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the same words for a wrong name and a wrong password"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "the same words for a wrong name and a wrong password"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
}
REFERENCES = ("OWASP ASVS 6.3.8", "RFC 7617 §2", "CWE-204")
CATALOGUE = ("BAS-02", "BAS-07")
PAIRS = {
    "a name that exists": "carol:wrong",
    "another that exists": "bob:wrong",
    "a name that does not exist": "karol:wrong",
    "a name of a service": "orders:wrong",
    "NUL after a good password": "carol:christmas\0",
    "a good password in capitals": "carol:CHRISTMAS",
    "somebody else's good password": "carol:builder",
    "no password": "bob:",
}


def shown(pair: str) -> Recipe[World]:
    """At the gateway, from an address that nobody else uses as far as that is possible: failures are counted by it."""

    def write(world: World) -> list[Request]:
        local = {"source": f"127.77.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"}
        more = local if world.shop.runtime == "local" else {}
        header = ("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
        return [Request("gateway", [header], "/api/orders", more=more, from_inside=True)]

    return write


def alike(_: World, found: Mapping[str, list[Answer]]) -> None:
    """Raise `WrongAnswer` when two of the answers can be told apart, but for their trace."""
    told = {
        name: (answer.status, answer.body, sorted(set(answer.headers.items()) - varying(answer)))
        for name, [answer] in found.items()
    }
    for name, one in told.items():
        if one != told["a name that exists"]:
            raise WrongAnswer(f"{name} is answered {one}, and not {told['a name that exists']}")


def varying(answer: Answer) -> set[tuple[str, str]]:
    """Headers that differ with each answer."""
    return {(name, value) for name, value in answer.headers.items() if name in {"date", "traceresponse"}}


CASES = family({name: shown(pair) for name, pair in PAIRS.items()}, nullcontext, alike)
