"""Somebody leaves the support team, and refunds one more order with the credential of yesterday.

They were allowed to give money back, and had logged in.  This morning they are a customer like any other; the order
that they refund is their own.  Who notices, and when?
"""

from compose.topology import CUSTOMER, SUPPORT
from scenarios.levers import insist
from scenarios.newcomer import newcomer
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.FORBIDDEN, "the gateway reads what they may do with each request"),
    "basic": Expect(Verdict.FORBIDDEN, "every service reads what they may do with each request"),
    "subsystem": Expect(Verdict.FORBIDDEN, "the gateway reads what they may do with each request"),
    "mtls": Expect(Verdict.FORBIDDEN, "the gateway reads what they may do with each request"),
    "oauth2": Expect(Verdict.FORBIDDEN, "the identity provider leaves out what they no longer have to give"),
    "jwt": Expect(Verdict.SERVED, "what they may do is written in the token, until it expires"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "the gateway believes the token, but it is exchanged for a smaller one"),
}
REFERENCES = ("RFC 9068 §2.2.3.1", "RFC 7662 §4", "OWASP ASVS 8.3.2", "CWE-613")
CATALOGUE = ("JWT-34",)


def attempt(world: World) -> Answer:
    """Order something, lose the role, and refund it."""
    with newcomer(world, SUPPORT) as guest:
        ordered = guest.shopper.order("book")
        insist(ordered.status_code == 201, "the newcomer cannot order")
        guest.changed("set_scopes", list(CUSTOMER))
        return guest.shows("POST", f"/api/orders/{ordered.json()['id']}/refund")
