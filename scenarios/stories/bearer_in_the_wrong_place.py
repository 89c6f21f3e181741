"""Mallory has a genuine token, and shows it everywhere but where it belongs.

There is one place for a token, the Authorization header, and one word before it.  She puts it into other headers, a
cookie and the body, and calls it by other schemes.  What one reader takes for a credential and another does not is how
people get past the first.
"""

from contextlib import nullcontext

from compose.topology import TOKEN_PATTERNS
from scenarios.families import Recipe, Request, borrowed, family, says
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "there are no tokens"),
    "basic": Expect(Verdict.UNISSUED, "there are no tokens"),
    "subsystem": Expect(Verdict.UNISSUED, "there are no tokens"),
    "mtls": Expect(Verdict.UNISSUED, "there are no tokens"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "a token anywhere else is no credential"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a token anywhere else is no credential"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a token anywhere else is no credential"),
}
REFERENCES = ("RFC 6750 §2.1, §2.2", "RFC 9110 §11.4", "RFC 9449 §7.1", "OWASP ASVS 4.1.3")
CATALOGUE = ("BRR-01", "BRR-02", "BRR-04", "BRR-07")

HEADERS = {
    "X-Forwarded-Authorization": "Bearer {}",
    "X-Original-Authorization": "Bearer {}",
    "X-Authorization": "Bearer {}",
    "Proxy-Authorization": "Bearer {}",
    "X-Access-Token": "{}",
    "X-Auth-Token": "{}",
    "X-API-Key": "{}",
    "X-Amzn-OIDC-Data": "{}",
    "Cf-Access-Jwt-Assertion": "{}",
    "Token": "{}",
    "Access-Token": "{}",
    "DPoP": "{}",
    "Cookie": "access_token={}; token={}; Authorization=Bearer {}",
    "Sec-WebSocket-Protocol": "bearer, {}",
}
SCHEMES: tuple[str, ...] = ("DPoP {}", "Negotiate {}", "Token {}", "JWT {}", "OAuth {}", "MAC {}")
SCHEMES += ("Bearer: {}", "Bearer={}", "Bearer{}", "{}")


def in_header(name: str, value: str) -> Recipe[World]:
    """The token in this header."""
    return lambda world: at_each_door(world, [(name, value.replace("{}", token_of(world)))])


def in_body(world: World) -> list[Request]:
    """The token in a form (RFC 6750 §2.2), which we do not take."""
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    return at_each_door(world, form, "POST", f"access_token={token_of(world)}")


def token_of(world: World) -> str:
    """Alice's own token, where she has one."""
    return world.shopper("alice").token() if world.pattern in TOKEN_PATTERNS else ""


def at_each_door(world: World, headers: list[tuple[str, str]], method: str = "GET", body: str = "") -> list[Request]:
    """At the gateway and at orders; inside zero trust the gateway's certificate opens the connection."""
    if world.pattern not in TOKEN_PATTERNS:
        return []
    outside = Request("gateway", headers, "/api/orders", method, body or None)
    return [outside, Request("orders", headers, "/orders", method, body or None, borrowed(world))]


RECIPES: dict[str, Recipe[World]] = {name: in_header(name, value) for name, value in HEADERS.items()}
RECIPES |= {f"Authorization: {scheme}": in_header("Authorization", scheme) for scheme in SCHEMES}
RECIPES |= {"in the body": in_body, "nowhere": lambda world: at_each_door(world, [])}
CASES = family(RECIPES, nullcontext, says(""))
