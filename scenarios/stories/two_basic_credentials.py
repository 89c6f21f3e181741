"""Mallory shows two passwords at once, her own and a guess at somebody else's.

If the door checks one and the room behind it believes the other, hers opens it and carol's name gets in.
"""

import base64
from contextlib import nullcontext

from compose.topology import TOKEN_PATTERNS
from scenarios.families import Recipe, Request, borrowed, family
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
EXPECTED = {
    "perimeter": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "basic": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "subsystem": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "mtls": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "oauth2": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "jwt": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "zerotrust": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
}
REFERENCES = ("RFC 9110 §5.3, §11.6.2", "RFC 7617 §2")
CATALOGUE = ("BAS-04",)


def basic(user_id: str, password: str) -> str:
    """A name and password as Basic has them."""
    return "Basic " + base64.b64encode(f"{user_id}:{password}".encode()).decode()


def shown(*values: str) -> Recipe[World]:
    """Authorization lines with these values, at the gateway and wherever inside somebody looks at them."""

    def write(world: World) -> list[Request]:
        headers = [("Authorization", value) for value in values]
        doors = [Request("gateway", headers, "/api/orders")]
        if world.pattern in {"basic", "subsystem", *TOKEN_PATTERNS}:
            doors.append(Request("orders", headers, more=borrowed(world)))
        return doors

    return write


OWN, CAROLS = basic("mallory", "malice"), basic("carol", "")
RECIPES = {
    "her own, then carol's": shown(OWN, CAROLS),
    "carol's, then her own": shown(CAROLS, OWN),
    "her own twice": shown(OWN, OWN),
    "her own, then nothing": shown(OWN, "Basic"),
    "nothing, then her own": shown("Basic", OWN),
    "with a comma": shown(f"{OWN}, {CAROLS}"),
    "with a comma, carol's first": shown(f"{CAROLS}, {OWN}"),
    "with a comma and no space": shown(f"{OWN},{CAROLS.removeprefix('Basic ')}"),
    "a comma before": shown(f",{OWN}"),
    "a comma after": shown(f"{OWN},"),
    "a token beside": shown(OWN, "Bearer x"),
    "a token before": shown("Bearer x", OWN),
    "parameters of Digest": shown('Digest username="carol", realm="shop", nonce="x", uri="/", response="x"'),
    "five": shown(*[OWN] * 5),
}
CASES = family(RECIPES, nullcontext)
