"""Eight customers want the last three violins, two each, all in the same moment.

No two pairs are there to be had, and the bank lets nobody pay for even one: so while one of them holds a pair, the
others have to be told that there is not enough, and whoever held it has to give it back.  However they race, in the
end there are three violins, as there were: none sold twice, none lost.
"""

from concurrent.futures import ThreadPoolExecutor

from scenarios.levers import insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(
        Verdict.INVALID, "one statement takes the goods and checks that they are there; what is unpaid goes back"
    )
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP ASVS 2.3.4", "OWASP ASVS 15.4.2", "OWASP API6:2023", "CWE-362", "CWE-367")
CATALOGUE = ("XC-06",)
BUYERS = 8


def attempt(world: World) -> Answer:
    """Have them all ask at once, and count what is left on the shelf."""
    before = on_the_shelf(world)
    buyers = [Shopper(world.shop, who) for who in ("alice", "bob")]
    for buyer in buyers:
        insist(buyer.call("GET", "/api/me").ok, f"{buyer.who} cannot log in")
    with ThreadPoolExecutor(BUYERS) as crowd:
        asked = [crowd.submit(buyers[number % 2].order, "violin", 2) for number in range(BUYERS)]
        answers = [answered(each.result()) for each in asked]
    statuses = sorted({answer.status or 0 for answer in answers})
    insist(set(statuses) <= {402, 409}, f"not every buyer was told the truth: {statuses}")
    insist(on_the_shelf(world) == before, f"of {before} violins {on_the_shelf(world)} are left")
    held = [answer for answer in answers if answer.status == 402]
    insist(bool(held), "nobody got as far as the bank, though there were goods for one")
    return held[0]


def on_the_shelf(world: World) -> int:
    """How many violins there are."""
    return int(world.as_person("alice", "GET", "/api/items/violin").json()["stock"])
