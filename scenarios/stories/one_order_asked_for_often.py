"""Alice's answer got lost, and her program asks again; somebody else has copied the request and sends it too.

The same order under the same Idempotency-Key, one after the other and all at once.  Each time it is answered with the
one order that there is: one book, one charge, however often.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

from requests import Response

from scenarios.levers import insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "everyday"
EXPECTED = {
    name: Expect(Verdict.SERVED, "the key names the order: asked for again, it is shown again")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §9.2.2", "OWASP ASVS 2.3.4", "CWE-837")
CATALOGUE = ("XC-05", "FLT-09")
TIMES = 6


def in_turn(ask: Callable[[], Response]) -> Iterator[Response]:
    """One after the other."""
    return (ask() for _ in range(TIMES))


def at_once(ask: Callable[[], Response]) -> Iterator[Response]:
    """All in the same moment."""
    with ThreadPoolExecutor(TIMES) as crowd:
        return (each.result() for each in [crowd.submit(ask) for _ in range(TIMES)])


def asked(way: Callable[[Callable[[], Response]], Iterator[Response]]) -> Callable[[World], Answer]:
    """The same order, several times, in that `way`."""

    def attempt(world: World) -> Answer:
        alice, key = Shopper(world.shop, "alice"), token_hex(16)
        before = stock(alice)
        answers = [answered(each) for each in way(lambda: alice.order("book", key=key))]
        orders = {answer.json()["id"] for answer in answers if answer.verdict is Verdict.SERVED}
        charges = {answer.json()["charge"] for answer in answers if answer.verdict is Verdict.SERVED}
        worst = min(answers, key=lambda answer: list(Verdict).index(answer.verdict))
        if worst.verdict is Verdict.SERVED:
            insist(len(orders) == len(charges) == 1, f"orders {orders}, charges {charges}")
            insist(before - stock(alice) == 1, "more than one book has gone")
        return worst

    return attempt


def stock(alice: Shopper) -> int:
    """How many books there are."""
    return int(alice.call("GET", "/api/items/book").json()["stock"])


CASES = {"in turn": asked(in_turn), "at once": asked(at_once)}
