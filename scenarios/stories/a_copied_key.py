"""Mallory has read the private key of orders from its disk, and uses it from a place of her own.

She took it with the certificate and nothing else: no password, no token, nobody's session.  With that pair she
connects to billing from elsewhere on the inner network, and charges alice.
"""

from secrets import token_hex

from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "the services have no keys, so there is none to copy"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "the key says who answers; nobody asks a caller for one"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the key says who answers; nobody asks a caller for one"),
    "mtls": Expect(Verdict.SERVED, "whoever has the key is orders, until its certificate is revoked or runs out"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "the key says who answers; nobody asks a caller for one"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "the key says who answers; nobody asks a caller for one"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the key opens the connection, and a token bound to it is missing"),
}
REFERENCES = ("NIST SP 800-204A", "RFC 8705 §3", "OWASP ASVS 13.3.1", "CWE-522")
CATALOGUE = ("MTLS-25",)


def attempt(world: World) -> Answer:
    """Charge alice, with the copied key."""
    copied = world.certificate_of("orders")
    if not copied:
        return UNISSUED
    word = {"X-User": "alice"} if world.pattern == "mtls" else {}
    body = {"order": token_hex(16), "amount": 1}
    return world.inside("billing", "POST", "/charges", word, body, **copied)
