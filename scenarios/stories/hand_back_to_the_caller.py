"""Mallory has broken into billing, and turns what orders shows her against orders itself.

Orders calls billing for alice.  Mallory, from billing's place, goes back to orders with what she was shown, and reads
what alice has ordered.  She is where requests end; nobody expects any to come from there.
"""

from scenarios.stand_in import Overheard
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside, nothing is asked"),
    "basic": Expect(Verdict.SERVED, "a password says who alice is, and not whom she told it to"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "orders knows the gateway's password, and not its own"),
    "mtls": Expect(Verdict.FORBIDDEN, "what it can show is its own certificate, and billing may not read orders"),
    "oauth2": Expect(Verdict.SERVED, "one token serves every hop, in either direction"),
    "jwt": Expect(Verdict.SERVED, "one token serves every hop, in either direction"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the token is for billing alone, and bound to orders' certificate"),
}
REFERENCES = ("RFC 9700 §2.3", "RFC 9700 §4.9.2", "RFC 8693 §1.1", "CWE-863")
CATALOGUE = ("BRR-10", "BAS-11")


def attempt(world: World) -> Answer:
    """Read alice's orders from billing's place."""
    return world.breached("billing", "orders", "GET", "/orders", Overheard.by_billing(world))
