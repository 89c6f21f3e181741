"""Mallory shows certificates that OpenSSL accepts from a client, and that are not a service's all the same.

They do not say what they are for, or whether they are a CA's, or they are a CA's.  The handshake succeeds: whoever
relies on it alone serves her.
"""

from scenarios.rogue import certificates, leaf
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.FORBIDDEN, "what TLS lets pass, the service reads again: for clients, and no CA"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "what TLS lets pass, the service reads again: for clients, and no CA"),
}
REFERENCES = ("X509-SVID §4.1, §4.4, §5.2", "RFC 5280 §4.2.1.9, §4.2.1.12")
CATALOGUE = ("MTLS-10", "MTLS-12")

CASES = certificates(
    {
        "for no stated purpose": leaf(usages=None),
        "without basic constraints": leaf(ca=None),
        "a CA below ours, as a client": leaf(ca=True, signs=True),
        "a CA below ours, for no stated purpose": leaf(ca=True, signs=True, usages=None),
    }
)
