"""Mallory guesses alice's password, a dozen times in a row.

She has a list of the usual ones and tries them as fast as she can: at the API where people show their password to the
shop, at the identity provider's log-in page where they show it only there.  Slow hashes make each guess dear; counting
makes the dozenth one no guess at all.  And alice, who comes from elsewhere, is not locked out of her own account.
"""

from scenarios.guessing import guess
from scenarios.levers import insist
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
GATEWAY = Expect(
    Verdict.INVALID, "429: after ten failures the gateway no longer looks at what she guesses, for a minute"
)
IDP = Expect(
    Verdict.INVALID, "429: the identity provider, the only one who asks for it, no longer looks at what she guesses"
)
EXPECTED = {
    "perimeter": GATEWAY,
    "basic": GATEWAY,
    "subsystem": GATEWAY,
    "mtls": GATEWAY,
    "oauth2": IDP,
    "jwt": IDP,
    "zerotrust": IDP,
}
REFERENCES = ("OWASP ASVS 6.3.1", "NIST SP 800-63B §5.2.2", "RFC 6585 §4", "CWE-307", "CWE-645")
CATALOGUE = ("BAS-08", "OAS-30")
USUAL = [f"password{number}" for number in range(12)]
MOST = 10
"""What the gateway forgives one name, and what both workers of the identity provider do together (2 × 5)."""


def attempt(world: World) -> Answer:
    """Guess, from a place of her own; the first guess that is not looked at counts, and alice must still get in."""
    told = guess(world, [("alice", password) for password in USUAL])
    slowed = [answer for answer in told if answer.status == 429]
    if len(told) - len(slowed) > MOST:
        return next(answer for answer in told if answer.status != 429)
    wait = int(slowed[0].headers.get("retry-after", 0))
    insist(0 < wait <= 60, f"429 without a Retry-After of a minute at most: {wait}")
    alice = Shopper(world.shop, "alice").call("GET", "/api/me")
    insist(alice.ok, f"alice is locked out by what somebody else has guessed: {alice.status_code}")
    return slowed[0]
