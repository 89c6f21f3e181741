"""Somebody's credential has leaked, so it is taken back; whoever has it uses it once more.

Where there is a token, the client that it was issued to takes it back at the identity provider.  Where there is a
password, the only way of taking it back is to change it.  Then the old one is shown again, at the front door, at once.
"""

from secrets import token_urlsafe

from compose.topology import TOKEN_PATTERNS
from scenarios.newcomer import newcomer
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew: the next check fails"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "every service checks each password anew: the next check fails"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew: the next check fails"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew: the next check fails"),
    "oauth2": Expect(
        Verdict.UNAUTHENTICATED, "every service asks the identity provider each time, and keeps no answer"
    ),
    "jwt": Expect(Verdict.SERVED, "nobody asks anybody: the token works until it expires, five minutes at most"),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "the gateway sees no harm in it, but the identity provider exchanges it for nothing"
    ),
}
REFERENCES = ("RFC 7009 §2.1", "RFC 7009 §3", "RFC 7662 §4", "RFC 9068 §4", "OWASP ASVS 7.4.1", "CWE-613")
CATALOGUE = ("JWT-33", "OAS-34")


def attempt(world: World) -> Answer:
    """Look at the shelf with a credential that was taken back."""
    with newcomer(world) as guest:
        if world.pattern in TOKEN_PATTERNS:
            guest.token_taken_back()
        else:
            guest.changed("set_password", token_urlsafe(16))
        return guest.shows("GET", "/api/items")
