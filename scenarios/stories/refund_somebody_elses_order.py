"""Mallory asks for a refund: of bob's order, and of her own.

Giving money back is for support.  She knows the address, since the shop's pages for support name it, and simply asks.
"""

from collections.abc import Callable

from compose.topology import TOKEN_PATTERNS
from scenarios.levers import insist
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    "perimeter": Expect(Verdict.FORBIDDEN, "the gateway has checked who she is, and customers may not refund"),
    "basic": Expect(Verdict.FORBIDDEN, "her own scopes do not hold it, at the gateway and at every service"),
    "subsystem": Expect(Verdict.FORBIDDEN, "the gateway has checked who she is, and customers may not refund"),
    "mtls": Expect(Verdict.FORBIDDEN, "the gateway has checked who she is, and customers may not refund"),
    "oauth2": Expect(Verdict.FORBIDDEN, "her token's scope does not hold it, whatever she asked for at log-in"),
    "jwt": Expect(Verdict.FORBIDDEN, "her token's scope does not hold it, whatever she asked for at log-in"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "her token's scope does not hold it, and no exchange widens it"),
}
REFERENCES = ("OWASP API5:2023", "OWASP ASVS 8.2.1", "RFC 6750 §3.1", "CWE-862")
CATALOGUE = ("XC-02", "BRR-09")


def refund_of(owner: str) -> Callable[[World], Answer]:
    """Mallory asks for the money of a new order of `owner`'s."""

    def attempt(world: World) -> Answer:
        ordered = world.as_person(owner, "POST", "/api/orders", {"sku": "book", "quantity": 1})
        insist(ordered.verdict is Verdict.SERVED, f"{owner} cannot order")
        answer = world.as_person("mallory", "POST", f"/api/orders/{ordered.json()['id']}/refund")
        if world.pattern in TOKEN_PATTERNS:
            challenge = answer.headers.get("www-authenticate", "")
            lacks = 'error="insufficient_scope", scope="orders:refund"'
            insist(lacks in challenge, f"she is not told what she lacks: {challenge}")
        return answer

    return attempt


CASES = {"bob's": refund_of("bob"), "her own": refund_of("mallory")}
