"""Mallory writes more into her order than the form asks for: the price, the owner, that it is paid.

A careless service copies every member it is sent into the record.  She sends those that such a record might have.
"""

from collections.abc import Callable
from typing import Any

from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.INVALID, "a body holds exactly the members that are known, or it is refused")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP API3:2023", "OWASP ASVS 15.3.3", "CWE-915")
CATALOGUE = ("XC-03",)


def with_more(**more: Any) -> Callable[[World], Answer]:
    """An order for a book, and something else."""

    def attempt(world: World) -> Answer:
        return world.as_person("mallory", "POST", "/api/orders", {"sku": "book", "quantity": 1, **more})

    return attempt


CASES = {
    "price": with_more(price=0),
    "amount": with_more(amount=1),
    "user": with_more(user="bob"),
    "owner": with_more(owner="carol"),
    "status": with_more(status="confirmed"),
    "charge": with_more(charge="0" * 32),
    "id": with_more(id="0" * 32),
    "key": with_more(key="k"),
    "scopes": with_more(scopes=["orders:refund"]),
    "admin": with_more(admin=True),
    "prototype": with_more(__proto__={"admin": True}),
}
