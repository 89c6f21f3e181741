"""Mallory has the key of one service, and makes certificates for all the others with it.

If a leaf could sign, one breach would be all breaches.  She also tries a CA below our intermediate, which may have
none, and one beside it, which nobody has heard of; leaves it out; lets it expire; gives it bounds and goes beyond them,
and beyond our own intermediate's; and shows keys that are too weak to prove anything.
"""

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from scenarios.rogue import HOUR, Authority, Leaf, Recipe, Root, certificates, shown
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "only our intermediate signs leaves, with strong keys, for our hosts"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "only our intermediate signs leaves, with strong keys, for our hosts"),
}
REFERENCES = (
    "RFC 5280 §4.2.1.3, §4.2.1.9, §4.2.1.10, §6.1",
    "X509-SVID §4.1, §5.1",
    "NIST SP 800-57",
    "OWASP ASVS 11.2.3",
)
CATALOGUE = ("MTLS-11", "MTLS-12", "MTLS-13", "MTLS-14")


def by_a_service(*, along: bool) -> Recipe:
    """Signed with the key of orders."""
    return lambda authority: _shown(authority.service, along=along)


def below(*, along: bool = True, **wanted: Any) -> Recipe:
    """Signed by a CA that our intermediate has signed."""
    return lambda authority: _shown(authority.below(authority.ours, **wanted), along=along)


def beside(*, along: bool = True, **wanted: Any) -> Recipe:
    """Signed by a CA that our root has signed, as it did our intermediate."""
    return lambda authority: _shown(authority.below(authority.top, **wanted), along=along)


def two_below(authority: Authority) -> dict[str, str]:
    """Signed by a CA below a CA below our intermediate."""
    first = authority.below(authority.ours)
    return _shown(authority.below(first, subject="Below that"), along=True)


def by_our_intermediate(*, along: bool = True, **wanted: Any) -> Recipe:
    """Signed as the shop's own certificates are."""
    return lambda authority: _shown(authority.ours, along=along, **wanted)


def by_a_namesake(authority: Authority) -> dict[str, str]:
    """Signed by a CA of her own that has our intermediate's name, with our intermediate beside it for looks."""
    namesake, wish = authority.another(authority.ours.certificate.subject), Leaf(points_to=authority.ours.certificate)
    return shown(wish.signed_by(namesake), wish.key, *authority.ours.chain)


def _shown(root: Root, *, along: bool, **wanted: Any) -> dict[str, str]:
    wish = Leaf(**wanted)
    return shown(wish.signed_by(root), wish.key, *(root.chain if along else root.above))


def weak(make: Callable[[], Any]) -> Recipe:
    """A weak key in a certificate that our CA has signed."""

    def forge(authority: Authority) -> dict[str, str]:
        wish = Leaf(key=make())
        return shown(wish.signed_by(authority.ours), wish.key, *authority.ours.chain)

    return forge


def bounded(**bounds: Any) -> x509.NameConstraints:
    """What the names below may be."""
    return x509.NameConstraints(**{"permitted_subtrees": None, "excluded_subtrees": None, **bounds})


ELSEWHERE = bounded(permitted_subtrees=[x509.DNSName("elsewhere.test")])
NOT_HERE = bounded(excluded_subtrees=[x509.UniformResourceIdentifier("shop.test")])
CASES = certificates(
    {
        "by a service": by_a_service(along=False),
        "by a service, sent along": by_a_service(along=True),
        "by a CA below ours": below(),
        "by a CA below ours, not sent along": below(along=False),
        "by a CA below ours without room below": below(path_length=0),
        "by a CA below ours that may not sign": below(signs=False),
        "by a CA below ours that is none": below(ca=False),
        "by a CA below ours that does not say so": below(ca=None),
        "by a CA below ours that has expired": below(begins=-2 * HOUR, ends=-HOUR),
        "by a CA below ours with other bounds": below(constraints=ELSEWHERE),
        "by a CA below ours with bounds that exclude us": below(constraints=NOT_HERE),
        "by a CA two below ours": two_below,
        "by a CA beside ours": beside(),
        "by a CA beside ours, not sent along": beside(along=False),
        "by a CA beside ours that may not sign": beside(signs=False),
        "by a CA beside ours that is none": beside(ca=False),
        "by a CA beside ours that has expired": beside(begins=-2 * HOUR, ends=-HOUR),
        "by a CA beside ours with other bounds": beside(constraints=ELSEWHERE),
        "by a CA beside ours with bounds that exclude us": beside(constraints=NOT_HERE),
        "by one of the same name as ours": by_a_namesake,
        "by ours, not sent along": by_our_intermediate(along=False),
        "by ours, with another host beside": by_our_intermediate(dns=("gateway", "elsewhere.test")),
        "by ours, for any host": by_our_intermediate(dns=("*",)),
        "RSA with 1024 bits": weak(lambda: rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        "P-192": weak(lambda: ec.generate_private_key(ec.SECP192R1())),
    }
)
