"""Mallory sends a credential as long as a book.

Before anybody can refuse it, somebody has to read it.  A server that reads whatever comes is busy with whoever sends
the most.
"""

from contextlib import nullcontext

from scenarios.families import Recipe, Request, family
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "basic": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "subsystem": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "mtls": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "oauth2": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "jwt": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
    "zerotrust": Expect(Verdict.INVALID, "431: the gateway stops reading a header after eight kilobytes"),
}
REFERENCES = ("RFC 6585 §5", "OWASP API4:2023", "OWASP ASVS 4.2.5")
CATALOGUE = ("JWT-14",)


def shown(value: str) -> Recipe[World]:
    """At the gateway, which is where strangers come first."""
    return lambda world: [Request("gateway", [("Authorization", value)], "/api/me")]


SCHEMES = {"a token": "Bearer ", "a password": "Basic ", "a scheme": ""}
SIZES = {"9 kB": 9_000, "20 kB": 20_000, "60 kB": 60_000}
RECIPES = {
    f"{name} of {size}": shown(scheme + "A" * length)
    for name, scheme in SCHEMES.items()
    for size, length in SIZES.items()
}
RECIPES |= {"dots for a token": shown("Bearer " + "." * 60_000), "a token of parts": shown("Bearer " + "a." * 30_000)}
CASES = family(RECIPES, nullcontext)
