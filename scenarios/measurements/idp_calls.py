"""How often the identity provider is asked, so that one order can be placed.

Counted twice for each order: by the provider itself, in its journal, where every request stands under the trace of the
order that caused it; and by the services, whose audit lines say whom they called.  The two must agree.

An order is cold when it is the first after all services were restarted: whatever they keep, they have to fetch.  It is
warm when others have gone before.  Getting the token that the order is placed with is not part of the order.
"""

from __future__ import annotations

from collections import Counter

from compose.topology import INSIDE
from scenarios import hops, trials
from scenarios.evidence import Hop, Measured
from scenarios.levers import insist
from scenarios.world import World

TITLE = "IdP calls per order"
REFERENCES = ("RFC 7662 §2", "RFC 8693 §2", "RFC 7517 §5")
WARM, COLD = 5, 2
Asked = Counter[tuple[str, str]]
"""How often each (client, endpoint) came up."""


def measure(world: World) -> Measured:
    """Count for cold orders, then for warm ones."""
    told: dict[str, tuple[list[Hop], Asked]] = {}
    for number in range(1, COLD + 1):
        world.shop.restart("gateway", *INSIDE)
        told[f"cold {number}"] = order(world)
    for number in range(1, WARM + 1):
        told[f"warm {number}"] = order(world)
    cold, warm = ([asked.total() for name, (_, asked) in told.items() if name.startswith(k)] for k in ("cold", "warm"))
    served = [sum(hop.service != "idp" for hop in story) for story, _ in told.values()]
    insist(len(set(served)) == 1, f"one order is not like the other: {served} hops")
    per_hop = f"an order is {served[0]} requests to a service, the one at the edge among them"
    figures = {
        "IdP calls per order, warm": trials.figure(warm, "calls"),
        "IdP calls per order, cold": trials.figure(cold, "calls", "the first order after all services were restarted"),
        "IdP calls per hop": trials.figure([calls / served[0] for calls in warm], "calls", per_hop),
    }
    return Measured(figures=figures, rows=tuple(row for name, (_, asked) in told.items() for row in rows(name, asked)))


def order(world: World) -> tuple[list[Hop], Asked]:
    """Place one order as alice; its hops, and who asked the IdP for what meanwhile."""
    placed = world.shopper("alice").order("book")
    insist(placed.status_code == 201, f"alice cannot order: {placed.status_code} {placed.text[:200]}")
    trace = placed.headers["traceresponse"].split("-")[1]
    story = hops.story(world.shop, trace)
    asked = Counter((hop.caller, hop.request.partition(" ")[2]) for hop in story if hop.service == "idp")
    compare(asked, Counter((each.client or "", each.endpoint or "") for each in world.manager.journal(trace=trace)))
    return story, asked


def compare(told: Asked, journal: Asked) -> None:
    """Insist that the journal holds what the services told; it knows a client only where one had to prove itself."""
    written, said = by_endpoint(journal), by_endpoint(told)
    insist(written == said, f"the journal holds {dict(written)}, the services tell of {dict(said)}")
    strange = {who: calls for who, calls in journal.items() if who[0] and told[who] != calls}
    insist(not strange, f"the journal knows other clients than the trace does: {strange}")


def by_endpoint(asked: Asked) -> Counter[str]:
    """The same, whoever asked."""
    found: Counter[str] = Counter()
    for (_, endpoint), calls in asked.items():
        found[endpoint] += calls
    return found


def rows(name: str, asked: Asked) -> list[dict[str, object]]:
    """A record for each client and endpoint; for an order that asked nobody, one that says so."""
    counted = sorted(asked.items()) or [(("", ""), 0)]
    return [{"order": name, "client": who, "endpoint": what, "calls": n} for (who, what), n in counted]
