"""Mallory comes to the services without a certificate, and with everything else that she can think of.

She knocks at each of them, says that she is gateway, says that she is carol, and shows what a proxy would write into a
header about a certificate that it has seen.
"""

from contextlib import nullcontext

from scenarios.families import Recipe, Request, family
from scenarios.rogue import refused_by_the_other_end
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "the handshake asks for a certificate, and there is none"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "the handshake asks for a certificate, and there is none"),
}
REFERENCES = ("RFC 8446 §4.4.2.4", "OWASP ASVS 12.3.5", "NIST SP 800-204A")
CATALOGUE = ("MTLS-01",)

KNOCKS = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}
SHOWN: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "gateway's name": [("X-Service", "gateway"), ("X-Caller", "gateway")],
    "gateway's SPIFFE ID": [("X-SPIFFE-ID", "spiffe://shop.test/gateway")],
    "a proxy's word": [("X-SSL-Client-Verify", "SUCCESS"), ("X-SSL-Client-S-DN", "CN=gateway")],
}


def request(service: str, headers: list[tuple[str, str]]) -> Recipe[None]:
    """A knock at a service, on carol's behalf."""
    return lambda _: [Request(service, [("X-User", "carol"), *headers], KNOCKS[service])]


RECIPES = {
    f"{service}, with {name}": request(service, headers) for service in KNOCKS for name, headers in SHOWN.items()
}
CASES = family(RECIPES, lambda world: nullcontext(), refused_by_the_other_end)
