"""Mallory has the identity provider's signing key, and needs nothing else.

She signs a token that says that she is carol, with everything that carol may do.  It is the other side of all the
forged tokens: made of the same parts, with nothing wrong about it.
"""

import time

from scenarios.forge import Recipe, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.SERVED, "whoever holds the key is whoever they say, until the key is taken out"),
    "zerotrust": Expect(Verdict.SERVED, "with gateway's certificate beside it, the binding can be forged as well"),
}
REFERENCES = ("RFC 9700 §2.6", "OWASP ASVS 11.1.1, 13.3.1")
CATALOGUE = ("JWT-36",)

RECIPES: dict[str, Recipe] = {
    "ES256": lambda mint: mint.token(),
    "RS256": lambda mint: mint.token(alg="RS256"),
    "for several audiences": lambda mint: mint.token(aud=["billing", mint.door]),
    "for one audience, not in a list": lambda mint: mint.token(aud=mint.door),
    "its kind in full": lambda mint: mint.token({"typ": "application/AT+JWT"}),
    "with claims that nobody knows": lambda mint: mint.token(admin=True, note="x"),
    "expired within the leeway": lambda mint: mint.token(exp=int(time.time()) - 2, iat=int(time.time()) - 302),
    "about somebody who does not exist": lambda mint: mint.token(sub="nobody"),
}
CASES = tokens(RECIPES, doors=("orders",))
