"""Mallory has got onto the inner network, and knocks at each service.

She holds nothing: no password, no token, no certificate.  She asks orders, inventory and billing for what they have,
simply to see who answers.  This is the article's first claim: behind a perimeter, services are unsecured.
"""

from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "inside with nothing"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nothing is asked: whoever is inside is believed"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "each service wants a user's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "each service wants a caller's password"),
    "mtls": Expect(Verdict.REFUSED, "without a certificate there is no connection"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "each service wants a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "each service wants a token"),
    "zerotrust": Expect(Verdict.REFUSED, "without a certificate there is no connection"),
}
REFERENCES = ("NIST SP 800-204 MS-SS-4", "OWASP ASVS 8.3.1", "RFC 6750 §3.1", "RFC 8446 §4.4.2.4")
CATALOGUE = ("PER-03", "BRR-01", "BAS-01", "MTLS-01")
KNOCKS = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}


def knock(service: str) -> object:
    """One knock, as a case of the family."""

    def attempt(world: World) -> Answer:
        return world.inside(
            service, "GET", KNOCKS[service], {"X-User": "alice"} if world.pattern == "perimeter" else {}
        )

    return attempt


CASES = {service: knock(service) for service in KNOCKS}
