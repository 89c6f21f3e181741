"""Billing takes connections and says nothing, and eight orders come in the same moment.

Orders does not wait for ever, and the gateway does not wait for orders for ever: alice and bob are told within seconds
that it took too long.  There are as many orders as the gateway has threads, and soon some of them are told to come
again: so carol, who wants nothing of billing, is served while the others still wait.  Alice sees what became of her
orders, and she and bob may ask again: under the same key each gets one book, and pays once.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

from scenarios.levers import eventually, frozen, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    name: Expect(Verdict.UNAVAILABLE, "all calls of a request have one time limit, and what is not known is not done")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §15.6.5", "OWASP ASVS 13.1.3", "OWASP ASVS 13.2.6", "NIST SP 800-204 MS-SS-6")
CATALOGUE = ("FLT-02",)
EACH = 4


def attempt(world: World) -> Answer:
    """Order while nothing is heard of billing, and again when it speaks."""
    alice, bob, carol = (Shopper(world.shop, who) for who in ("alice", "bob", "carol"))
    for person in (alice, bob, carol):
        insist(person.call("GET", "/api/me").ok, f"{person.who} cannot log in")
    insist(alice.order("book").status_code == 201, "alice cannot order")  # over what billing holds open then
    wanted = [(who, token_hex(16)) for who in (alice, bob) for _ in range(EACH)]

    def order(who: Shopper, key: str) -> tuple[Answer, float]:
        began = time.monotonic()
        return answered(who.order("book", key=key)), time.monotonic() - began

    with frozen(world, "billing"):
        with ThreadPoolExecutor(len(wanted)) as crowd:
            before, asked = _on_the_shelf(carol), [crowd.submit(order, *wanted[0])]
            eventually(lambda: _on_the_shelf(carol) < before, "a book is set aside")  # so the first has come to billing
            asked += [crowd.submit(order, *each) for each in wanted[1:]]
            longest = _longest_look(carol, until=lambda: all(each.done() for each in asked))
        told = [each.result() for each in asked]
        insist(alice.call("GET", "/api/orders").ok, "alice cannot see her orders")
    late = [(answer, seconds) for answer, seconds in told if answer.status == 504]
    insist({answer.status for answer, _ in told} <= {503, 504} and bool(late), "somebody is not told the truth")
    insist(longest < min(seconds for _, seconds in late), f"carol waits for {longest:.1f} s, with the others")
    insist(all(who.order("book", key=key).status_code == 201 for who, key in wanted), "an order does not find its end")
    return late[0][0]


def _on_the_shelf(who: Shopper) -> int:
    """How many books there are."""
    return int(who.call("GET", "/api/items/book").json()["stock"])


def _longest_look(who: Shopper, until: Callable[[], bool]) -> float:
    """Look at the shelf again and again; the seconds that the slowest look took."""
    longest = 0.0
    while not until():
        began = time.monotonic()
        insist(who.call("GET", "/api/items").ok, f"{who.who} cannot see the shelf")
        longest = max(longest, time.monotonic() - began)
    return longest
