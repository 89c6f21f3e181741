"""The identity provider is gone, and alice orders a book with the token that she has.

She logged in a moment ago, and the services have seen tokens before.  Then the identity provider is killed.  Who needs
it for each request, who needed it only once, and who never did?
"""

from scenarios.levers import dark, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the gateway reads the user store itself"),
    "basic": Expect(Verdict.SERVED, "every service reads the user store itself"),
    "subsystem": Expect(Verdict.SERVED, "the gateway reads the user store itself"),
    "mtls": Expect(Verdict.SERVED, "the gateway reads the user store itself"),
    "oauth2": Expect(Verdict.UNAVAILABLE, "nobody can say what a token means, so nobody is let in"),
    "jwt": Expect(Verdict.SERVED, "the keys are known, and good for another hour; only nobody can log in"),
    "zerotrust": Expect(
        Verdict.UNAVAILABLE, "the token is good at the gateway, and cannot be exchanged to get further"
    ),
}
REFERENCES = ("RFC 7662 §4", "RFC 7517 §5", "OWASP ASVS 16.5.3")
CATALOGUE = ("FLT-03",)


def attempt(world: World) -> Answer:
    """Order once to warm up, and once in the dark."""
    alice = Shopper(world.shop, "alice")
    insist(alice.order("book").status_code == 201, "alice cannot order to begin with")
    with dark(world, "idp"):
        return answered(alice.order("book"))
