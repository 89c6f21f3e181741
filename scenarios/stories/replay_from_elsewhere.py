"""Mallory copies what orders presented to billing, and presents it again from somewhere else.

Alice orders a book.  Mallory stands in billing's place with billing's own key, and writes down every header that
orders shows her, to the last byte.  Then she goes away, to a place on the inner network where she holds nothing, and
shows the same to the real billing.  What never travelled, she does not have.
"""

from secrets import token_hex

from scenarios.stand_in import Overheard
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "there was nothing to copy but a name, and nothing more is asked"),
    "basic": Expect(Verdict.SERVED, "alice's password works for whoever has it, until she changes it"),
    "subsystem": Expect(Verdict.SERVED, "orders' password works for whoever has it, until somebody changes it"),
    "mtls": Expect(Verdict.REFUSED, "the private key of orders never travelled"),
    "oauth2": Expect(Verdict.SERVED, "a bearer token works for whoever bears it, until it expires or is revoked"),
    "jwt": Expect(Verdict.SERVED, "a bearer token works for whoever bears it, until it expires"),
    "zerotrust": Expect(Verdict.REFUSED, "the token is bound to a private key that never travelled"),
}
REFERENCES = ("RFC 6750 §5.2", "RFC 7617 §4", "RFC 8705 §3", "RFC 9700 §4.9.2", "CWE-294")
CATALOGUE = ("BAS-13", "JWT-32")


def attempt(world: World) -> Answer:
    """Charge alice once more, with what orders showed the first time."""
    copied = Overheard.by_billing(world)
    return world.inside("billing", "POST", "/charges", copied, {"order": token_hex(16), "amount": 1})
