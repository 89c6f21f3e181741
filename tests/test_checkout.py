"""Orders carried through reservation and charge, whatever is killed, repeated or raced: on both stores."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from services import billing, checkout, inventory, orders, store
from services.calling import Callee
from services.identity import Credentials, Unavailable
from services.patterns import pattern
from services.peers import Peers, TooLate
from services.problems import Problem
from services.settings import ServiceName, Settings
from tests import support

pytest_plugins = ("tests.postgres",)

# What orders asks of the others, in the order in which it does.
RESERVE, CHARGE, RELEASE, REFUND = "POST /reservations", "POST /charges", "DELETE /reservations", "POST /refund"
BOOK = {"sku": "book", "quantity": 2}
DEAR = {"sku": "violin", "quantity": 1}  # more than the bank lets anybody spend at once


class Killed(BaseException):
    """The process is gone, between one instruction and the next: nothing may catch this."""


@dataclass
class Shop:
    """Orders, inventory and billing with their real stores, and the wire between them in our hands."""

    directory: Path
    database_url: str | None
    apps: dict[str, flask.Flask] = field(default_factory=dict)
    interfere: Callable[[str, str], None] = lambda when, call: None
    calls: list[str] = field(default_factory=list)

    def start(self, *names: ServiceName) -> None:
        """Start these services, anew if they ran before: what is not in a store is forgotten."""
        for name in names:
            told = support.settings(self.directory, name, "perimeter", DATABASE_URL=self.database_url)
            module = {"orders": orders, "inventory": inventory, "billing": billing}[name]
            self.stop(name)
            self.apps[name] = app = module.application(told)
            app.extensions["peers"] = Wire(told, self)

    def stop(self, name: str) -> None:
        """Let go of a service's store."""
        if name in self.apps:
            self.apps.pop(name).extensions["engine"].dispose()

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, user: str = "alice"
    ) -> TestResponse:
        """What `orders` answers to `user`."""
        headers = {"X-User": user} | ({"Idempotency-Key": key} if key else {})
        client = self.apps["orders"].test_client()
        return client.open(path, method=method, json=body, headers=headers, base_url="http://orders")

    def order(self, body: object = None, key: str = "k", user: str = "alice") -> TestResponse:
        """Place an order."""
        return self.ask("POST", "/orders", body or BOOK, key=key, user=user)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """All that is in a table."""
        owner = {checkout.orders: "orders", billing.charges: "billing"}.get(table, "inventory")
        engine: sa.Engine = self.apps[owner].extensions["engine"]
        return store.transact(engine, lambda c: [dict(row) for row in c.execute(sa.select(table)).mappings()])

    def stock(self, sku: str) -> int:
        """How much of it is on the shelf."""
        return int(next(item["stock"] for item in self.rows(inventory.items) if item["sku"] == sku))

    def put(self, sku: str, stock: int) -> None:
        """Have this much of it on the shelf."""
        engine: sa.Engine = self.apps["inventory"].extensions["engine"]
        change = inventory.items.update().where(inventory.items.c.sku == sku).values(stock=stock)
        store.transact(engine, lambda connection: connection.execute(change))

    def killing(self, when: str, call: str) -> None:
        """Have `orders` killed once, `when` ("before" or "after") that call."""
        left = [(when, call)]

        def interfere(*now: str) -> None:
            if left and now == left[0]:
                left.clear()
                raise Killed

        self.interfere = interfere


class Wire(Peers):
    """Calls other services without a network in between; all the rest of `Peers` is as it is."""

    def __init__(self, settings: Settings, mart: Shop) -> None:
        super().__init__(settings, pattern("perimeter", settings))
        for name in settings.peers:
            self._callees[name] = InProcess(name, mart)


class InProcess(Callee):
    """A service of the mart, asked directly."""

    def __init__(self, audience: str, mart: Shop) -> None:
        self.audience, self.shop = audience, mart

    def ask(
        self, method: str, path: str, presented: Credentials, *, headers: Any, body: Any = None, **_: Any
    ) -> tuple[int, bytes]:
        call = f"{method} /{path.split('/')[-1 if path.endswith('refund') else 1]}"
        self.shop.calls.append(call)
        self.shop.interfere("before", call)
        client = self.shop.apps[self.audience].test_client()
        shown = {**headers, **presented["headers"]}
        answer = client.open(path, method=method, data=body, headers=shown, base_url=f"http://{self.audience}")
        self.shop.interfere("after", call)
        return answer.status_code, answer.data


@pytest.fixture
def mart(tmp_path: Path, database_url: str | None) -> Iterator[Shop]:
    made = Shop(tmp_path, database_url)
    made.start("orders", "inventory", "billing")
    yield made
    for name in list(made.apps):
        made.stop(name)


@pytest.fixture
def sqlite_mart(tmp_path: Path) -> Iterator[Shop]:
    """For what does not depend on the store."""
    made = Shop(tmp_path, None)
    made.start("orders", "inventory", "billing")
    yield made
    for name in list(made.apps):
        made.stop(name)


class TestOneOrder:
    def test_goods_are_reserved_and_then_charged(self, mart: Shop) -> None:
        answer = mart.order()
        assert answer.status_code == 201
        (charge,) = mart.rows(billing.charges)
        (order,) = mart.rows(checkout.orders)
        assert answer.json == {
            "id": order["id"],
            "user": "alice",
            "sku": "book",
            "quantity": 2,
            "amount": 3998,
            "status": "confirmed",
            "charge": charge["id"],
        }
        assert mart.calls == [RESERVE, CHARGE]
        assert mart.stock("book") == 99_998
        assert (charge["order"], charge["user"], charge["amount"], charge["status"]) == (
            order["id"],
            "alice",
            3998,
            "paid",
        )

    def test_without_enough_it_is_rejected_and_nothing_is_charged(self, mart: Shop) -> None:
        answer = mart.order({"sku": "chair", "quantity": 13})
        assert (answer.status_code, answer.get_json(force=True)["detail"]) == (409, "there is not enough of it left")
        assert mart.stock("chair") == 12
        assert mart.rows(billing.charges) == []
        assert [held["status"] for held in mart.rows(inventory.reservations)] == ["refused"]

    def test_what_is_not_on_the_shelf_is_rejected(self, sqlite_mart: Shop) -> None:
        answer = sqlite_mart.order({"sku": "unicorn", "quantity": 1})
        assert (answer.status_code, answer.get_json(force=True)["detail"]) == (
            404,
            "there is no such thing on the shelf",
        )
        assert [order["status"] for order in sqlite_mart.rows(checkout.orders)] == ["rejected"]

    def test_a_declined_charge_puts_the_goods_back(self, mart: Shop) -> None:
        answer = mart.order(DEAR)
        assert (answer.status_code, answer.get_json(force=True)["detail"]) == (402, "the bank declines the charge")
        assert mart.calls == [RESERVE, CHARGE, RELEASE]
        assert mart.stock("violin") == 3
        assert [order["status"] for order in mart.rows(checkout.orders)] == ["declined"]
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["declined"]

    @pytest.mark.parametrize(("body", "status"), [(BOOK, 201), (DEAR, 402), ({"sku": "chair", "quantity": 13}, 409)])
    def test_asked_again_under_the_same_key_it_is_the_same_order(
        self, mart: Shop, body: dict[str, Any], status: int
    ) -> None:
        first = mart.order(body)
        known, calls = mart.rows(checkout.orders), list(mart.calls)
        for _ in range(3):
            again = mart.order(dict(reversed(body.items())))
            assert (again.status_code, again.data) == (first.status_code, first.data) == (status, first.data)
        assert mart.rows(checkout.orders) == known
        assert mart.calls == calls

    def test_another_body_under_the_same_key_is_422_and_changes_nothing(self, mart: Shop) -> None:
        mart.order()
        before = mart.rows(checkout.orders)
        assert mart.order(BOOK | {"quantity": 3}).status_code == 422
        assert mart.order({"sku": "mug", "quantity": 2}).status_code == 422
        assert mart.rows(checkout.orders) == before
        assert mart.calls == [RESERVE, CHARGE]

    def test_another_key_or_another_user_is_another_order(self, mart: Shop) -> None:
        answers = [
            mart.order(),
            mart.order(key="other"),
            mart.order(user="bob"),
            mart.order(BOOK | {"quantity": 3}, "K"),
        ]
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({(answer.json or {})["id"] for answer in answers}) == 4
        assert mart.stock("book") == 100_000 - 9

    def test_without_a_key_there_is_no_order(self, sqlite_mart: Shop) -> None:
        assert sqlite_mart.ask("POST", "/orders", BOOK).status_code == 400
        assert sqlite_mart.rows(checkout.orders) == []

    def test_nobody_orders_for_nobody(self, sqlite_mart: Shop) -> None:
        client = sqlite_mart.apps["orders"].test_client()
        answer = client.post("/orders", json=BOOK, headers={"Idempotency-Key": "k"}, base_url="http://orders")
        assert answer.status_code == 403
        assert sqlite_mart.rows(checkout.orders) == []


STEPS = [(when, call) for call in (RESERVE, CHARGE, RELEASE) for when in ("before", "after")]


class TestKilledInBetween:
    @pytest.mark.parametrize("by", ["asking again", "looking at one's orders"])
    @pytest.mark.parametrize(("when", "call"), STEPS[:4], ids=lambda part: part.replace(" /", "-"))
    def test_a_good_order_comes_to_be_once(self, mart: Shop, when: str, call: str, by: str) -> None:
        mart.killing(when, call)
        with pytest.raises(Killed):
            mart.order()
        mart.start("orders", "inventory", "billing")
        assert [order["status"] for order in mart.rows(checkout.orders)] == ["pending"]
        if by == "asking again":
            assert mart.order().status_code == 201
        else:
            assert [order["status"] for order in mart.ask("GET", "/orders").json or []] == ["confirmed"]
        assert mart.order().status_code == 201
        assert [order["status"] for order in mart.rows(checkout.orders)] == ["confirmed"]
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["paid"]
        assert mart.stock("book") == 99_998

    def test_one_that_a_hundred_others_came_after_comes_to_be_too(self, sqlite_mart: Shop) -> None:
        sqlite_mart.killing(*STEPS[0])
        with pytest.raises(Killed):
            sqlite_mart.order()
        sqlite_mart.start("orders", "inventory", "billing")
        [old] = sqlite_mart.rows(checkout.orders)
        later = [
            {**old, "id": f"{number:032}", "key": f"key-{number}", "placed": old["placed"] + 1, "status": "confirmed"}
            for number in range(100)
        ]
        engine: sa.Engine = sqlite_mart.apps["orders"].extensions["engine"]
        store.transact(engine, lambda connection: connection.execute(checkout.orders.insert(), later))
        assert len(sqlite_mart.ask("GET", "/orders").json or []) == 100
        assert {order["status"] for order in sqlite_mart.rows(checkout.orders)} == {"confirmed"}

    @pytest.mark.parametrize("by", ["asking again", "looking at one's orders"])
    @pytest.mark.parametrize(("when", "call"), STEPS, ids=lambda part: part.replace(" /", "-"))
    def test_a_declined_one_loses_no_goods(self, mart: Shop, when: str, call: str, by: str) -> None:
        mart.killing(when, call)
        with pytest.raises(Killed):
            mart.order(DEAR)
        mart.start("orders", "inventory", "billing")
        if by == "asking again":
            assert mart.order(DEAR).status_code == 402
        else:
            assert [order["status"] for order in mart.ask("GET", "/orders").json or []] == ["declined"]
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["declined"]
        assert mart.stock("violin") == 3

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_refund_is_given_once(self, mart: Shop, when: str) -> None:
        path = f"/orders/{(mart.order().json or {})['id']}/refund"
        mart.killing(when, REFUND)
        with pytest.raises(Killed):
            mart.ask("POST", path)
        assert (mart.ask("POST", path).json or {})["status"] == "refunded"
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["refunded"]

    def test_the_price_is_that_of_the_reservation_even_if_it_has_risen_meanwhile(self, mart: Shop) -> None:
        mart.killing("after", CHARGE)
        with pytest.raises(Killed):
            mart.order()
        engine: sa.Engine = mart.apps["inventory"].extensions["engine"]
        store.transact(engine, lambda connection: connection.execute(inventory.items.update().values(price=9_999)))
        assert (mart.order().json or {})["amount"] == 3998


class TestCutOff:
    """What cannot be finished now says so, and is finished later."""

    @pytest.mark.parametrize("call", [RESERVE, CHARGE, RELEASE])
    @pytest.mark.parametrize(("failure", "status"), [(Unavailable("away"), 503), (TooLate(), 504)], ids=["503", "504"])
    def test_an_outage_is_told_and_the_order_stays_where_it_stands(
        self, sqlite_mart: Shop, call: str, failure: Exception, status: int
    ) -> None:
        def away(when: str, now: str) -> None:
            if (when, now) == ("after", call):  # the answer is lost, the deed is done
                raise failure

        sqlite_mart.interfere = away
        assert sqlite_mart.order(DEAR).status_code == status
        standing = [order["status"] for order in sqlite_mart.rows(checkout.orders)]
        assert standing == ["releasing" if call == RELEASE else "pending"]
        assert [order["status"] for order in sqlite_mart.ask("GET", "/orders").json or []] == standing
        sqlite_mart.interfere = lambda when, now: None
        assert sqlite_mart.order(DEAR).status_code == 402
        assert sqlite_mart.stock("violin") == 3

    @pytest.mark.parametrize("call", [RESERVE, CHARGE])
    @pytest.mark.parametrize("status", [400, 422])
    def test_a_refusal_that_decides_nothing_does_not_end_the_order(
        self, sqlite_mart: Shop, call: str, status: int
    ) -> None:
        def confused(when: str, now: str) -> None:
            if (when, now) == ("before", call):
                raise Problem(status, "Confused", "of no meaning to an order")

        sqlite_mart.interfere = confused
        assert sqlite_mart.order().status_code == status
        assert [order["status"] for order in sqlite_mart.rows(checkout.orders)] == ["pending"]
        sqlite_mart.interfere = lambda when, now: None
        assert sqlite_mart.order().status_code == 201

    def test_nobody_elses_look_carries_an_order_on(self, sqlite_mart: Shop) -> None:
        sqlite_mart.killing("before", RESERVE)
        with pytest.raises(Killed):
            sqlite_mart.order()
        assert sqlite_mart.ask("GET", "/orders", user="bob").json == []
        assert [order["status"] for order in sqlite_mart.rows(checkout.orders)] == ["pending"]


def at_once(work: Callable[[int], Any], times: int) -> list[Any]:
    """What `work` returns, done by as many threads that start together."""
    together = threading.Barrier(times)

    def one(number: int) -> Any:
        together.wait(10)
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.usefixtures("patient")
class TestRaces:
    def test_the_same_key_in_parallel_is_one_order_and_one_charge(self, mart: Shop) -> None:
        answers = at_once(lambda _: mart.order(), 8)
        assert [answer.status_code for answer in answers] == [201] * 8
        assert len({answer.data for answer in answers}) == 1
        assert len(mart.rows(checkout.orders)) == len(mart.rows(billing.charges)) == 1
        assert mart.stock("book") == 99_998

    def test_the_same_declined_order_in_parallel_loses_no_goods(self, mart: Shop) -> None:
        answers = at_once(lambda _: mart.order(DEAR), 6)
        assert [answer.status_code for answer in answers] == [402] * 6
        assert len(mart.rows(checkout.orders)) == len(mart.rows(billing.charges)) == 1
        assert mart.stock("violin") == 3

    def test_the_last_one_goes_to_one(self, mart: Shop) -> None:
        mart.put("lamp", 1)
        statuses = at_once(lambda n: mart.order({"sku": "lamp", "quantity": 1}, f"k{n}", f"user{n}").status_code, 10)
        assert Counter(statuses) == {201: 1, 409: 9}
        assert mart.stock("lamp") == 0
        assert Counter(order["status"] for order in mart.rows(checkout.orders)) == {"confirmed": 1, "rejected": 9}
        assert len(mart.rows(billing.charges)) == 1

    def test_however_much_is_wanted_what_went_out_and_what_is_left_is_what_there_was(self, mart: Shop) -> None:
        wanted = [(number % 5) + 1 for number in range(12)]
        at_once(lambda n: mart.order({"sku": "chair", "quantity": wanted[n]}, f"k{n}", f"user{n}"), 12)
        confirmed = [order for order in mart.rows(checkout.orders) if order["status"] == "confirmed"]
        declined = [order for order in mart.rows(checkout.orders) if order["status"] == "declined"]
        assert mart.stock("chair") == 12 - sum(order["quantity"] for order in confirmed) >= 0
        assert len(mart.rows(billing.charges)) == len(confirmed) + len(declined)

    def test_two_who_carry_on_the_same_order_agree_even_if_goods_come_back_in_between(self, mart: Shop) -> None:
        """One hears that there is not enough; then goods come back, the other reserves them, and is about to charge."""
        lamp = {"sku": "lamp", "quantity": 1}
        mart.put("lamp", 0)
        heard_no, reserved, written_down = threading.Event(), threading.Event(), threading.Event()

        def interfere(when: str, call: str) -> None:
            if (when, call) == ("after", RESERVE) and not heard_no.is_set():
                mart.put("lamp", 1)
                heard_no.set()
                reserved.wait(10)
            elif (when, call) == ("before", CHARGE):
                reserved.set()
                written_down.wait(10)

        def first() -> TestResponse:
            try:
                return mart.order(lamp)
            finally:
                written_down.set()

        def second() -> TestResponse:
            heard_no.wait(10)
            try:
                return mart.order(lamp)
            finally:
                reserved.set()  # in case it never got as far as a charge

        mart.interfere = interfere
        with ThreadPoolExecutor(2) as pool:
            answers = [future.result() for future in (pool.submit(first), pool.submit(second))]
        (order,) = mart.rows(checkout.orders)
        paid = [charge for charge in mart.rows(billing.charges) if charge["status"] == "paid"]
        assert (order["status"], len(paid), mart.stock("lamp")) in [("confirmed", 1, 0), ("rejected", 0, 1)]
        assert answers[0].status_code == answers[1].status_code

    def test_whoever_was_slow_does_not_undo_what_has_come_since(self, mart: Shop) -> None:
        """One has charged and not yet written it down; another finishes the order, and has it refunded."""
        others: list[int] = []

        def interfere(when: str, call: str) -> None:
            if (when, call) == ("after", CHARGE) and not others:
                others.append(0)
                order = mart.order().json or {}
                others.append(mart.ask("POST", f"/orders/{order['id']}/refund").status_code)

        mart.interfere = interfere
        assert (mart.order().json or {})["status"] == "refunded"
        assert others == [0, 200]
        assert [order["status"] for order in mart.rows(checkout.orders)] == ["refunded"]

    def test_a_refund_asked_for_many_times_at_once_is_given_once(self, mart: Shop) -> None:
        path = f"/orders/{(mart.order().json or {})['id']}/refund"
        answers = at_once(lambda _: mart.ask("POST", path), 6)
        assert {(answer.json or {})["status"] for answer in answers} == {"refunded"}
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["refunded"]


class TestRefunds:
    def test_a_confirmed_order_is_refunded_and_stays_so(self, mart: Shop) -> None:
        placed = mart.order()
        path = f"/orders/{(placed.json or {})['id']}/refund"
        for _ in range(2):
            assert (mart.ask("POST", path).json or {})["status"] == "refunded"
        assert [charge["status"] for charge in mart.rows(billing.charges)] == ["refunded"]
        assert (mart.order().json or {})["status"] == "refunded"
        assert len(mart.rows(billing.charges)) == 1

    @pytest.mark.parametrize(("body", "status"), [(DEAR, "declined"), ({"sku": "chair", "quantity": 13}, "rejected")])
    def test_what_was_not_paid_is_not_refunded(self, sqlite_mart: Shop, body: dict[str, Any], status: str) -> None:
        sqlite_mart.order(body)
        (order,) = sqlite_mart.rows(checkout.orders)
        answer = sqlite_mart.ask("POST", f"/orders/{order['id']}/refund")
        assert answer.status_code == 409
        assert answer.get_json(force=True)["detail"] == f"an order that is {status} cannot be refunded"
        assert REFUND not in sqlite_mart.calls

    def test_what_is_not_there_is_not_refunded(self, sqlite_mart: Shop) -> None:
        assert sqlite_mart.ask("POST", f"/orders/{'0' * 32}/refund").status_code == 404


class TestTheOthers:
    """What inventory and billing hold against whoever calls them."""

    @staticmethod
    def call(mart: Shop, name: str, method: str, path: str, body: object = None, user: str = "alice") -> TestResponse:
        client = mart.apps[name].test_client()
        return client.open(path, method=method, json=body, headers={"X-User": user}, base_url=f"http://{name}")

    @pytest.fixture
    def order(self, sqlite_mart: Shop) -> dict[str, Any]:
        sqlite_mart.order()
        return sqlite_mart.rows(checkout.orders)[0]

    def test_another_users_reservation_can_neither_be_had_nor_released(
        self, sqlite_mart: Shop, order: dict[str, Any]
    ) -> None:
        wanted = BOOK | {"order": order["id"]}
        assert self.call(sqlite_mart, "inventory", "POST", "/reservations", wanted, "bob").status_code == 409
        assert (
            self.call(sqlite_mart, "inventory", "DELETE", f"/reservations/{order['id']}", user="bob").status_code == 404
        )
        assert sqlite_mart.stock("book") == 99_998

    def test_a_released_reservation_stays_released(self, sqlite_mart: Shop, order: dict[str, Any]) -> None:
        for _ in range(2):
            answer = self.call(sqlite_mart, "inventory", "DELETE", f"/reservations/{order['id']}")
            assert (answer.json or {})["status"] == "released"
        assert sqlite_mart.stock("book") == 100_000
        wanted = BOOK | {"order": order["id"]}
        assert self.call(sqlite_mart, "inventory", "POST", "/reservations", wanted).status_code == 409

    @pytest.mark.parametrize(("user", "amount"), [("bob", 3998), ("alice", 1)])
    def test_an_order_has_one_charge(self, sqlite_mart: Shop, order: dict[str, Any], user: str, amount: int) -> None:
        wanted = {"order": order["id"], "amount": amount}
        assert self.call(sqlite_mart, "billing", "POST", "/charges", wanted, user).status_code == 409
        assert len(sqlite_mart.rows(billing.charges)) == 1

    def test_what_was_refunded_is_not_charged_again(self, sqlite_mart: Shop, order: dict[str, Any]) -> None:
        sqlite_mart.ask("POST", f"/orders/{order['id']}/refund")
        wanted = {"order": order["id"], "amount": order["amount"]}
        assert self.call(sqlite_mart, "billing", "POST", "/charges", wanted).status_code == 409

    def test_a_declined_charge_is_not_given_back(self, sqlite_mart: Shop) -> None:
        sqlite_mart.order(DEAR)
        (charge,) = sqlite_mart.rows(billing.charges)
        assert self.call(sqlite_mart, "billing", "POST", f"/charges/{charge['id']}/refund").status_code == 409

    def test_a_refused_reservation_stays_refused_even_if_goods_come_back(self, sqlite_mart: Shop) -> None:
        sqlite_mart.order({"sku": "chair", "quantity": 13})
        (order,) = sqlite_mart.rows(checkout.orders)
        sqlite_mart.put("chair", 50)
        wanted = {"order": order["id"], "sku": "chair", "quantity": 13}
        assert self.call(sqlite_mart, "inventory", "POST", "/reservations", wanted).status_code == 409
        assert self.call(sqlite_mart, "inventory", "DELETE", f"/reservations/{order['id']}").status_code == 200
        assert sqlite_mart.stock("chair") == 50

    def test_the_shelf_is_filled_once(self, sqlite_mart: Shop) -> None:
        sqlite_mart.order()
        sqlite_mart.start("inventory")
        assert sqlite_mart.stock("book") == 99_998

    def test_the_store_itself_refuses_a_second_charge(self, sqlite_mart: Shop, order: dict[str, Any]) -> None:
        again = {"id": "0" * 32, "order": order["id"], "user": "alice", "amount": 3998, "status": "paid"}
        engine: sa.Engine = sqlite_mart.apps["billing"].extensions["engine"]
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(billing.charges.insert().values(**again))

    def test_the_store_itself_refuses_less_than_nothing(self, sqlite_mart: Shop) -> None:
        engine: sa.Engine = sqlite_mart.apps["inventory"].extensions["engine"]
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(inventory.items.update().values(stock=-1))


def test_an_order_says_nothing_of_what_is_inside(sqlite_mart: Shop) -> None:
    inner = {"fingerprint", "key", "placed", "refused_with", "refused_because"}
    assert inner.isdisjoint(json.loads(sqlite_mart.order().data))
    assert inner.isdisjoint((sqlite_mart.ask("GET", "/orders").json or [{}])[0])
