"""A service is killed in the middle of an order; alice asks again under the same key, and pays once.

Billing is held up, so that the order is certain to be under way: the book is off the shelf, the money not yet taken.
Then billing dies, or orders does, and billing goes on with a request whose sender is no more.  In the end there is one
order, one charge and one book less, whoever died.
"""

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
    name: Expect(Verdict.SERVED, "every step carries the order's number, so doing it again does it once")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §9.2.2", "OWASP ASVS 2.3.3", "OWASP ASVS 16.5.2")
CATALOGUE = ("FLT-08", "FLT-09")
COUNT = """
import os, sqlite3, sys
store = sqlite3.connect(os.path.join(os.environ["SHOP_DIR"], "billing", "data", "billing.db"))
counted = store.execute('select count(*) from charges where "order" = ? and status = ?', (sys.argv[1], "paid"))
print(counted.fetchone()[0])
"""


def killed(victim: str) -> Callable[[World], Answer]:
    """An order during which `victim` dies."""

    def attempt(world: World) -> Answer:
        alice, key = Shopper(world.shop, "alice"), token_hex(16)
        insist(alice.order("book").status_code == 201, "alice cannot order to begin with")
        before = stock(alice)
        try:
            with frozen(world, "billing"), ThreadPoolExecutor(1) as meanwhile:
                asked = meanwhile.submit(alice.order, "book", key=key)
                eventually(lambda: stock(alice) == before - 1, "the book is set aside")
                world.shop.kill(victim)
                asked.result()
        finally:
            world.shop.start(victim)
        answer = answered(alice.order("book", key=key))
        if answer.verdict is not Verdict.SERVED:
            return answer
        insist(stock(alice) == before - 1, f"of {before} books {stock(alice)} are left")
        counted = world.shop.run("billing", ["python", "-c", COUNT, answer.json()["id"]])
        insist(counted.stdout.strip() == "1", f"charged {counted.stdout.strip()} times {counted.stderr[-200:]}")
        return answer

    return attempt


def stock(alice: Shopper) -> int:
    """How many books there are."""
    return int(alice.call("GET", "/api/items/book").json()["stock"])


CASES = {"billing": killed("billing"), "orders": killed("orders")}
