"""Billing: one charge per order, or none.

A charge is made under its order's id, so making it twice makes it once, and a declined one stays declined.
"""

from __future__ import annotations

import secrets
from typing import Any

import flask
import sqlalchemy as sa

from services import bodies, policy, store
from services.app import create_app, identity, requires
from services.problems import Problem
from services.settings import Settings

metadata = sa.MetaData()
charges = sa.Table(
    "charges",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("order", sa.String(32), nullable=False, unique=True),
    sa.Column("user", sa.String, nullable=False, index=True),
    sa.Column("amount", sa.Integer, nullable=False),
    sa.Column("status", sa.String, nullable=False),  # paid, declined, refunded
)
LIMIT = 100_000  # Demo: the bank declines any charge above 1,000.00; a real one decides for itself
views = flask.Blueprint("billing", __name__)


@views.post("/charges")
@requires("charges:write")
def charge() -> tuple[dict[str, Any], int]:
    """Take the money for an order, once however often it is asked."""
    wanted = bodies.read(bodies.NewCharge)
    user = policy.person(identity())
    made = store.transact(store.engine(), lambda connection: _charge(connection, wanted, user))
    if made["status"] == "declined":
        raise Problem(402, "Payment Required", "the bank declines the charge")
    return made, 201


@views.get("/charges")
@requires("charges:read")
def list_charges() -> list[dict[str, Any]]:
    """The user's own charges, the newest hundred."""
    own = sa.select(charges).where(charges.c.user == policy.person(identity())).limit(100)
    return store.transact(store.engine(), lambda connection: [dict(row) for row in connection.execute(own).mappings()])


@views.get("/charges/<reference:charge_id>")
@requires("charges:read")
def show_charge(charge_id: str) -> dict[str, Any]:
    """One charge, to whom it concerns."""
    return store.transact(store.engine(), lambda connection: _find(connection, charge_id))


@views.post("/charges/<reference:charge_id>/refund")
@requires("charges:refund")
def refund(charge_id: str) -> dict[str, Any]:
    """Give the money back, once however often it is asked."""
    return store.transact(store.engine(), lambda connection: _refund(connection, charge_id))


def application(settings: Settings) -> flask.Flask:
    """The billing service."""
    engine = store.open_store(settings, metadata)
    app = create_app(settings, views, ready=lambda: store.answers(engine))
    app.extensions["engine"] = engine
    return app


def _charge(connection: sa.Connection, wanted: bodies.NewCharge, user: str) -> dict[str, Any]:
    known = connection.execute(sa.select(charges).where(charges.c.order == wanted.order)).mappings().one_or_none()
    if known is None:
        status = "paid" if wanted.amount <= LIMIT else "declined"
        row = {"id": secrets.token_hex(16), "order": wanted.order, "user": user, "amount": wanted.amount}
        connection.execute(charges.insert().values(**row, status=status))
        return {**row, "status": status}
    if known["user"] != user or known["amount"] != wanted.amount or known["status"] == "refunded":
        raise Problem(409, "Conflict", "this order has a different charge already")
    return dict(known)


def _refund(connection: sa.Connection, charge_id: str) -> dict[str, Any]:
    found = _find(connection, charge_id)
    if found["status"] == "declined":
        raise Problem(409, "Conflict", "nothing was paid, so there is nothing to give back")
    connection.execute(charges.update().where(charges.c.id == charge_id).values(status="refunded"))
    return {**found, "status": "refunded"}


def _find(connection: sa.Connection, charge_id: str) -> dict[str, Any]:
    """The charge, if the caller may know of it; otherwise it does not exist for them."""
    found = connection.execute(sa.select(charges).where(charges.c.id == charge_id)).mappings().one_or_none()
    if found is None or not policy.may_see(identity(), found["user"], "charges:read:any"):
        raise Problem(404, "Not Found", "there is no such charge")
    return dict(found)
