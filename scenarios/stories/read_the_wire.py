"""Mallory has put herself on the wire between orders and billing, and reads.

She changes nothing: a relay of hers passes every byte on, both ways, while alice buys a book, and writes each one down.
Afterwards she looks through what she has: whose order it was, what it cost, and above all whatever let orders in at
billing, since that might let her in too.
"""

from scenarios.levers import eventually, insist
from scenarios.tapping import tapped
from scenarios.verdict import Answer, Expect, Verdict, refused
from scenarios.world import World

GROUP = "inside with nothing"
TLS = "the hop is TLS 1.3: she sees that orders calls billing, when, and about how much is said, and no more"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside all is plain HTTP: user, order and amount can be read, and changed"),
    "basic": Expect(Verdict.REFUSED, TLS + "; in the clear it would be alice's password"),
    "subsystem": Expect(Verdict.REFUSED, TLS + "; in the clear it would be the password of orders"),
    "mtls": Expect(Verdict.REFUSED, TLS + "; and even in the clear there would be no credential in it"),
    "oauth2": Expect(Verdict.REFUSED, TLS + "; in the clear it would be alice's token"),
    "jwt": Expect(Verdict.REFUSED, TLS + "; in the clear it would be alice's token"),
    "zerotrust": Expect(Verdict.REFUSED, TLS + "; in the clear it would be a token that only orders can use"),
}
REFERENCES = ("OWASP ASVS 12.3.3", "RFC 8446 §1", "RFC 7617 §4", "RFC 6750 §5.2", "CWE-319")
CATALOGUE = ("PER-04",)
HANDSHAKE = b"\x16\x03"
"""How a TLS record begins that carries a handshake (RFC 8446 §5.1)."""


def attempt(world: World) -> Answer:
    """Listen while alice orders, and look for the order, the user and the credential among the bytes."""
    with tapped(world, "billing") as tap:
        placed = world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1})
        insist(placed.verdict is Verdict.SERVED, f"nothing to listen to: {placed}")
        eventually(lambda: tap.read("callee"), "billing answers on the wire that is tapped")
        heard, answered = tap.read("caller"), tap.read("callee")
    secret = world.credential_of("alice")["Authorization"].partition(" ")[2]
    order = placed.json()
    telling = {"request": "POST /charges", "order": order["id"], "charge": order["charge"], "credential": secret}
    read = [what for what, text in telling.items() if text.encode() in heard + answered]
    if read:
        return Answer(Verdict.SERVED, detail=f"in the clear: {', '.join(read)}", body=heard.decode("latin-1")[:2000])
    insist(heard.startswith(HANDSHAKE) and answered.startswith(HANDSHAKE), f"that is no TLS: {heard[:40]!r}")
    return refused(f"{len(heard)} bytes out and {len(answered)} back, none of them readable")
