"""Inventory is restarted while the identity provider is gone, or while somebody else answers at its address.

Whatever inventory had learnt from it, it has forgotten.  Alice orders a book with the token that she has.  What a
service keeps for itself lasts as long as its process does.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from secrets import token_hex

from scenarios.levers import answered, dark, insist
from scenarios.shopper import Shopper
from scenarios.stand_in import standing_in
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


def gone(world: World) -> AbstractContextManager[object]:
    """Nobody is there."""
    return dark(world, "idp")


def somebody_else(world: World) -> AbstractContextManager[object]:
    """Somebody is there, with another service's certificate."""
    return standing_in(world, "idp", of_another(world), lies(world))


def while_it_is(away: Callable[[World], AbstractContextManager[object]]) -> Callable[[World], Answer]:
    """An order that meets a service which has just woken up."""

    def attempt(world: World) -> Answer:
        alice, key = Shopper(world.shop, "alice"), token_hex(16)
        insist((first := alice.order("book")).ok, f"alice cannot order to begin with: {first.status_code} {first.text}")
        with away(world):
            world.shop.restart("inventory")
            answer = answered(alice.order("book", key=key))
        insist(alice.order("book", key=key).status_code == 201, "the order does not find its end")
        return answer

    return attempt


CASES = {"gone": while_it_is(gone), "somebody else": while_it_is(somebody_else)}
