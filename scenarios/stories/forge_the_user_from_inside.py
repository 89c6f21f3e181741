"""Mallory has got onto the inner network, and says that she is carol.

She holds nothing, but she has read how the gateway tells orders who the user is: one line, `X-User: carol`.  So she
writes that line herself and asks each service for what only support may have, or only carol.
"""

import secrets

from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "inside with nothing"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the user is whoever anybody inside says"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "the header is not read; carol is who knows her password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the header counts only beside a caller's password"),
    "mtls": Expect(Verdict.REFUSED, "the header counts only from a caller with a certificate"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "the header is not read; carol is whom the identity provider names"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "the header is not read; carol is whom a signed token names"),
    "zerotrust": Expect(Verdict.REFUSED, "the header is not read, and without a certificate there is no connection"),
}
REFERENCES = ("NIST SP 800-204 MS-SS-4", "OWASP ASVS 8.3.1", "CWE-290", "CWE-441")
CATALOGUE = ("PER-02", "BAS-12")


def claim(service: str, path: str, body: dict[str, object] | None = None) -> Attempt:
    """One thing that carol may do, as a case of the family."""

    def attempt(world: World) -> Answer:
        headers = {"X-User": "carol", **({"Idempotency-Key": secrets.token_hex(16)} if path == "/orders" else {})}
        return world.inside(service, "GET" if body is None else "POST", path, headers, body and new(body))

    return attempt


def new(body: dict[str, object]) -> dict[str, object]:
    """The body, about an order that nobody has placed."""
    return {**body, "order": secrets.token_hex(16)} if "order" in body else body


CASES = {
    "read her orders": claim("orders", "/orders"),
    "order in her name": claim("orders", "/orders", {"sku": "book", "quantity": 1}),
    "set goods aside for her": claim("inventory", "/reservations", {"order": "", "sku": "book", "quantity": 1}),
    "charge her": claim("billing", "/charges", {"order": "", "amount": 1}),
    "read her charges": claim("billing", "/charges"),
}
