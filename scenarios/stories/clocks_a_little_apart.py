"""The identity provider's clock is five seconds fast, or five seconds slow, and alice shops as always.

No two clocks agree.  A token that was issued five seconds from now, by the clock of whoever reads it, is no forgery; so
a few seconds are forgiven, the same in either direction, and written down as one number.
"""

from scenarios.levers import shifted
from scenarios.registry import Attempt
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
NO_CLOCK = "a password has no date: nobody looks at the identity provider's clock"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, NO_CLOCK),
    "basic": Expect(Verdict.SERVED, NO_CLOCK),
    "subsystem": Expect(Verdict.SERVED, NO_CLOCK),
    "mtls": Expect(Verdict.SERVED, NO_CLOCK + ", and the certificates are the CA's"),
    "oauth2": Expect(Verdict.SERVED, "the provider says itself that the token is active; its end is far enough away"),
    "jwt": Expect(Verdict.SERVED, "ten seconds of difference between two clocks are forgiven"),
    "zerotrust": Expect(Verdict.SERVED, "ten seconds of difference between two clocks are forgiven, on every hop"),
}
REFERENCES = ("RFC 7519 §4.1.4", "RFC 9068 §4", "OWASP ASVS 16.2.2")
CATALOGUE = ("FLT-07",)


def apart(seconds: float) -> Attempt:
    """A log-in and an order while the clocks are so far apart."""

    def attempt(world: World) -> Answer:
        with shifted(world, seconds):
            return answered(Shopper(world.shop, "alice").order("book"))

    return attempt


CASES = {"five seconds fast": apart(5), "five seconds slow": apart(-5)}
