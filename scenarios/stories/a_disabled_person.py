"""Somebody is shown the door, and comes in again with what they still have in their hands.

The administrator disables the account.  The person had been logged in, and shows the same credential a moment later.
"""

from scenarios.newcomer import newcomer
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "the gateway looks into the user store with each request"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "every service looks into the user store with each request"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the gateway looks into the user store with each request"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "the gateway looks into the user store with each request"),
    "oauth2": Expect(
        Verdict.UNAUTHENTICATED, "the identity provider is asked each time, and says that nobody is there"
    ),
    "jwt": Expect(Verdict.SERVED, "nobody asks anybody: the token works until it expires, five minutes at most"),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "the gateway sees no harm in it, but the identity provider exchanges it for nothing"
    ),
}
REFERENCES = ("OWASP ASVS 7.4.2", "RFC 7662 §2.2", "RFC 9068 §4", "CWE-613")
CATALOGUE = ("JWT-33",)


def attempt(world: World) -> Answer:
    """Look at the shelf as somebody who is no longer welcome."""
    with newcomer(world) as guest:
        guest.changed("disable")
        return guest.shows("GET", "/api/items")
