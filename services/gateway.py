"""The gateway: the one door of the shop, with an API for programs and pages for people.

It authenticates at the edge, decides what a person may do in every pattern, and calls the services for them.
"""

from __future__ import annotations

from typing import Any

import flask

from services import bodies, pages, policy
from services.app import create_app, identity, peers, requires
from services.edge import Edge
from services.problems import Problem
from services.settings import Settings

api = flask.Blueprint("api", __name__, url_prefix="/api")


@api.get("/me")
@requires("items:read")
def me() -> dict[str, Any]:
    """Who I am to the shop."""
    found = identity()
    return {
        "user": found.user,
        "scopes": sorted(found.scopes),
        "pattern": flask.current_app.extensions["settings"].pattern,
    }


@api.get("/items")
@requires("items:read")
def list_items() -> Any:
    """The shelf."""
    return peers().get("inventory", "/items")


@api.get("/items/<sku>")
@requires("items:read")
def show_item(sku: str) -> Any:
    """One thing on the shelf."""
    return peers().get("inventory", f"/items/{checked(sku)}")


@api.post("/orders")
@requires("orders:write")
def place_order() -> tuple[Any, int]:
    """Place an order."""
    wanted = bodies.read(bodies.NewOrder)
    return peers().post("orders", "/orders", wanted.model_dump(), key=bodies.idempotency_key()), 201


@api.get("/orders")
@requires("orders:read")
def list_orders() -> Any:
    """My orders."""
    return peers().get("orders", "/orders")


@api.get("/orders/<order_id>")
@requires("orders:read")
def show_order(order_id: str) -> Any:
    """One order, mine unless I am support."""
    return order_for(order_id)


@api.post("/orders/<order_id>/refund")
@requires("orders:refund")
def refund(order_id: str) -> Any:
    """Give the money back."""
    return peers().post("orders", f"/orders/{checked(order_id)}/refund")


def order_for(order_id: str) -> dict[str, Any]:
    """The order, if it is the person's own or they may read any: at the edge this is decided in every pattern."""
    order: dict[str, Any] = peers().get("orders", f"/orders/{checked(order_id)}")
    if not policy.may_see(identity(), order["user"], "orders:read:any"):
        raise Problem(404, "Not Found", "there is no such order")
    return order


def checked(name: str) -> str:
    """A name from a path, fit to be put into another one."""
    if not (name.isascii() and name.isalnum() and len(name) <= 64):
        raise Problem(404, "Not Found")
    return name


def application(settings: Settings) -> flask.Flask:
    """The gateway."""
    edge = Edge(settings)
    views = flask.Blueprint("gateway", __name__)
    views.register_blueprint(api)
    views.register_blueprint(pages.views)
    app = create_app(settings, views, lambda: None, edge.authenticate, edge.guard.challenge)
    app.extensions |= {"settings": settings, "edge": edge}
    pages.install(app, settings, edge)
    return app
