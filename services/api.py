"""The gateway for programs: JSON under /api, for whoever shows a credential with each request."""

from __future__ import annotations

from typing import Any

import flask

from services import bodies, policy
from services.app import identity, peers, requires
from services.problems import Problem

views = flask.Blueprint("api", __name__, url_prefix="/api")


@views.get("/me")
@requires("items:read")
def me() -> dict[str, Any]:
    """Who I am to the shop."""
    found = identity()
    return {
        "user": found.user,
        "scopes": sorted(found.scopes),
        "pattern": flask.current_app.extensions["settings"].pattern,
    }


@views.get("/items")
@requires("items:read")
def list_items() -> Any:
    """The shelf."""
    return peers().get("inventory", "/items")


@views.get("/items/<sku:sku>")
@requires("items:read")
def show_item(sku: str) -> Any:
    """One thing on the shelf."""
    return peers().get("inventory", f"/items/{sku}")


@views.post("/orders")
@requires("orders:write")
def place_order() -> tuple[Any, int]:
    """Place an order."""
    wanted = bodies.read(bodies.NewOrder)
    return peers().post("orders", "/orders", wanted.model_dump(), key=bodies.idempotency_key()), 201


@views.get("/orders")
@requires("orders:read")
def list_orders() -> Any:
    """My orders."""
    return peers().get("orders", "/orders")


@views.get("/orders/<reference:order_id>")
@requires("orders:read")
def show_order(order_id: str) -> Any:
    """One order, mine unless I am support."""
    return order_for(order_id)


@views.post("/orders/<reference:order_id>/refund")
@requires("orders:refund")
def refund(order_id: str) -> Any:
    """Give the money back."""
    return peers().post("orders", f"/orders/{order_id}/refund")


def order_for(order_id: str) -> dict[str, Any]:
    """The order, if it is the person's own or they may read any: at the edge this is decided in every pattern."""
    order: dict[str, Any] = peers().get("orders", f"/orders/{order_id}")
    if not policy.may_see(identity(), order["user"], "orders:read:any"):
        raise Problem(404, "Not Found", "there is no such order")
    return order
