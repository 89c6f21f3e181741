"""Mallory has broken into billing, and uses what orders shows her there at inventory.

Orders calls billing for alice.  What it presents was meant for billing; inventory is none of billing's business.
Mallory shows it to inventory all the same, from billing's place and with billing's certificate, and sets goods aside
as alice.
"""

from secrets import token_hex

from scenarios.levers import insist
from scenarios.stand_in import Overheard
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside, nothing is asked"),
    "basic": Expect(Verdict.SERVED, "a password says who alice is, and not whom she told it to"),
    "subsystem": Expect(
        Verdict.SERVED, "orders has one password for everybody it calls, so each of them can be orders"
    ),
    "mtls": Expect(Verdict.FORBIDDEN, "what it can show is its own certificate, and billing may not reserve"),
    "oauth2": Expect(Verdict.SERVED, "one token serves every hop: inventory is in its audience as well"),
    "jwt": Expect(Verdict.SERVED, "one token serves every hop: inventory is in its audience as well"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the token is for billing alone, and bound to orders' certificate"),
}
REFERENCES = ("RFC 9700 §2.3", "RFC 9700 §4.9.2", "RFC 8693 §1.1", "RFC 9068 §5", "OWASP ASVS 10.3.1")
CATALOGUE = ("BRR-10", "BAS-11")


def attempt(world: World) -> Answer:
    """Set a book aside in alice's name, and put it back."""
    shown, order = Overheard.by_billing(world), token_hex(16)
    wanted = {"order": order, "sku": "book", "quantity": 1}
    answer = world.breached("billing", "inventory", "POST", "/reservations", shown, wanted)
    if answer.verdict is Verdict.SERVED:
        back = world.breached("billing", "inventory", "DELETE", f"/reservations/{order}", shown)
        insist(back.verdict is Verdict.SERVED, "the goods do not go back on the shelf")
    return answer
