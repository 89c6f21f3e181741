"""Mallory has the CA's key, and makes herself whatever certificate she needs.

It says that she is gateway, and nothing about it is wrong.  It is the other side of all the rogue certificates: made
of the same parts, and good.
"""

from scenarios.rogue import GATEWAY, certificates, leaf
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.SERVED, "whoever holds the CA's key is whichever service they say, and so whichever person"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the certificate is good, but no token comes with it"),
}
REFERENCES = ("OWASP ASVS 11.1.1, 13.3.1", "RFC 5280 §6.1", "X509-SVID §2")
CATALOGUE = ()
CASES = certificates(
    {
        "gateway's": leaf(),
        "gateway's, without a DNS name": leaf(dns=()),
        "gateway's, with another common name": leaf(subject="mallory"),
        "gateway's, with more DNS names": leaf(uris=(GATEWAY,), dns=("orders", "inventory", "billing")),
    }
)
