"""Mallory shows a certificate that was made for something else.

Our own CA has signed it, with gateway's name in it.  But it is for servers only, for signing code, or for mail.
"""

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from scenarios.rogue import SERVER, Authority, certificates, leaf, shown
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "a certificate for something else is no client's"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "a certificate for something else is no client's"),
}
REFERENCES = ("RFC 5280 §4.2.1.12", "X509-SVID §4.4")
CATALOGUE = ("MTLS-10",)


def our_intermediate_itself(authority: Authority) -> dict[str, str]:
    """The CA's own certificate and key: it may sign certificates, and no handshake."""
    return shown(authority.ours.certificate, authority.ours.key)


def our_root_itself(authority: Authority) -> dict[str, str]:
    """The same, one higher."""
    return shown(authority.top.certificate, authority.top.key)


CASES = certificates(
    {
        "for signing certificates, our root's own": our_root_itself,
        "for signing certificates, our intermediate's own": our_intermediate_itself,
        "for servers only": leaf(usages=(SERVER,)),
        "for signing code": leaf(usages=(ExtendedKeyUsageOID.CODE_SIGNING,)),
        "for mail": leaf(usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)),
        "for time stamps": leaf(usages=(ExtendedKeyUsageOID.TIME_STAMPING,)),
        "for OCSP answers": leaf(usages=(ExtendedKeyUsageOID.OCSP_SIGNING,)),
        "for any purpose": leaf(usages=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
        "for servers and code": leaf(usages=(SERVER, ExtendedKeyUsageOID.CODE_SIGNING)),
        "for something unknown": leaf(usages=(ObjectIdentifier("1.3.6.1.4.1.99999.1"),)),
    }
)
