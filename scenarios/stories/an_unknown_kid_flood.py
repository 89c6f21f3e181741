"""Mallory makes up the names of keys, sixty in a second.

A service that meets a key it does not know has to ask the identity provider: the key may be new.  If it asked each
time, anybody could have the services flood their own identity provider.  So we count how often it was asked.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from compose.processes import whole_lines
from scenarios.families import Recipe, Request, WrongAnswer, family, says
from scenarios.forge import Bench
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token, nor asks for its key"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody reads the key's name; each token is asked about"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "for an unknown key it asks once in ten seconds, not each time"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "for an unknown key it asks once in ten seconds, not each time"),
}
REFERENCES = ("RFC 8725 §2.9", "OpenID Connect Core §10.1.1", "OWASP API4:2023")
CATALOGUE = ("JWT-30",)
TOKENS, MOST_FETCHES = 60, 2


@dataclass(frozen=True)
class Flood:
    """The tools, and the trace by which the flood is known again at the identity provider."""

    bench: Bench
    trace: str


@contextmanager
def counted(world: World) -> Iterator[Flood]:
    """A flood; `WrongAnswer` when the key set was fetched more than `MOST_FETCHES` times on its account."""
    trace = secrets.token_hex(16)
    with Bench.of(world, ("orders",)) as bench:
        yield Flood(bench, trace)
    lines = [json.loads(line) for line in whole_lines(world.shop.logs("idp")) if trace in line]
    fetches = [line for line in lines if line.get("route") == "/jwks"]
    if len(fetches) > MOST_FETCHES:
        raise WrongAnswer(f"{TOKENS} tokens made a service fetch the keys {len(fetches)} times")


def flood(kid: str) -> Recipe[Flood]:
    """Tokens that Mallory signed, each under another key's name beginning with `kid`."""

    def write(tools: Flood) -> list[Request]:
        [mint], parent = tools.bench.mints, ("traceparent", f"00-{tools.trace}-{secrets.token_hex(8)}-00")
        names = [kid + secrets.token_hex(8) for _ in range(TOKENS // 3)]
        forged = [mint.token({"kid": name}, key=mint.own["ES256"]) for name in names]
        shown = [tools.bench.show(mint, f"Bearer {token}", "/orders") for token in forged]
        for request in shown:
            request.headers.append(parent)
        return shown

    return write


RECIPES = {"made-up names": flood(""), "names that begin alike": flood("key-"), "addresses": flood("https://a.test/")}
CASES = family(RECIPES, counted, says("invalid_token"))
