"""Mallory writes into a header that somebody has seen gateway's certificate.

Behind a proxy that ends TLS, a service learns of the client's certificate from a header, and whoever can reach the
service can write headers.  She writes all of them, with no certificate and with one that she signed herself.
"""

from scenarios.families import Recipe, Request, family
from scenarios.rogue import Authority, Leaf, broken_into, refused_by_the_other_end, shown
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "a header is no handshake"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "a header is no handshake"),
}
REFERENCES = ("RFC 9440 §4", "RFC 9700 §4.13", "OWASP ASVS 4.1.3", "CWE-290")
CATALOGUE = ("MTLS-19",)

HEADERS = {
    "X-Forwarded-Client-Cert": 'By=spiffe://shop.test/orders;Hash=00;Subject="CN=gateway";URI=spiffe://shop.test/gateway',
    "Client-Cert": ":MIIB:",
    "Client-Cert-Chain": ":MIIB:",
    "X-Client-Cert": "spiffe://shop.test/gateway",
    "X-SSL-Cert": "-----BEGIN CERTIFICATE-----",
    "X-SSL-Client-Cert": "-----BEGIN CERTIFICATE-----",
    "X-SSL-Client-S-DN": "CN=gateway",
    "X-SSL-Client-CN": "gateway",
    "X-SSL-Client-Verify": "SUCCESS",
    "X-Client-Verify": "SUCCESS",
    "SSL-Client-Cert": "spiffe://shop.test/gateway",
    "X-ARR-ClientCert": "MIIB",
    "X-Amzn-Mtls-Clientcert-Subject": "CN=gateway",
    "X-Goog-Client-Cert-Spiffe": "spiffe://shop.test/gateway",
    "X-SPIFFE-ID": "spiffe://shop.test/gateway",
    "X-Peer-Certificate": "spiffe://shop.test/gateway",
}


def request(header: str, *, stranger: bool) -> Recipe[Authority]:
    """A knock at orders with this header, and, when `stranger`, with a certificate of Mallory's own."""

    def write(authority: Authority) -> list[Request]:
        wish = Leaf()
        own = shown(wish.signed_by(authority.another()), wish.key) if stranger else {}
        return [Request("orders", [("X-User", "carol"), (header, HEADERS[header])], more=own)]

    return write


RECIPES = {
    f"{header}{', beside a certificate of her own' * stranger}": request(header, stranger=stranger)
    for header in HEADERS
    for stranger in (False, True)
}
CASES = family(RECIPES, broken_into, refused_by_the_other_end)
