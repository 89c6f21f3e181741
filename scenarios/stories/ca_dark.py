"""The CA is gone, and alice orders a book.

It signs, and it keeps the lists of what it has taken back fresh.  It is asked nothing while people shop: what it has
signed speaks for itself until it runs out, a leaf after a day and a list after an hour.
"""

from scenarios.levers import dark
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
NOBODY_ASKS = "nobody asks the CA while people shop; certificates and lists speak for themselves until they run out"
EXPECTED = {
    name: Expect(Verdict.SERVED, NOBODY_ASKS)
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 5280 §5.1.2.5", "RFC 5280 §6.3")
CATALOGUE = ()


def attempt(world: World) -> Answer:
    """Log in and order, without a CA."""
    with dark(world, "ca"):
        return answered(Shopper(world.shop, "alice").order("book"))
