"""Mallory, a customer like any other, reads bob's order by its number.

She is properly logged in, and she has the number: numbers end up in screenshots, mails and logs.  All she does is ask.
"""

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    "perimeter": Expect(Verdict.FORBIDDEN, "the gateway looks whose order it is: inside, nobody could"),
    "basic": Expect(Verdict.FORBIDDEN, "orders checks mallory's own password, and the order is bob's"),
    "subsystem": Expect(Verdict.FORBIDDEN, "the gateway looks whose order it is: orders takes its word"),
    "mtls": Expect(Verdict.FORBIDDEN, "the gateway looks whose order it is: orders takes its word"),
    "oauth2": Expect(Verdict.FORBIDDEN, "orders checks mallory's own token, and the order is bob's"),
    "jwt": Expect(Verdict.FORBIDDEN, "orders checks mallory's own token, and the order is bob's"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "orders checks mallory's own token, and the order is bob's"),
}
REFERENCES = ("OWASP API1:2023", "OWASP ASVS 8.2.2", "CWE-639")
CATALOGUE = ("XC-01",)


def attempt(world: World) -> Answer:
    """Have bob order a book, and ask for it as mallory."""
    ordered = world.as_person("bob", "POST", "/api/orders", {"sku": "book", "quantity": 1})
    insist(ordered.verdict is Verdict.SERVED, "bob cannot order")
    return world.as_person("mallory", "GET", f"/api/orders/{ordered.json()['id']}")
