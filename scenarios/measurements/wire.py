"""What really travels between the services for one order: connections, handshakes, headers, bytes.

A relay takes the address of orders, of inventory and of billing at once, and the services answer behind it.  So the
first order after that finds no connection open, and every later one finds what the first has left.  The relay counts
what it passes on: connections, those that begin with a ClientHello, and bytes in both directions, as TCP carries them.

What is inside TLS it cannot read.  Therefore each service is stood in for, once, with its own certificate, by somebody
who writes down the headers that its caller sends: how many bytes they are, and how many of those say who is asking.
What is asked of the identity provider meanwhile is not in these numbers.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import astuple, dataclass
from secrets import token_hex
from statistics import median
from typing import Any

from scenarios import trials
from scenarios.evidence import Measured
from scenarios.levers import eventually, insist
from scenarios.stand_in import standing_in
from scenarios.tapping import Tap, tapped
from scenarios.world import World

TITLE = "Handshakes and bytes per order"
REFERENCES = ("RFC 8446 §2", "RFC 9112 §9.3", "RFC 9110 §11.6.2")
HOPS = {"gateway → orders": "orders", "orders → inventory": "inventory", "orders → billing": "billing"}
LATER = 5
CREDENTIALS = frozenset({"authorization", "x-user"})
"""The headers that say who is asking; a certificate is none of them, for it goes with the handshake."""


@dataclass(frozen=True)
class Passed:
    """What has gone over one hop."""

    connections: int = 0
    handshakes: int = 0
    there: int = 0
    """Bytes to the callee."""
    back: int = 0
    """Bytes to the caller."""

    def __sub__(self, before: Passed) -> Passed:
        return Passed(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))

    @property
    def octets(self) -> int:
        """Bytes both ways."""
        return self.there + self.back


@dataclass(frozen=True)
class Head:
    """The head of a request as it was sent."""

    octets: int
    """Request line, headers, and the empty line."""
    credential: int
    """Those of them that are credentials."""
    names: tuple[str, ...]
    """The headers that carry them."""
    body: int


def measure(world: World) -> Measured:
    """One first order and some later ones past the relays; then one head for each hop."""
    order(world)  # so that the person's own log-in is over
    with ExitStack() as stack:
        taps = {hop: stack.enter_context(tapped(world, callee)) for hop, callee in HOPS.items()}
        first, *later = [passing(world, taps) for _ in range(1 + LATER)]
    heads = {hop: head(sent(world, callee)) for hop, callee in HOPS.items()}
    if world.shop.variant.inner_scheme == "http":  # in the clear the two ways of counting can be compared
        told = {hop: heads[hop].octets + heads[hop].body for hop in HOPS}
        insist(told == {hop: later[0][hop].there for hop in HOPS}, f"sent {told}, but the wire carried {later[0]}")
    sums = [Passed(*map(sum, zip(*map(astuple, passed.values()), strict=True))) for passed in (first, *later)]
    figures = {
        "handshakes, first order": trials.figure([sums[0].handshakes], "handshakes"),
        "handshakes, a later order": trials.figure([each.handshakes for each in sums[1:]], "handshakes"),
        "connections, first order": trials.figure([sums[0].connections], "connections"),
        "bytes on the wire, first order": trials.figure([sums[0].octets], "bytes"),
        "bytes on the wire per order, warm": trials.figure([each.octets for each in sums[1:]], "bytes"),
        "header bytes per order": trials.figure([sum(each.octets for each in heads.values())], "bytes"),
        "credential bytes per order": trials.figure([sum(each.credential for each in heads.values())], "bytes"),
    }
    return Measured(figures=figures, rows=tuple(row(hop, first, later, heads[hop]) for hop in HOPS))


def order(world: World, key: str | None = None) -> None:
    """Alice buys a book."""
    placed = world.shopper("alice").order("book", key=key)
    insist(placed.status_code == 201, f"alice cannot order: {placed.status_code} {placed.text[:200]}")


def passing(world: World, taps: dict[str, Tap]) -> dict[str, Passed]:
    """What goes over each hop for one order."""
    before = {hop: passed(tap) for hop, tap in taps.items()}
    order(world)
    return {hop: passed(tap) - before[hop] for hop, tap in taps.items()}


def passed(tap: Tap) -> Passed:
    """What has gone past `tap` so far, as soon as two looks agree: an engine's log comes a moment late."""
    looks = [count(tap)]

    def again() -> bool:
        looks.append(count(tap))
        return looks[-1] == looks[-2]

    eventually(again, "the wire falls silent")
    return looks[-1]


def count(tap: Tap) -> Passed:
    """What `tap` has written down until now."""
    talks = tap.conversations()
    there, back = sum(len(each.caller) for each in talks), sum(len(each.callee) for each in talks)
    return Passed(len(talks), sum(each.handshakes for each in talks), there, back)


def sent(world: World, callee: str) -> dict[str, Any]:
    """What `callee` is sent for an order: it is heard in its place, cut off, and then carried to its end."""
    key = token_hex(16)
    with standing_in(world, callee, world.certificate_of(callee)) as there:
        world.shopper("alice").order("book", key=key)
        request = eventually(lambda: there.heard("request"), f"somebody calls {callee}")[0]
    order(world, key)
    return request


def head(request: dict[str, Any]) -> Head:
    """How long a request's head was (RFC 9112 §2.1), and how much of it is credential."""
    lines = {name: len(f"{name}: {value}\r\n".encode("latin-1")) for name, value in request["headers"]}
    secret = tuple(name for name in lines if name.lower() in CREDENTIALS)
    octets = len(f"{request['method']} {request['path']} HTTP/1.1\r\n\r\n") + sum(lines.values())
    return Head(octets, sum(lines[name] for name in secret), secret, len(request["body"].encode()))


def row(hop: str, first: dict[str, Passed], later: list[dict[str, Passed]], told: Head) -> dict[str, Any]:
    """One hop; of the later orders the median."""
    return {
        "hop": hop,
        "connections_first": first[hop].connections,
        "handshakes_first": first[hop].handshakes,
        "handshakes_later": median(each[hop].handshakes for each in later),
        "bytes_there_first": first[hop].there,
        "bytes_back_first": first[hop].back,
        "bytes_there": median(each[hop].there for each in later),
        "bytes_back": median(each[hop].back for each in later),
        "header_bytes": told.octets,
        "credential_bytes": told.credential,
        "credential_headers": ", ".join(told.names),
    }
