"""Mallory has put herself on the wire between orders and billing; first she reads, and then she meddles.

A relay of hers passes every byte on, both ways, while alice buys a book, and writes each one down.  Afterwards she
looks through what she has: whose order it was, what it cost, and above all whatever let orders in at billing, since
that might let her in too.  Then alice buys another book, and the relay has billing charge half of its price; where it
cannot find the price, it turns one bit of everything over.
"""

from dataclasses import replace
from secrets import token_hex

from scenarios.families import together
from scenarios.levers import eventually, insist
from scenarios.sending import answered
from scenarios.tapping import tapped
from scenarios.verdict import Answer, Expect, Verdict, refused
from scenarios.world import World

GROUP = "inside with nothing"
TLS = "the hop is TLS 1.3: she sees that orders calls billing and about how much is said, and can change none of it"
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
PRICE, CHEAPER = '"amount": 1999', '"amount": 1000'
HANDSHAKE = b"\x16\x03"
"""How a TLS record begins that carries a handshake (RFC 8446 §5.1)."""


def attempts(world: World) -> dict[str, Answer]:
    """Listen while alice orders, and then meddle while she orders again."""
    alice, key = world.shopper("alice"), token_hex(16)
    with tapped(world, "billing", (PRICE, CHEAPER)) as tap:
        first = answered(alice.order("book"))
        insist(first.verdict is Verdict.SERVED, f"nothing to listen to: {first}")
        eventually(lambda: tap.read("callee"), "billing answers on the wire that is tapped")
        heard, said = tap.read("caller"), tap.read("callee")
        tap.meddle()
        second = answered(alice.order("book", key=key))
    return {READ: what_she_read(world, first, heard, said), CHANGED: what_she_changed(world, second, key)}


def what_she_read(world: World, placed: Answer, heard: bytes, said: bytes) -> Answer:
    """Look for the order, the user and the credential among the bytes."""
    secret = world.credential_of("alice")["Authorization"].partition(" ")[2]
    order = placed.json()
    telling = {"request": "POST /charges", "order": order["id"], "charge": order["charge"], "credential": secret}
    read = [what for what, text in telling.items() if text.encode() in heard + said]
    if read:
        return Answer(Verdict.SERVED, detail=f"in the clear: {', '.join(read)}", body=heard.decode("latin-1")[:2000])
    insist(heard.startswith(HANDSHAKE) and said.startswith(HANDSHAKE), f"that is no TLS: {heard[:40]!r}")
    return refused(f"{len(heard)} bytes out and {len(said)} back, none of them readable")


def what_she_changed(world: World, placed: Answer, key: str) -> Answer:
    """See what billing has charged; if it was not told anything, the order is still to be had at its price."""
    if placed.verdict is not Verdict.SERVED:
        insist(placed.status == 503, f"with every record spoilt, the order comes to {placed.status}")
        insist(world.shopper("alice").order("book", key=key).status_code == 201, "the order does not find its end")
        return refused("not a record that was changed has been believed")
    charge = world.inside("billing", "GET", f"/charges/{placed.json()['charge']}", {"X-User": "alice"}).json()
    insist(f'"amount": {charge["amount"]}' == CHEAPER, f"nothing was changed: {charge}")
    return replace(placed, detail=f"alice ordered for {placed.json()['amount']}, and billing took {charge['amount']}")


READ, CHANGED = "read", "change"
CASES = together((READ, CHANGED), attempts)
