"""Mallory shows tokens from yesterday, from tomorrow, and from no time at all.

The issuer's own key signs them; only the dates are wrong, or are no dates.  Ten seconds of difference between two
clocks are forgiven, and nothing beyond.
"""

import json
import time
from typing import Any

from scenarios.forge import Mint, Recipe, claiming, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(
        Verdict.UNAUTHENTICATED, "expired, not valid yet, or no whole number of seconds: the dates are read strictly"
    ),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "expired, not valid yet, or no whole number of seconds: the dates are read strictly"
    ),
}
REFERENCES = ("RFC 7519 §4.1.4, §4.1.5, §4.1.6", "RFC 9068 §2.2, §4", "OWASP ASVS 9.2.1")
CATALOGUE = ("JWT-20",)

SHIFTED = {
    "expired fifteen seconds ago": {"exp": -15, "iat": -315},
    "expired an hour ago": {"exp": -3600, "iat": -3900},
    "expired a year ago": {"exp": -31_536_000, "iat": -31_536_300},
    "valid in a minute": {"nbf": 60},
    "valid in an hour": {"nbf": 3600, "exp": 7200},
    "issued in a minute": {"iat": 60},
    "issued in an hour": {"iat": 3600, "exp": 7200},
    "issued and expired in the past, valid in the future": {"iat": -20, "exp": -15, "nbf": 60},
}
"""Seconds from now."""
ODD: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "a string": "1990000000",
    "a word": "never",
    "a date": "2033-05-18T03:33:20Z",
    "true": True,
    "a list": [1_990_000_000],
    "an object": {"at": 1_990_000_000},
    "half a second": 1_990_000_000.5,
    "a float": 1.99e9,
    "negative": -1,
    "2^53": 2**53,
    "2^64": 2**64,
    "a googol": 10**100,
    "1e300": 1e300,
}


def shifted(shifts: dict[str, int]) -> Recipe:
    """A token with its dates moved."""

    def forge(mint: Mint) -> str:
        dates: dict[str, Any] = {claim: int(time.time()) + seconds for claim, seconds in shifts.items()}
        return mint.token(**dates)

    return forge


RECIPES: dict[str, Recipe] = {name: shifted(shifts) for name, shifts in SHIFTED.items()}
RECIPES |= {
    f"{claim} {name}": claiming(**{claim: value})
    for claim in ("exp", "iat", "nbf")
    for name, value in ODD.items()
    if claim != "nbf" or value not in (..., None)  # nbf may be left out
}
RECIPES |= {
    "exp nought": lambda mint: mint.token(exp=0, iat=0),
    "exp in milliseconds of long ago": lambda mint: mint.token(exp=1_000_000_000, iat=0),
    "exp twice, the later one last": lambda mint: mint.sign(
        mint.header(), json.dumps(mint.claims(exp=1)).replace("}", f', "exp": {int(time.time()) + 300}}}', 1).encode()
    ),
    "NaN": lambda mint: mint.sign(mint.header(), json.dumps(mint.claims(exp=float("nan"))).encode()),
    "Infinity": lambda mint: mint.sign(mint.header(), json.dumps(mint.claims(exp=float("inf"))).encode()),
}
CASES = tokens(RECIPES)
