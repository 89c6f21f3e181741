"""Billing takes connections and says nothing, and alice orders a book.

Orders does not wait for ever, and the gateway does not wait for orders for ever.  Alice is told within seconds that it
took too long, and may ask again: under the same key she gets one book, and pays once.
"""

from secrets import token_hex

from scenarios.levers import frozen, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    name: Expect(Verdict.UNAVAILABLE, "each call has a time limit, and what is not known in time is not done")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §15.6.5", "OWASP ASVS 13.1.3", "OWASP ASVS 13.2.6")
CATALOGUE = ("FLT-02",)


def attempt(world: World) -> Answer:
    """Order while nothing is heard of billing, and again when it speaks."""
    alice, key = Shopper(world.shop, "alice"), token_hex(16)
    insist(alice.call("GET", "/api/me").ok, "alice cannot log in")
    with frozen(world, "billing"):
        answer = answered(alice.order("book", key=key))
    insist(alice.order("book", key=key).status_code == 201, "the order does not find its end")
    return answer
