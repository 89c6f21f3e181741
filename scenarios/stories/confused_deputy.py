"""Mallory has got hold of the gateway, and has orders read and refund what is bob's for her.

She has an account of her own, and the gateway's place with all it holds.  She claims to be nobody else: she asks
orders, as mallory, for bob's order by its number.  Orders has the right to read any order and to have any charge
refunded, since support needs it.  Whose right does it use: its own, its caller's, or mallory's?
"""

from scenarios.levers import insist, passed_along
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "orders cannot tell anybody from anybody"),
    "basic": Expect(Verdict.FORBIDDEN, "orders sees mallory's own password, and what she may do with it"),
    "subsystem": Expect(Verdict.SERVED, "orders sees what the gateway may do, and takes its word for who asks"),
    "mtls": Expect(Verdict.SERVED, "orders sees what the gateway may do, and takes its word for who asks"),
    "oauth2": Expect(Verdict.FORBIDDEN, "orders sees mallory's own token, and what she may do with it"),
    "jwt": Expect(Verdict.FORBIDDEN, "orders sees mallory's own token, and what she may do with it"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "the gateway's right is not enough: mallory's own token says no"),
}
REFERENCES = ("CWE-441", "RFC 8693 §1.1", "OWASP API1:2023", "OWASP ASVS 8.3.3")
CATALOGUE = ("XC-04",)


def what_passes_for_mallory(world: World) -> dict[str, str]:
    """What the gateway shows orders when mallory asks for something."""
    if world.pattern == "zerotrust":
        token = passed_along(world, Shopper(world.shop, "mallory").token(), "gateway", "orders")
        return {"Authorization": f"Bearer {token}"}
    return world.own_credential_of("gateway", user="mallory") or world.credential_of("mallory")


def bobs_order(world: World) -> str:
    """The number of a new order of bob's."""
    answer = Shopper(world.shop, "bob").order("book")
    insist(answer.status_code == 201, "bob cannot order")
    return str(answer.json()["id"])


def read(world: World) -> Answer:
    """Ask orders for bob's order."""
    return world.breached("gateway", "orders", "GET", f"/orders/{bobs_order(world)}", what_passes_for_mallory(world))


def refund(world: World) -> Answer:
    """Ask orders to give the money for bob's order back."""
    path = f"/orders/{bobs_order(world)}/refund"
    return world.breached("gateway", "orders", "POST", path, what_passes_for_mallory(world))


CASES = {"read": read, "refund": refund}
