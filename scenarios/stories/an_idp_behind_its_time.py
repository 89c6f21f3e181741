"""The identity provider's clock is six minutes slow, and alice logs in and orders a book.

What it issues has expired before it is handed out, by the clock of everybody else.  To the provider itself it is as
good as new.  Whose clock counts?
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
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "the provider says active, and until when: by our clock that is over"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "by our own clock it has expired, and by more than is forgiven"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "by our own clock it has expired, and by more than is forgiven"),
}
REFERENCES = ("RFC 7519 §4.1.4", "RFC 7662 §2.2", "RFC 9068 §4", "OWASP ASVS 9.2.1, 16.2.2")
CATALOGUE = ("FLT-07",)
SECONDS = 360


def attempt(world: World) -> Answer:
    """Log in by a slow clock, and order."""
    with shifted(world, -SECONDS):
        return answered(Shopper(world.shop, "alice").order("book"))
