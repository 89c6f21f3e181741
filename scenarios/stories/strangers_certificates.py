"""Mallory shows a certificate that says that she is gateway, and that our CA has not signed.

It looks right: the name, the SPIFFE ID, the dates, even the name of the CA.  She signed it herself, or with a CA of her
own that she calls by our CA's name, and she sends that CA along so that nobody has to look for it.
"""

from dataclasses import replace

from cryptography import x509
from cryptography.x509.oid import NameOID

from scenarios.rogue import Authority, Leaf, Recipe, certificates, shown
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "no chain leads from it to our root"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "no chain leads from it to our root"),
}
REFERENCES = ("RFC 5280 §6.1", "OWASP ASVS 12.1.3", "X509-SVID §5.1")
CATALOGUE = ("MTLS-03", "MTLS-04")


def self_signed(authority: Authority) -> dict[str, str]:
    """Signed by itself."""
    itself = authority.another(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")]))
    wish = Leaf(key=itself.key)
    return shown(wish.signed_by(itself), itself.key)


def anothers(*, name: str = "", along: bool = False, points_to_ours: bool = False) -> Recipe:
    """Signed by a CA of her own; without a `name` it has the name of ours."""

    def forge(authority: Authority) -> dict[str, str]:
        called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if name else None
        root, wish = authority.another(called), Leaf()
        wish = replace(wish, points_to=authority.top.certificate) if points_to_ours else wish
        return shown(wish.signed_by(root), wish.key, *([root.certificate] if along else []))

    return forge


def our_root_sent_along(authority: Authority) -> dict[str, str]:
    """Signed by her own CA, with our root beside it for looks."""
    wish = Leaf()
    return shown(wish.signed_by(authority.another()), wish.key, authority.top.certificate)


def the_root_itself(authority: Authority) -> dict[str, str]:
    """A CA of the same name and number, shown as a client."""
    root = authority.another()
    return shown(root.certificate, root.key)


CASES = certificates(
    {
        "self-signed": self_signed,
        "another CA's": anothers(name="Mallory and Sons"),
        "another CA's, sent along": anothers(name="Mallory and Sons", along=True),
        "a CA's of the same name": anothers(),
        "a CA's of the same name, sent along": anothers(along=True),
        "a CA's of the same name, pointing to our key": anothers(points_to_ours=True),
        "a CA's of the same name, pointing to our key, sent along": anothers(points_to_ours=True, along=True),
        "a CA's of the same name, our root sent along": our_root_sent_along,
        "a CA of the same name and number itself": the_root_itself,
    }
)
