"""Orders: what people have ordered, and what became of it.

The views are thin; carrying an order through reservation and charge is `checkout`'s work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask
import sqlalchemy as sa
from werkzeug.exceptions import HTTPException

from services import bodies, checkout, policy, store
from services.app import create_app, identity, peers, requires
from services.checkout import orders
from services.identity import Refusal, StoreUnavailable
from services.problems import Problem
from services.settings import Settings

views = flask.Blueprint("orders", __name__)


@views.post("/orders")
@requires("orders:write")
def place_order() -> tuple[dict[str, Any], int]:
    """Place an order, once however often it is asked under the same Idempotency-Key."""
    key, wanted = bodies.idempotency_key(), bodies.read(bodies.NewOrder)
    order = checkout.begin(store.engine(), policy.person(identity()), key, wanted)
    return _shown(checkout.outcome(checkout.advance(store.engine(), peers(), order))), 201


@views.get("/orders")
@requires("orders:read")
def list_orders() -> list[dict[str, Any]]:
    """The user's own orders, the newest hundred; those that were cut off, however long ago, are carried on first."""
    own = sa.select(orders).where(orders.c.user == policy.person(identity())).limit(100)
    _carried_on(_read(own.where(orders.c.status.in_(checkout.CUT_OFF)).order_by(orders.c.placed)))
    return [_shown(order) for order in _read(own.order_by(orders.c.placed.desc()))]


@views.get("/orders/<reference:order_id>")
@requires("orders:read")
def show_order(order_id: str) -> dict[str, Any]:
    """One order, to whom it concerns."""
    return _shown(*_carried_on([_find(order_id)]))


@views.post("/orders/<reference:order_id>/refund")
@requires("orders:refund")
def refund(order_id: str) -> dict[str, Any]:
    """Give the money back."""
    return _shown(checkout.refund(store.engine(), peers(), _find(order_id)))


def application(settings: Settings) -> flask.Flask:
    """The orders service."""
    engine = store.open_store(settings, checkout.metadata)
    app = create_app(settings, views, ready=lambda: store.answers(engine))
    app.extensions["engine"] = engine
    return app


def _read(wanted: sa.Select[Any]) -> Sequence[checkout.Order]:
    return store.transact(store.engine(), lambda connection: connection.execute(wanted).mappings().all())


def _carried_on(found: Sequence[checkout.Order]) -> list[checkout.Order]:
    """The orders, the user's own taken to their ends where they were cut off; after a failure the rest have to wait."""
    shown, works = [], True
    for order in found:
        if works and order["status"] in checkout.CUT_OFF and order["user"] == identity().user:
            try:
                order = checkout.advance(store.engine(), peers(), order)
            except (Refusal, HTTPException, Problem, StoreUnavailable):
                works = False
        shown.append(order)
    return shown


def _find(order_id: str) -> checkout.Order:
    """The order, if the caller may know of it; otherwise it does not exist for them."""
    wanted = sa.select(orders).where(orders.c.id == order_id)
    found = store.transact(store.engine(), lambda connection: connection.execute(wanted).mappings().one_or_none())
    if found is None or not policy.may_see(identity(), found["user"], "orders:read:any"):
        raise Problem(404, "Not Found", "there is no such order")
    return found


def _shown(order: checkout.Order) -> dict[str, Any]:
    """An order as the outside sees it."""
    return {name: order[name] for name in ("id", "user", "sku", "quantity", "amount", "status", "charge")}
