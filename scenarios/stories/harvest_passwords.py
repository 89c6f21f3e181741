"""Mallory has broken into billing, reads the passwords that come by, and logs in at the front door with one.

What billing is shown for alice's order is all she needs: the next day she is alice, from her own sofa, with everything
that alice may do.  If no password comes by, there is nothing to log in with.
"""

import base64

from scenarios.stand_in import Overheard
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "alice's password stays at the edge; only her name comes by"),
    "basic": Expect(Verdict.SERVED, "alice's own password is in every request, in every service"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the password that comes by is orders', and orders is no customer"),
    "mtls": Expect(Verdict.UNISSUED, "alice's password stays at the edge; only her name comes by"),
    "oauth2": Expect(Verdict.UNISSUED, "alice told her password to the identity provider and to nobody else"),
    "jwt": Expect(Verdict.UNISSUED, "alice told her password to the identity provider and to nobody else"),
    "zerotrust": Expect(Verdict.UNISSUED, "alice told her password to the identity provider and to nobody else"),
}
REFERENCES = ("RFC 7617 §4", "RFC 9700 §2.4", "CWE-522")
CATALOGUE = ("BAS-10",)


def attempt(world: World) -> Answer:
    """Show the gateway, from outside, the name and password that billing was shown."""
    scheme, _, credential = Overheard.by_billing(world).get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return UNISSUED
    name, _, password = base64.b64decode(credential).decode().partition(":")
    again = base64.b64encode(f"{name}:{password}".encode()).decode()
    return world.outside("GET", "/api/orders", {"Authorization": f"Basic {again}"})
