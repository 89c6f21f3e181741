"""Alice buys a book, and looks her order up afterwards.

She asks for all her orders, and for that one.  Both tell her the same, and nobody else's orders are among hers.
"""

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the gateway has checked her password, and orders believes the gateway"),
    "basic": Expect(Verdict.SERVED, "orders checks her password again"),
    "subsystem": Expect(Verdict.SERVED, "orders believes the gateway, which showed its own password"),
    "mtls": Expect(Verdict.SERVED, "orders believes the gateway, which showed its certificate"),
    "oauth2": Expect(Verdict.SERVED, "the identity provider tells orders that the token is hers"),
    "jwt": Expect(Verdict.SERVED, "the token says itself that it is hers"),
    "zerotrust": Expect(Verdict.SERVED, "the gateway's token for orders says that it is hers"),
}
REFERENCES = ("RFC 9110 §9.3.1", "OWASP API1:2023")
CATALOGUE = ()


def attempt(world: World) -> Answer:
    """Order a book; it has to be in the list, which is all hers, and as it was told."""
    placed = world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1})
    if placed.verdict is not Verdict.SERVED:
        return placed
    listed = world.as_person("alice", "GET", "/api/orders")
    shown = world.as_person("alice", "GET", f"/api/orders/{placed.json()['id']}")
    if listed.verdict is Verdict.SERVED and shown.verdict is Verdict.SERVED:
        insist({order["user"] for order in listed.json()} == {"alice"}, "among her orders are somebody else's")
        insist(shown.json() == placed.json(), f"what she is shown is not what she was told: {shown.body}")
        insist(shown.json() in listed.json(), "her order is not among her orders")
    return min(listed, shown, key=lambda each: each.verdict is Verdict.SERVED)
