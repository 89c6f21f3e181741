"""Alice buys a book.

She logs in the way the pattern asks, and orders through the gateway.  The goods are set aside, the money is taken, and
she is told so.  Whatever the lock, it has to open for the one who holds the key.
"""

from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the gateway has checked her password, and inside nobody asks"),
    "basic": Expect(Verdict.SERVED, "her own password opens every service"),
    "subsystem": Expect(Verdict.SERVED, "each service believes the one before it"),
    "mtls": Expect(Verdict.SERVED, "each certificate is genuine, and its bearer is believed about her"),
    "oauth2": Expect(Verdict.SERVED, "the identity provider vouches for her token on every hop"),
    "jwt": Expect(Verdict.SERVED, "her token's signature and audience are right on every hop"),
    "zerotrust": Expect(Verdict.SERVED, "each hop's token is exchanged, bound, and right"),
}
REFERENCES = ("RFC 9110 §9.3.3", "RFC 9457")
CATALOGUE = ()


def attempt(world: World) -> Answer:
    """Order one book."""
    return world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1})
