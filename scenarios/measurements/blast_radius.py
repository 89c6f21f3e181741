"""How much of what the services do for each other somebody gets done from each place, with what is to be had there.

There are twelve internal operations.  Each is tried from each position: from outside, through the gateway's door, with
nothing; from the inner network, with nothing; and from the place of each service, first with what that service holds
at rest (its certificate, its secrets, whatever the identity provider issues to it for itself), then also with what it
is shown while alice really orders something.  Where a position may say whom it acts for, it says alice and carol, who
is support.  The gateway sees what alice shows at the door; and wherever the identity provider exchanges what a service
was shown, the service has it exchanged.

Everything is tried on an order, a charge and a reservation that are there and alice's, or on new ones, and can be done
twice: so what is refused is refused by a guard.  An operation counts as completed when the answer is a 2xx.  What the
breached service could do to its own data without asking anybody is not counted; its own door is tried like the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from compose.topology import INSIDE, TOKEN_PATTERNS
from scenarios.doorstep import at_the_door
from scenarios.evidence import Figure, Measured
from scenarios.levers import exchanged, insist, issued_to
from scenarios.shopper import Shopper
from scenarios.stand_in import Overheard
from scenarios.verdict import Answer, Verdict, furthest
from scenarios.world import World

TITLE = "Blast radius"
REFERENCES = ("NIST SP 800-207 §2.1", "NIST SP 800-204A", "OWASP API5:2023", "OWASP ASVS 13.2.2", "RFC 8693 §5")

BREACHED = ("gateway", *INSIDE)
POSITIONS = ("outside", "inside", *BREACHED)
AT_REST, PASSING = "at rest", "as people pass by"
SPOKEN_FOR = ("alice", "carol")
UNIT = "share of operations"
Shown = Sequence[Mapping[str, str]]
"""Headers to try, one set after the other."""


@dataclass(frozen=True)
class Operation:
    """One thing that a service does when it is asked."""

    service: str
    method: str
    route: str
    """Its path, with `ID` or `SKU` in the place of the thing that it is about."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"


OPERATIONS = (
    Operation("orders", "POST", "/orders"),
    Operation("orders", "GET", "/orders"),
    Operation("orders", "GET", "/orders/ID"),
    Operation("orders", "POST", "/orders/ID/refund"),
    Operation("inventory", "GET", "/items"),
    Operation("inventory", "GET", "/items/SKU"),
    Operation("inventory", "POST", "/reservations"),
    Operation("inventory", "DELETE", "/reservations/ID"),
    Operation("billing", "POST", "/charges"),
    Operation("billing", "GET", "/charges"),
    Operation("billing", "GET", "/charges/ID"),
    Operation("billing", "POST", "/charges/ID/refund"),
)


def measure(world: World) -> Measured:
    """Try everything from everywhere."""
    rows = tuple(_rows(world, _hers(world)))
    figures = {position: share(rows, position, AT_REST) for position in POSITIONS}
    figures |= {f"{position} {PASSING}": share(rows, position, PASSING) for position in BREACHED}
    return Measured(figures={**figures, "services answering an unauthenticated request": open_doors(rows)}, rows=rows)


def share(rows: Sequence[Mapping[str, Any]], position: str, holding: str) -> Figure:
    """Of all operations, those that were completed from `position` with `holding`."""
    tried = [row["completed"] for row in rows if (row["position"], row["holding"]) == (position, holding)]
    return Figure(value=sum(tried) / len(tried), unit=UNIT, note=f"{sum(tried)} of {len(tried)}")


def open_doors(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """The services that did something for somebody on the inner network who has nothing but a name to say."""
    open_ = {row["service"] for row in rows if row["position"] == "inside" and row["completed"]}
    return Figure(value=len(open_), unit=f"of {len(INSIDE)} services", note=", ".join(sorted(open_)))


def at_rest(world: World, position: str) -> Shown:
    """What `position` can show without anybody coming by; to say a user's name costs nothing, so it is always tried."""
    words = [{"X-User": user} for user in SPOKEN_FOR]
    if position not in BREACHED:
        return words
    if world.pattern in TOKEN_PATTERNS:
        token = issued_to(world, position)
        return [*words, {"Authorization": f"Bearer {token}"}] if token else words
    own = [world.own_credential_of(position, user) for user in SPOKEN_FOR]
    return [credential for credential in own if credential is not None] or words


def passing(world: World, holder: str, service: str) -> Shown:
    """What the owner of `holder` can show to `service` once alice has ordered something."""
    seen = world.credential_of("alice") if holder == "gateway" else Overheard.by(world, holder)
    shown = [{**seen, "X-User": user} for user in SPOKEN_FOR] if "X-User" in seen else [seen]
    if world.pattern == "zerotrust":
        answer = exchanged(world, holder, seen["Authorization"].removeprefix("Bearer "), service)
        if answer.verdict is Verdict.SERVED:
            shown.append({"Authorization": f"Bearer {answer.json()['access_token']}"})
    return shown


def _hers(world: World) -> dict[str, str]:
    """The id of something of alice's at each service: an order, its reservation, its charge."""
    answer = Shopper(world.shop, "alice").order("book")
    insist(answer.status_code == 201, f"alice cannot order to begin with: {answer.status_code}")
    order = answer.json()
    return {"orders": order["id"], "inventory": order["id"], "billing": order["charge"]}


def _rows(world: World, ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for position in POSITIONS:
        own = at_rest(world, position)
        found = {service: _answers(world, position, service, own, ids) for service in INSIDE}
        yield from _told(position, AT_REST, found)
        if position in BREACHED:
            for service, so_far in found.items():
                more = _answers(world, position, service, passing(world, position, service), ids)
                found[service] = {each: furthest([so_far[each], more[each]]) for each in so_far}
            yield from _told(position, PASSING, found)


def _told(position: str, holding: str, found: Mapping[str, Mapping[Operation, Answer]]) -> Iterator[dict[str, Any]]:
    for service, answers in found.items():
        for operation, answer in answers.items():
            yield {
                "position": position,
                "holding": holding,
                "service": service,
                "operation": operation.name,
                "verdict": str(answer.verdict),
                "completed": answer.verdict is Verdict.SERVED,
            }


def _answers(
    world: World, position: str, service: str, shown: Shown, ids: Mapping[str, str]
) -> dict[Operation, Answer]:
    """How far each operation of `service` goes from `position`, whichever of `shown` gets it furthest."""
    operations = [each for each in OPERATIONS if each.service == service]
    requests = [_request(each, headers, ids[service]) for each in operations for headers in shown]
    answers = iter(_sent(world, position, service, requests))
    return {each: furthest([next(answers) for _ in shown]) for each in operations}


def _sent(world: World, position: str, service: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
    if position == "outside":
        return [_through_the_door(world, request) for request in requests]
    if position == "inside":
        return world.inside_many(service, requests)
    return world.breached_many(position, service, requests)


def _through_the_door(world: World, request: Mapping[str, Any]) -> Answer:
    """The same at the gateway, among its pages and in its API."""
    method, headers, body = request["method"], request["headers"], request["body"]
    paths = (request["path"], f"/api{request['path']}")
    return furthest([at_the_door(world.outside(method, path, headers, body)) for path in paths])


def _request(operation: Operation, headers: Mapping[str, str], its_id: str) -> dict[str, Any]:
    path = operation.route.replace("ID", its_id).replace("SKU", "book")
    told = {**headers, "Idempotency-Key": token_hex(16)}
    return {"method": operation.method, "path": path, "headers": told, "body": _body(operation)}


def _body(operation: Operation) -> dict[str, Any] | None:
    """What each operation wants to be told; where it makes something, it makes something new."""
    goods = {"sku": "book", "quantity": 1}
    bodies: dict[str, dict[str, Any]] = {
        "POST /orders": goods,
        "POST /reservations": {**goods, "order": token_hex(16)},
        "POST /charges": {"order": token_hex(16), "amount": 1},
    }
    return bodies.get(operation.name)
