"""Whose orders one sees: where the person is proven, the service itself decides."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import flask
import pytest

from services import bodies, checkout, orders, policy, store
from services.app import create_app
from services.identity import Identity
from services.problems import Problem
from tests import support


class Place:
    """The orders service without a network, where a header says who is proven; what it calls is counted."""

    def __init__(self, directory: Path) -> None:
        told = support.settings(directory, "orders", "perimeter")
        self.engine = store.open_store(told, checkout.metadata)
        self.calls: list[str] = []
        self.app = create_app(told, orders.views, lambda: None, self._proven)
        self.app.extensions |= {"engine": self.engine, "peers": self}

    def _proven(self, request: flask.Request) -> Identity:
        who = request.headers["Who"]
        scopes = policy.SUPPORT if who == "carol" else policy.CUSTOMER
        return Identity("cli", who, scopes, "signature", "")

    def post(self, audience: str, path: str, *_: Any, **__: Any) -> Any:
        """What a call to another service would come to: nothing, for now."""
        self.calls.append(f"{audience}{path}")
        raise Problem(500, "Internal Server Error")

    def ask(self, who: str, path: str) -> Any:
        """What the service answers to `who`."""
        return self.app.test_client().get(path, headers={"Who": who}, base_url="http://orders")

    def order_of(self, who: str) -> str:
        """The id of an order of theirs that was cut off."""
        wanted = bodies.NewOrder(sku="book", quantity=1)
        found: str = checkout.begin(self.engine, who, secrets.token_hex(8), wanted)["id"]
        return found


@pytest.fixture
def place(tmp_path: Path) -> Any:
    made = Place(tmp_path)
    yield made
    made.engine.dispose()


def test_somebody_elses_order_does_not_exist_where_the_person_is_proven(place: Place) -> None:
    order = place.order_of("alice")
    assert place.ask("mallory", f"/orders/{order}").status_code == 404
    assert place.ask("mallory", f"/orders/{order}").json == place.ask("mallory", f"/orders/{'0' * 32}").json
    assert place.calls == []


def test_support_sees_anybodys_order(place: Place) -> None:
    assert place.ask("carol", f"/orders/{place.order_of('alice')}").json["user"] == "alice"


def test_a_list_holds_ones_own_orders_only(place: Place) -> None:
    own = place.order_of("bob")
    place.order_of("alice")
    for who, expected in (("bob", [own]), ("carol", [])):
        assert [order["id"] for order in place.ask(who, "/orders").json] == expected


def test_supports_look_does_not_carry_an_order_on(place: Place) -> None:
    order = place.order_of("alice")
    assert place.ask("carol", f"/orders/{order}").json["status"] == "pending"
    assert place.calls == []


def test_the_owners_look_does(place: Place) -> None:
    order = place.order_of("alice")
    assert place.ask("alice", f"/orders/{order}").json["status"] == "pending"
    assert place.calls == ["inventory/reservations"]


def test_a_path_has_one_spelling(place: Place) -> None:
    order = place.order_of("alice")
    for path in (f"/orders//{order}", "/orders//", f"/orders/{order}/"):
        assert place.ask("carol", path).status_code == 404
