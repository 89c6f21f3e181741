"""Mallory has copied the key of orders; the theft is noticed, the certificate revoked; she connects once more.

She uses the pair from a place of her own on the inner network.  The CA takes the certificate back and publishes the
list to everybody.  Under zero trust she even brings a token that really was issued for orders to show to billing.
"""

from secrets import token_hex

from scenarios.levers import passed_along, revoked
from scenarios.shopper import Shopper
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "the services have no certificates, so there is nothing to take back"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks a caller for a certificate, revoked or not"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks a caller for a certificate, revoked or not"),
    "mtls": Expect(Verdict.REFUSED, "each new connection is held against the newest list"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks a caller for a certificate, revoked or not"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks a caller for a certificate, revoked or not"),
    "zerotrust": Expect(
        Verdict.REFUSED, "each new connection is held against the newest list, whatever token it brings"
    ),
}
REFERENCES = ("RFC 5280 §5", "RFC 5280 §6.3", "OWASP ASVS 12.1.4", "CWE-299")
CATALOGUE = ("MTLS-07", "MTLS-25")


def attempt(world: World) -> Answer:
    """Charge alice with the copied pair, a moment after it was revoked."""
    copied = world.certificate_of("orders")
    if not copied:
        return UNISSUED
    shown = what_she_brings(world)
    with revoked(world, "orders"):
        return world.inside("billing", "POST", "/charges", shown, {"order": token_hex(16), "amount": 1}, **copied)


def what_she_brings(world: World) -> dict[str, str]:
    """The headers that billing wants to see from the holder of this certificate."""
    if world.pattern == "zerotrust":
        token = passed_along(world, Shopper(world.shop, "alice").token(), "gateway", "orders", "billing")
        return {"Authorization": f"Bearer {token}"}
    return {"X-User": "alice"} if world.pattern == "mtls" else {}
