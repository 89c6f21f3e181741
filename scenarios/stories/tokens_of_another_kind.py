"""Mallory shows a genuine token that was made for something else.

The same issuer signs ID tokens, log-out tokens and more with the same keys, and hands out refresh tokens too.  Each is
genuine, and none of them is an access token.
"""

from typing import Any

from compose.topology import TOKEN_PATTERNS
from scenarios.forge import Mint, Recipe, heading, tokens
from scenarios.shopper import Shopper
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "what the provider calls active has to be an access token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a token has to say that it is an access token (typ)"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a token has to say that it is an access token (typ)"),
}
REFERENCES = ("RFC 8725 §2.8, §3.11", "RFC 9068 §4", "RFC 7662 §2.2", "OpenID Connect Core §2", "OWASP ASVS 9.2.2")
CATALOGUE = ("JWT-16", "OAS-20")

TYPES: dict[str, Any] = {name: name for name in ("JWT", "jwt", "", "at", "at+jwt ", "at+jwts", "xat+jwt", "at-jwt")}
TYPES |= {name: name for name in ("application/jwt", "text/at+jwt", "at+jwt;v=1", "at%2Bjwt", "rt+jwt", "id_token")}
TYPES |= {
    name: name for name in ("logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "JOSE", "kb+jwt")
}
TYPES |= {name: name for name in ("client-authentication+jwt", "oauth-authz-req+jwt", "at+jwt\0", "\u0430t+jwt")}
TYPES |= {"missing": ..., "null": None, "a list": ["at+jwt"], "an object": {"at+jwt": 1}, "true": True, "a number": 1}
LOGGED_OUT: dict[str, Any] = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s"}


def issued(kind: str) -> Recipe:
    """What mallory really got when she logged in; where nobody issues it, one that the issuer's key signs."""

    def take(mint: Mint) -> str:
        if mint.world.pattern not in TOKEN_PATTERNS:
            return mint.token({"typ": "JWT"}, nonce="n")
        found: str = Shopper(mint.world.shop, "mallory").tokens("openid orders:read offline_access")[kind]
        return found

    return take


RECIPES: dict[str, Recipe] = {f"typ {name!r}": heading(typ=typ) for name, typ in TYPES.items()}
RECIPES |= {
    "mallory's ID token": issued("id_token"),
    "mallory's refresh token": issued("refresh_token"),
    "an ID token meant for the service": lambda mint: mint.token({"typ": "JWT"}, nonce="n", azp=mint.door, at_hash="x"),
    "a log-out token": lambda mint: mint.token({"typ": "logout+jwt"}, **LOGGED_OUT),
    "a client's assertion": lambda mint: mint.token({"typ": "JWT"}, iss="gateway", sub="gateway"),
}
CASES = tokens(RECIPES)
