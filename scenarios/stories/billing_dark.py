"""Billing is gone, and alice orders a book all the same.

She is told that it cannot be done now.  The book that was set aside for her is not lost: when billing is back, she
asks again under the same key, and has it, paid for once.
"""

from secrets import token_hex

from scenarios.levers import dark, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    name: Expect(Verdict.UNAVAILABLE, "no charge, no order: it waits, and is carried on when it is asked for again")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §15.6.4", "OWASP ASVS 16.5.2")
CATALOGUE = ("FLT-01",)


def attempt(world: World) -> Answer:
    """Order in the dark, and again in the light."""
    alice, key = Shopper(world.shop, "alice"), token_hex(16)
    insist(alice.call("GET", "/api/me").ok, "alice cannot log in")
    with dark(world, "billing"):
        answer = answered(alice.order("book", key=key))
    insist("retry-after" in answer.headers, "alice is not told when to come again")
    insist(alice.order("book", key=key).status_code == 201, "the order does not find its end")
    return answer
