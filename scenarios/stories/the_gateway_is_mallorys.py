"""Mallory owns the gateway, and orders for alice, who had only come to look.

Everything that alice shows at the front door, the gateway sees.  Whatever it can do with that when alice asks, it can
also do when she does not.  This is where every pattern ends: what one place may do for everybody, whoever owns that
place may do to everybody who comes by.
"""

from secrets import token_hex

from scenarios.levers import passed_along
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside, the user is whoever the caller says, and she need not even come by"),
    "basic": Expect(Verdict.SERVED, "alice's password is in every request that comes by"),
    "subsystem": Expect(Verdict.SERVED, "the gateway is believed about everybody, and she need not even come by"),
    "mtls": Expect(Verdict.SERVED, "the gateway is believed about everybody, and she need not even come by"),
    "oauth2": Expect(Verdict.SERVED, "alice's token is in every request that comes by, and works until it ends"),
    "jwt": Expect(Verdict.SERVED, "alice's token is in every request that comes by, and works until it expires"),
    "zerotrust": Expect(Verdict.SERVED, "the gateway may exchange alice's token: only hers, and only while it lives"),
}
REFERENCES = ("NIST SP 800-204 MS-SS-12", "RFC 8693 §5", "CWE-441")
CATALOGUE = ("FLT-13",)
ORDER = {"sku": "book", "quantity": 1}


def attempt(world: World) -> Answer:
    """Order a book as alice, from the gateway's place, with what alice shows when she looks at the shelf."""
    key = {"Idempotency-Key": token_hex(16)}
    return world.breached("gateway", "orders", "POST", "/orders", what_passes(world) | key, ORDER)


def what_passes(world: World) -> dict[str, str]:
    """What the gateway can show orders for alice."""
    if world.pattern == "zerotrust":
        token = passed_along(world, Shopper(world.shop, "alice").token(), "gateway", "orders")
        return {"Authorization": f"Bearer {token}"}
    return world.own_credential_of("gateway", user="alice") or world.credential_of("alice")
