"""Alice's program has a bug: it sends another order under a key that it has used, or under none at all.

The shop could sell her the first thing again, or the second one twice.  It does neither, and says what is wrong.
"""

from secrets import token_hex

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
EXPECTED = {
    name: Expect(Verdict.INVALID, "a key means one order, and an order needs a key")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §9.2.2", "RFC 9110 §15.5.21")
CATALOGUE = ("XC-05",)


def another_quantity(world: World) -> Answer:
    """One book, and then two under the same key."""
    key = token_hex(16)
    first = world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1}, Idempotency_Key=key)
    insist(first.verdict is Verdict.SERVED, "alice cannot order")
    return world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 2}, Idempotency_Key=key)


def without_a_key(world: World) -> Answer:
    """One book, and no key."""
    return world.outside("POST", "/api/orders", world.credential_of("alice"), {"sku": "book", "quantity": 1})


def a_key_too_long(world: World) -> Answer:
    """A key of 129 characters."""
    return world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1}, Idempotency_Key="k" * 129)


CASES = {"another quantity": another_quantity, "without a key": without_a_key, "a key too long": a_key_too_long}
