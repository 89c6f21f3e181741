"""Carrying an order through: reserve, then charge, and put the goods back when the charge fails.

    pending ──► confirmed ──► refunded
       ├──────► rejected                  there was not enough, nothing was taken
       └──────► releasing ──► declined    the bank said no, the goods went back

Every step is safe to repeat, because the order's id is the reservation's and the charge's too.  So an order that was
cut off in between, by whatever was killed, is carried on from its last step when it is asked for again under its
Idempotency-Key, or when its owner looks at their orders: it is charged once or not at all, and no goods are lost.
Until then it holds them: nobody but its owner can act for its owner, and that is what most of the patterns are about.
"""

from __future__ import annotations

import secrets
import time
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa

from services import bodies, store
from services.peers import Peers
from services.problems import Problem

Order = sa.RowMapping
CUT_OFF = frozenset({"pending", "releasing"})
"""Where an order stands only while somebody carries it through."""
metadata = sa.MetaData()
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("key", sa.String(128), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("placed", sa.Float, nullable=False),
    sa.Column("sku", sa.String, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("amount", sa.Integer),
    sa.Column("charge", sa.String(32)),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("refused_with", sa.Integer),  # the HTTP status of whoever refused
    sa.Column("refused_because", sa.String),
    sa.UniqueConstraint("user", "key"),
)


def begin(engine: sa.Engine, user: str, key: str, wanted: bodies.NewOrder) -> Order:
    """The order that `user` means by `key`: the known one, or a new one; 422 when the key meant another body."""
    known = sa.select(orders).where(orders.c.user == user, orders.c.key == key)
    fingerprint = bodies.fingerprint(wanted)

    def find_or_insert(connection: sa.Connection) -> Order:
        found = connection.execute(known).mappings().one_or_none()
        if found is not None:
            return found
        new = orders.insert().values(id=secrets.token_hex(16), user=user, key=key, fingerprint=fingerprint)
        connection.execute(new.values(sku=wanted.sku, quantity=wanted.quantity, placed=time.time(), status="pending"))
        return connection.execute(known).mappings().one()

    order = store.transact(engine, find_or_insert)
    if order["fingerprint"] != fingerprint:
        raise Problem(422, "Unprocessable Content", "this Idempotency-Key was used for another order")
    return order


def advance(engine: sa.Engine, peers: Peers, order: Order) -> Order:
    """Carry `order` on from wherever it stands to one of its ends; raises a `Refusal` when it cannot get there now."""
    if order["status"] == "pending":
        order = _reserve_and_charge(engine, peers, order)
    if order["status"] == "releasing":
        peers.delete("inventory", f"/reservations/{order['id']}")
        order = _move(engine, order, "releasing", status="declined")
    return order


def outcome(order: Order) -> Order:
    """The order, if it came to something; else the `Problem` that it ended in."""
    if order["refused_with"]:
        raise Problem(order["refused_with"], HTTPStatus(order["refused_with"]).phrase, order["refused_because"])
    return order


def refund(engine: sa.Engine, peers: Peers, order: Order) -> Order:
    """Give the money for a confirmed order back; 409 when none was taken."""
    if order["status"] not in {"confirmed", "refunded"}:
        raise Problem(409, "Conflict", f"an order that is {order['status']} cannot be refunded")
    peers.post("billing", f"/charges/{order['charge']}/refund")
    return _move(engine, order, "confirmed", status="refunded")


def _reserve_and_charge(engine: sa.Engine, peers: Peers, order: Order) -> Order:
    reservation = {"order": order["id"], "sku": order["sku"], "quantity": order["quantity"]}
    try:
        amount = peers.post("inventory", "/reservations", reservation)["price"] * order["quantity"]
    except Problem as problem:
        if problem.status not in {404, 409}:  # only what inventory has decided ends the order
            raise
        return _move(engine, order, "pending", status="rejected", **_refusal(problem))
    try:
        charge = peers.post("billing", "/charges", {"order": order["id"], "amount": amount})["id"]
    except Problem as problem:
        if problem.status != 402:  # only the bank's own no gives the goods back
            raise
        return _move(engine, order, "pending", status="releasing", amount=amount, **_refusal(problem))
    return _move(engine, order, "pending", status="confirmed", amount=amount, charge=charge)


def _move(engine: sa.Engine, order: Order, before: str, **values: Any) -> Order:
    """Take `order` one step on, unless somebody else has; as it stands then."""
    this = orders.c.id == order["id"]

    def step(connection: sa.Connection) -> Order:
        connection.execute(orders.update().where(this, orders.c.status == before).values(**values))
        return connection.execute(sa.select(orders).where(this)).mappings().one()

    return store.transact(engine, step)


def _refusal(problem: Problem) -> dict[str, Any]:
    return {"refused_with": problem.status, "refused_because": problem.extra.get("detail", problem.title)}
