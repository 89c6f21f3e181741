"""Mallory orders ten books in the same moment, while billing says nothing, so that each of them has to be waited for.

Whoever waits needs a thread of the gateway's, and there are eight.  If she could have them all, bob would wait at a
door that nobody opens, and she need not even hurry.  So she gets her share, and is told to come again for the rest; bob
looks at the shelf meanwhile, as if nothing were the matter.
"""

from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

from scenarios.levers import frozen, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World
from services.shares import MOST

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.INVALID, "429: one person has six requests under way, and for the rest has to come again")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP API4:2023", "OWASP ASVS 2.4.1", "NIST SP 800-204 MS-SS-8", "RFC 6585 §4", "CWE-770")
CATALOGUE = ("XC-14",)
AT_ONCE = 10


def attempt(world: World) -> Answer:
    """Order ten times at once; the first answers are those that had to wait for nothing."""
    mallory, bob = Shopper(world.shop, "mallory"), Shopper(world.shop, "bob")
    for shopper in (mallory, bob):
        insist(shopper.call("GET", "/api/me").ok, f"{shopper.who} cannot log in")
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        with frozen(world, "billing"):
            asked = [crowd.submit(mallory.order, "book") for _ in range(AT_ONCE)]
            first = [answered(each.result()) for each in islice(as_completed(asked), AT_ONCE - MOST)]
            insist(bob.call("GET", "/api/items").ok, "bob is made to suffer for what mallory does")
        rest = [answered(each.result()) for each in asked if each.result().status_code != 429]
    told = sorted({(answer.status, answer.headers.get("retry-after")) for answer in first}, key=str)
    insist(told == [(429, "1")], f"she is not told when to come again: {told}")
    insist(len(rest) == MOST, f"of {AT_ONCE} orders {len(rest)} were taken, and not {MOST}")
    return first[0]
