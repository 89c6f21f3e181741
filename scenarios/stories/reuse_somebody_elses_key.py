"""Mallory orders under the Idempotency-Key that bob has just used.

Whoever sends a key again gets the answer that it had the first time, so that a lost answer does not mean a second
order.  Bob's key stood in a log.  Mallory sends the very same request under it, and is served: a book of her own.  A
key means something only together with its user, or it would be a key to other people's orders.
"""

from secrets import token_hex

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.SERVED, "her key is another than bob's, even if it reads the same: she buys a book of her own")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §9.2.2", "OWASP API1:2023", "CWE-639")
CATALOGUE = ("XC-05",)


def attempt(world: World) -> Answer:
    """Order what bob has ordered, under his key."""
    key, wanted = token_hex(16), {"sku": "book", "quantity": 1}
    bobs = world.as_person("bob", "POST", "/api/orders", wanted, Idempotency_Key=key)
    insist(bobs.verdict is Verdict.SERVED, "bob cannot order")
    hers = world.as_person("mallory", "POST", "/api/orders", wanted, Idempotency_Key=key)
    if hers.verdict is Verdict.SERVED:
        insist(hers.json()["id"] != bobs.json()["id"], "mallory is shown bob's order")
        insist(hers.json()["user"] == "mallory", "mallory orders in somebody else's name")
    return hers
