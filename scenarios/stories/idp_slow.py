"""The identity provider takes connections and says nothing, and alice orders a book with the token that she has.

This is worse than an identity provider that is gone: everybody waits for it.  Nobody waits for long, since each
question has a time limit, and what cannot be known in time is no.
"""

from secrets import token_hex

from compose.topology import INSIDE
from scenarios.levers import frozen, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "basic": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "subsystem": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "mtls": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "oauth2": Expect(Verdict.UNAVAILABLE, "the question has a time limit of five seconds, and no answer means no"),
    "jwt": Expect(Verdict.SERVED, "the keys are known, and good for another hour"),
    "zerotrust": Expect(Verdict.UNAVAILABLE, "the exchange has a time limit of five seconds, and no answer means no"),
}
REFERENCES = ("RFC 7662 §4", "RFC 9110 §15.6.4", "OWASP ASVS 13.1.3", "OWASP ASVS 16.5.3")
CATALOGUE = ("FLT-02",)


def attempt(world: World) -> Answer:
    """Order once to warm up, and once while nothing is heard; again if that was just when keys fell due."""
    alice, key = Shopper(world.shop, "alice"), token_hex(16)
    insist(alice.order("book").status_code == 201, "alice cannot order to begin with")
    with frozen(world, "idp"):
        answer = answered(alice.order("book", key=key))
        for _ in ("gateway", *INSIDE):  # one that asks for keys then, waits, and does not ask again soon
            if world.pattern == "jwt" and answer.verdict is Verdict.UNAVAILABLE:
                answer = answered(alice.order("book", key=key))
    return answer
