"""Alice changes her mind, and carol gives her the money back.

Carol works for support, so she may see any order and refund it.  The order is alice's, the decision is carol's, and
billing returns what orders once took.  A lock that cannot tell support from a customer would have to refuse both.
"""

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the gateway knows carol's rights; behind it nobody asks"),
    "basic": Expect(Verdict.SERVED, "each service finds carol's rights in the user store"),
    "subsystem": Expect(Verdict.SERVED, "the gateway knows carol's rights; behind it the caller's grants decide"),
    "mtls": Expect(Verdict.SERVED, "the gateway knows carol's rights; behind it the caller's grants decide"),
    "oauth2": Expect(Verdict.SERVED, "the identity provider tells each service that her token may refund"),
    "jwt": Expect(Verdict.SERVED, "her token says to each service that it may refund"),
    "zerotrust": Expect(Verdict.SERVED, "each hop's token keeps her scopes, and each caller has its grant"),
}
REFERENCES = ("OWASP API5:2023", "OWASP ASVS 8.2.1", "RFC 6749 §3.3")
CATALOGUE = ()


def attempt(world: World) -> Answer:
    """Alice orders, carol refunds, and alice sees that it was refunded."""
    placed = world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1})
    if placed.verdict is not Verdict.SERVED:
        return placed
    order = f"/api/orders/{placed.json()['id']}"
    refunded = world.as_person("carol", "POST", f"{order}/refund")
    if refunded.verdict is Verdict.SERVED:
        seen = world.as_person("alice", "GET", order).json()
        insist((seen["user"], seen["status"]) == ("alice", "refunded"), f"carol was told it is done; alice sees {seen}")
    return refunded
