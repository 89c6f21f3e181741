"""Mallory shows a token about nobody, about two people, or about a name that would break a log.

The issuer's own key signs them.  Claims are missing or of the wrong type; names carry line feeds, look-alike letters
and four thousand characters.
"""

import json
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
        Verdict.UNAUTHENTICATED, "each claim has to be there, of its type, and a name is a few visible ASCII characters"
    ),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "each claim has to be there, of its type, and a name is a few visible ASCII characters"
    ),
}
REFERENCES = ("RFC 9068 §2.2", "RFC 9700 §4.15", "RFC 8725 §3.10", "OWASP ASVS 10.3.3, 16.4.1", "CWE-117")
CATALOGUE = ("JWT-19", "JWT-23", "JWT-24", "JWT-25", "JWT-29")

HOSTILE: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "empty": "",
    "a space": " ",
    "a number": 7,
    "a list": ["carol"],
    "an object": {"carol": 1},
    "true": True,
    "with a space after": "carol ",
    "two names": "carol bob",
    "with NUL": "carol\0",
    "with CRLF": 'carol\r\n{"decision":"allow"}',
    "with a tab": "ca\trol",
    "with colours": "carol\x1b[31m",
    "look-alike letter": "\u0441arol",
    "full-width letter": "\uff43arol",
    "zero-width space": "carol\u200b",
    "right to left": "\u202ecarol",
    "line separator": "carol\u2028",
    "next line": "carol\x85",
    "emoji": "\U0001f642",
    "257 characters": "c" * 257,
    "1,500 characters": "c" * 1500,
}
SCOPES: dict[str, Any] = {
    "a list": ["orders:read"],
    "an object": {"orders:read": True},
    "true": True,
    "a number": 1,
    "null": None,
    "two spaces": "orders:read  orders:write",
    "a space before": " orders:read",
    "a tab": "orders:read\torders:write",
    "a line feed": "orders:read\n",
    "a no-break space": "orders:read\u00a0orders:write",
    "a quote": 'orders:read"',
    "a backslash": "orders:read\\",
    "1,025 characters": "a" * 1025,
}


def twice(claim: str, other: Any) -> Recipe:
    """A claim said twice: two readers would come to two meanings."""

    def forge(mint: Mint) -> str:
        return mint.sign(mint.header(), f'{json.dumps(mint.claims())[:-1]}, "{claim}": {json.dumps(other)}}}'.encode())

    return forge


RECIPES: dict[str, Recipe] = {f"sub {name}": claiming(sub=sub) for name, sub in HOSTILE.items()}
RECIPES |= {
    f"{claim} {name}": claiming(**{claim: HOSTILE[name]})
    for claim in ("client_id", "jti")
    for name in ("missing", "null", "empty", "a number", "a list", "with CRLF", "257 characters")
}
RECIPES |= {f"scope {name}": claiming(scope=scope) for name, scope in SCOPES.items()}
RECIPES |= {
    f"{claim} twice": twice(claim, other)
    for claim, other in {
        "sub": "alice",
        "aud": "billing",
        "iss": "x",
        "scope": "",
        "client_id": "x",
        "jti": "x",
    }.items()
}
RECIPES |= {
    "no claims": lambda mint: mint.sign(mint.header(), {}),
    "sub escaped and twice": twice("\\u0073ub", "alice"),
}
CASES = tokens(RECIPES)
