"""Somebody changes their password, since a thief may know it; the thief goes on with what was got by the old one.

The account is a new one, so that nobody else is harmed.  Where the thief has the password itself, it has just ended.
Where the thief has a token that was issued for it, the token lives its own life.
"""

from secrets import token_urlsafe

from scenarios.newcomer import newcomer
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "every service checks each password anew"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "oauth2": Expect(Verdict.SERVED, "a token is not its person's password: it ends when it expires or is revoked"),
    "jwt": Expect(Verdict.SERVED, "a token is not its person's password: it ends when it expires"),
    "zerotrust": Expect(Verdict.SERVED, "a token is not its person's password: it ends when it expires or is revoked"),
}
REFERENCES = ("OWASP ASVS 7.4.3", "RFC 9700 §2.4", "CWE-613")
CATALOGUE = ("BAS-14",)


def attempt(world: World) -> Answer:
    """Look at the shelf with the credential from before."""
    with newcomer(world) as guest:
        guest.changed("set_password", token_urlsafe(16))
        return guest.shows("GET", "/api/items")
