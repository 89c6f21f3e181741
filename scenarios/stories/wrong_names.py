"""Mallory shows certificates that our own CA has signed, with names that resemble gateway's.

They have a letter too many, two names instead of one, the name in the wrong place, or a name that a careless comparison
takes for ours.  The handshake lets them in, since their chain is good: then somebody has to read.
"""

from scenarios.rogue import GATEWAY, Recipe, certificates, leaf
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.FORBIDDEN, "one URI, a SPIFFE ID of ours to the last character, or it names nobody"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "one URI, a SPIFFE ID of ours to the last character, or it names nobody"),
}
REFERENCES = ("SPIFFE-ID §2", "X509-SVID §2, §5.2", "RFC 9525 §6.3", "OWASP ASVS 8.2.1")
CATALOGUE = ("MTLS-09", "MTLS-15", "MTLS-16")

LOOK_ALIKES = (
    *("spiffe://shop.test.evil/gateway", "spiffe://evil.shop.test/gateway", "spiffe://shop-test/gateway"),
    *("spiffe://shopxtest/gateway", "spiffe://SHOP.TEST/gateway", "SPIFFE://shop.test/gateway"),
    *("spiffe://shop.test/Gateway", "spiffe://shop.test/gateway/", "spiffe://shop.test//gateway"),
    *("spiffe://shop.test/./gateway", "spiffe://shop.test/x/../gateway", "spiffe://shop.test/gateway/sub"),
    *("spiffe://shop.test/%67ateway", "spiffe://shop.test/gateway\0", "spiffe://shop.test/gateway\n"),
    *("spiffe://shop.test/gateway?a=b", "spiffe://shop.test/gateway#a", "spiffe://shop.test:443/gateway"),
    *("spiffe://user@shop.test/gateway", "spiffe://shop.test/", "spiffe://shop.test", "spiffe:/shop.test/gateway"),
    *("https://shop.test/gateway", "xspiffe://shop.test/gateway", "spiffe://shop.test/" + "g" * 64),
    *("spiffe://shop.test/gateway ", "spiffe://shop.test/1gateway", "spiffe:///gateway", "gateway", "*", ""),
)
OTHER = "spiffe://shop.test/billing"
RECIPES: dict[str, Recipe] = {f"URI {uri!r:.60}": leaf(uris=(uri,)) for uri in LOOK_ALIKES}
RECIPES |= {
    "two URIs, ours first": leaf(uris=(GATEWAY, OTHER)),
    "two URIs, ours last": leaf(uris=(OTHER, GATEWAY)),
    "ours twice": leaf(uris=(GATEWAY, GATEWAY)),
    "ours and a web address": leaf(uris=(GATEWAY, "https://shop.test/")),
    "DNS name alone": leaf(uris=()),
    "DNS name like our URI": leaf(uris=(), dns=("shop.test.localhost", "gateway")),
    "wildcard DNS name": leaf(uris=(), dns=("*.localhost",)),
    "e-mail address": leaf(uris=(), dns=(), emails=("gateway@shop.test",)),
    "common name alone": leaf(uris=(), dns=()),
    "common name like our URI": leaf(uris=(), dns=(), subject=GATEWAY),
    "no subject, DNS name alone": leaf(uris=(), subject=""),
}
CASES = certificates(RECIPES)
