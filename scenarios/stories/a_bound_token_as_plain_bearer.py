"""Mallory shows a token that was bound to somebody's key, without having that key.

The issuer wrote into the token whose certificate has to be shown together with it.  She shows it where nobody asks for
a certificate, or beside another one, or puts a binding into it that the reader cannot check.
"""

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
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a binding that cannot be checked is a reason to refuse"),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED,
        "the certificate on the connection is not the one in the token, or nobody is named as its actor",
    ),
}
REFERENCES = ("RFC 8705 §3", "RFC 7800 §3.1", "RFC 9449 §7.1", "RFC 8693 §4.1", "OWASP ASVS 10.3.5")
CATALOGUE = ("JWT-28",)

PRINT = "A" * 43
BINDINGS: dict[str, Any] = {
    "another certificate": {"x5t#S256": PRINT},
    "a DPoP key": {"jkt": PRINT},
    "a certificate and a DPoP key": {"x5t#S256": PRINT, "jkt": PRINT},
    "a key inside": {"jwk": {"kty": "EC"}},
    "a key's name": {"kid": "x"},
    "SHA-1": {"x5t": "A" * 27},
    "small letters": {"x5t#s256": PRINT},
    "cut short": {"x5t#S256": PRINT[:-1]},
    "padded": {"x5t#S256": PRINT + "="},
    "empty": {"x5t#S256": ""},
    "null": {"x5t#S256": None},
    "a list": {"x5t#S256": [PRINT]},
    "an empty object": {},
    "a string": PRINT,
    "true": True,
}


def without(mint: Mint, **claims: Any) -> str:
    """A token for whoever shows it, or, where every token is bound, with less than that takes."""
    return mint.token(**claims) if mint.thumbprint else mint.token(cnf={"x5t#S256": PRINT}, **claims)


RECIPES: dict[str, Recipe] = {f"bound to {name}": claiming(cnf=cnf) for name, cnf in BINDINGS.items()}
RECIPES |= {
    "not bound, or bound elsewhere": lambda mint: without(mint, **({"cnf": ...} if mint.thumbprint else {})),
    "no actor": lambda mint: without(mint, act=...),
    "another actor": lambda mint: without(mint, act={"sub": "orders"}),
    "the actor one deeper": lambda mint: without(mint, act={"act": {"sub": "gateway"}}),
    "an actor who is no object": lambda mint: without(mint, act="gateway"),
    "another client": lambda mint: without(mint, client_id="orders"),
}
CASES = tokens(RECIPES)
