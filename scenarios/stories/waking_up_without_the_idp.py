"""Inventory wakes up while the identity provider is gone, or while somebody else answers at its address.

It was killed, and whatever it had learnt from the identity provider, it has forgotten.  Alice orders a book with the
token that she has.  What a service keeps for itself lasts as long as its process does.
"""

from secrets import token_hex

from scenarios.families import together
from scenarios.levers import dark, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.stand_in import posted
from scenarios.stories.idp_lying import lies, of_another
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "basic": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "subsystem": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "mtls": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "oauth2": Expect(Verdict.UNAVAILABLE, "nobody can say what a token means, restarted or not"),
    "jwt": Expect(Verdict.UNAVAILABLE, "inventory has no keys yet, and takes none from just anybody"),
    "zerotrust": Expect(Verdict.UNAVAILABLE, "no token can be exchanged, restarted or not"),
}
REFERENCES = ("RFC 7517 §5", "RFC 7662 §4", "RFC 9525 §6", "OWASP ASVS 16.5.3")
CATALOGUE = ("FLT-03", "OAS-36")


def attempts(world: World) -> dict[str, Answer]:
    """An order that meets a service which has just woken up: while nobody is there, and while somebody else is."""
    alice, shown = Shopper(world.shop, "alice"), of_another(world)
    insist((first := alice.order("book")).ok, f"alice cannot order to begin with: {first.status_code} {first.text}")
    keys = {GONE: token_hex(16), SOMEBODY_ELSE: token_hex(16)}
    with dark(world, "idp"):
        answers = {GONE: woken(world, alice, keys[GONE])}
        with posted(world, "idp", shown, lies(world)):
            answers[SOMEBODY_ELSE] = woken(world, alice, keys[SOMEBODY_ELSE])
    for key in keys.values():
        insist(alice.order("book", key=key).status_code == 201, "the order does not find its end")
    return answers


def woken(world: World, alice: Shopper, key: str) -> Answer:
    """What comes of alice's order when inventory has just been started anew."""
    with dark(world, "inventory"):
        pass
    return answered(alice.order("book", key=key))


GONE, SOMEBODY_ELSE = "gone", "somebody else"
CASES = together((GONE, SOMEBODY_ELSE), attempts)
