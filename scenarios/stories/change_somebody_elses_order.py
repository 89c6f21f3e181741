"""Mallory cancels bob's order, or turns it into one for a hundred books.

She tries the verbs that the shop might have for it, and those that hide behind another.  An order, once placed, is not
for changing: not by her, and not by bob.
"""

from collections.abc import Callable

from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.INVALID, "no such verb: what cannot be done needs no guard")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP API1:2023", "OWASP API5:2023", "RFC 9110 §15.5.6", "CWE-650")
CATALOGUE = ("XC-01",)


def change(method: str, **headers: str) -> Callable[[World], Answer]:
    """One way of changing an order."""

    def attempt(world: World) -> Answer:
        ordered = world.as_person("bob", "POST", "/api/orders", {"sku": "book", "quantity": 1})
        insist(ordered.verdict is Verdict.SERVED, "bob cannot order")
        path = f"/api/orders/{ordered.json()['id']}"
        answer = world.as_person("mallory", method, path, {"sku": "book", "quantity": 100}, **headers)
        after = world.as_person("bob", "GET", path)
        insist(after.json() == ordered.json(), "bob's order is not what it was")
        return answer

    return attempt


CASES = {
    "cancel": change("DELETE"),
    "replace": change("PUT"),
    "amend": change("PATCH"),
    "post over it": change("POST"),
    "cancel in disguise": change("POST", X_HTTP_Method_Override="DELETE"),
}
