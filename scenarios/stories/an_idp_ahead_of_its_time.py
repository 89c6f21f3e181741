"""The identity provider's clock is two minutes fast, and alice logs in and orders a book.

What it issues will be issued in two minutes, by the clock of everybody else, and lives longer than anybody agreed to.
Who reads the date sees that something is wrong; who asks the provider is told what its clock says.
"""

from scenarios.levers import shifted
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.stories.clocks_a_little_apart import NO_CLOCK
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, NO_CLOCK),
    "basic": Expect(Verdict.SERVED, NO_CLOCK),
    "subsystem": Expect(Verdict.SERVED, NO_CLOCK),
    "mtls": Expect(Verdict.SERVED, NO_CLOCK + ", and the certificates are the CA's"),
    "oauth2": Expect(Verdict.SERVED, "whether it is active, the provider decides each time, by its own clock alone"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "what is issued in the future is not believed, beyond ten seconds"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "what is issued in the future is not believed, beyond ten seconds"),
}
REFERENCES = ("RFC 7519 §4.1.6", "RFC 7662 §2.2", "RFC 9068 §4", "OWASP ASVS 9.2.1, 16.2.2")
CATALOGUE = ("FLT-07",)
SECONDS = 120
"""Less than what is left of any token in somebody's hands: else the provider would forget it before its time."""


def attempt(world: World) -> Answer:
    """Log in by a fast clock, and order."""
    with shifted(world, SECONDS):
        return answered(Shopper(world.shop, "alice").order("book"))
