"""Alice's program puts her token into the address, where every log on the way writes it down.

It is her own token, and it is good.  A service that took it there would teach people to leave it in histories, in
logs and in Referer headers.  So it is no good there, not even beside the proper one, and no log of ours keeps it.
"""

from collections.abc import Mapping
from contextlib import nullcontext

from compose.topology import TOKEN_PATTERNS
from scenarios.families import Recipe, Request, WrongAnswer, borrowed, family
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "there are no tokens"),
    "basic": Expect(Verdict.UNISSUED, "there are no tokens"),
    "subsystem": Expect(Verdict.UNISSUED, "there are no tokens"),
    "mtls": Expect(Verdict.UNISSUED, "there are no tokens"),
    "oauth2": Expect(Verdict.INVALID, "400: a token in the address is an error, whatever else is shown"),
    "jwt": Expect(Verdict.INVALID, "400: a token in the address is an error, whatever else is shown"),
    "zerotrust": Expect(Verdict.INVALID, "400: a token in the address is an error, whatever else is shown"),
}
REFERENCES = ("RFC 6750 §2.3, §3.1", "RFC 9700 §4.3.2", "OWASP ASVS 14.2.1", "CWE-598")
CATALOGUE = ("BRR-06", "XC-09")


def query(text: str, *, beside: bool) -> Recipe[World]:
    """The token in the query, and, when `beside`, in the header too."""

    def write(world: World) -> list[Request]:
        if world.pattern not in TOKEN_PATTERNS:
            return []
        token = world.shopper("alice").token()
        headers = [("Authorization", f"Bearer {token}")] if beside else []
        there = "?" + text.replace("{}", token)
        inside = Request("orders", headers, f"/orders{there}", more=borrowed(world))
        return [Request("gateway", headers, f"/api/orders{there}"), inside]

    return write


def nowhere_written_down(world: World, _: Mapping[str, list[Answer]]) -> None:
    """Raise `WrongAnswer` when a log holds the token."""
    if world.pattern in TOKEN_PATTERNS:
        token = world.shopper("alice").token()
        if any(token in world.shop.logs(name) for name in ("gateway", "orders")):
            raise WrongAnswer("the token is in a log")


TEXTS = ("access_token={}", "x=1&access_token={}", "access_token={}&access_token={}", "access_token=", "access_token=x")
RECIPES = {
    f"{text}{' beside the header' * beside}": query(text, beside=beside) for text in TEXTS for beside in (False, True)
}
CASES = family(RECIPES, nullcontext, nowhere_written_down)
