"""Inventory: what there is, and what is set aside for whom.

A reservation is decided once, under its order's id: asked again it gives the same answer, a refusal too, or two tries
of one order could end differently.  Stock never falls below zero, since the statement that takes it checks it.
"""

from __future__ import annotations

from typing import Any

import flask
import sqlalchemy as sa

from services import bodies, policy, store
from services.app import create_app, identity, requires
from services.problems import Problem
from services.settings import Settings

metadata = sa.MetaData()
items = sa.Table(
    "items",
    metadata,
    sa.Column("sku", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("price", sa.Integer, nullable=False),
    sa.Column("stock", sa.Integer, sa.CheckConstraint("stock >= 0"), nullable=False),
)
reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # the order's id
    sa.Column("user", sa.String, nullable=False),
    sa.Column("sku", sa.ForeignKey("items.sku"), nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("price", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),  # held, refused, released
)
# Demo: a fixed shelf.  Prices are in cents; the violin costs more than the demo bank lets anybody spend at once.
SHELF = [
    {"sku": "book", "title": "A book about locks", "price": 1999, "stock": 100_000},
    {"sku": "mug", "title": "A mug with a keyhole", "price": 899, "stock": 250},
    {"sku": "lamp", "title": "A lamp for late nights", "price": 4500, "stock": 40},
    {"sku": "chair", "title": "A chair to think in", "price": 12_900, "stock": 12},
    {"sku": "violin", "title": "A violin", "price": 149_900, "stock": 3},
]
views = flask.Blueprint("inventory", __name__)


@views.get("/items")
@requires("items:read")
def list_items() -> list[dict[str, Any]]:
    """The shelf."""
    shelf = sa.select(items).order_by(items.c.price)
    return store.transact(
        store.engine(), lambda connection: [dict(row) for row in connection.execute(shelf).mappings()]
    )


@views.get("/items/<sku:sku>")
@requires("items:read")
def show_item(sku: str) -> dict[str, Any]:
    """One thing on the shelf."""
    return store.transact(store.engine(), lambda connection: _item(connection, sku))


@views.post("/reservations")
@requires("stock:reserve")
def reserve() -> tuple[dict[str, Any], int]:
    """Set goods aside for an order, once however often it is asked."""
    wanted = bodies.read(bodies.NewReservation)
    user = policy.person(identity())
    made = store.transact(store.engine(), lambda connection: _reserve(connection, wanted, user))
    if made["user"] != user or made["status"] == "released":
        raise Problem(409, "Conflict", "this order's reservation is over")
    if made["status"] == "refused":  # raised out here, where no rollback forgets it
        raise Problem(409, "Conflict", "there is not enough of it left")
    return made, 201


@views.delete("/reservations/<reference:order>")
@requires("stock:reserve")
def release(order: str) -> dict[str, Any]:
    """Put goods back on the shelf, once however often it is asked."""
    user = policy.person(identity())
    return store.transact(store.engine(), lambda connection: _release(connection, order, user))


def application(settings: Settings) -> flask.Flask:
    """The inventory service."""
    engine = store.open_store(settings, metadata)
    _stock(engine)
    app = create_app(settings, views, ready=lambda: store.answers(engine))
    app.extensions["engine"] = engine
    return app


def _stock(engine: sa.Engine) -> None:
    """Fill an empty shelf."""

    def fill(connection: sa.Connection) -> None:
        if not connection.scalar(sa.select(sa.func.count()).select_from(items)):
            connection.execute(items.insert(), SHELF)

    store.transact(engine, fill)


def _item(connection: sa.Connection, sku: str) -> dict[str, Any]:
    found = connection.execute(sa.select(items).where(items.c.sku == sku)).mappings().one_or_none()
    if found is None:
        raise Problem(404, "Not Found", "there is no such thing on the shelf")
    return dict(found)


def _reserve(connection: sa.Connection, wanted: bodies.NewReservation, user: str) -> dict[str, Any]:
    """The reservation of an order as it was decided, now or before."""
    known = _reservation(connection, wanted.order)
    if known is not None:
        return known
    price = _item(connection, wanted.sku)["price"]
    enough = items.update().where(items.c.sku == wanted.sku, items.c.stock >= wanted.quantity)
    taken = connection.execute(enough.values(stock=items.c.stock - wanted.quantity)).rowcount
    row: dict[str, Any] = {
        "id": wanted.order,
        "user": user,
        "sku": wanted.sku,
        "quantity": wanted.quantity,
        "price": price,
    }
    row |= {"status": "held" if taken else "refused"}
    connection.execute(reservations.insert().values(**row))  # its key settles a race: whoever comes second looks again
    return row


def _release(connection: sa.Connection, order: str, user: str) -> dict[str, Any]:
    known = _reservation(connection, order)
    if known is None or known["user"] != user:
        raise Problem(404, "Not Found", "there is no such reservation")
    mine = reservations.update().where(reservations.c.id == order, reservations.c.status == "held")
    if connection.execute(mine.values(status="released")).rowcount:
        back = items.update().where(items.c.sku == known["sku"])
        connection.execute(back.values(stock=items.c.stock + known["quantity"]))
    return known | {"status": "released"}


def _reservation(connection: sa.Connection, order: str) -> dict[str, Any] | None:
    found = connection.execute(sa.select(reservations).where(reservations.c.id == order)).mappings().one_or_none()
    return None if found is None else dict(found)
