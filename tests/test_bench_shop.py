"""What the experiments at shops and chains rest on: locks that are proven, tokens that exist, figures put together."""

from __future__ import annotations

import importlib
import itertools
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from compose.local import LocalShop
from compose.provision import provision
from compose.topology import INSIDE, PATTERNS, PEOPLE, Ports
from idp import key_files
from idp.store import Store, tokens
from scenarios.bench import anatomy, hashing, lifetimes, links, openings, proof
from scenarios.bench.asking import asked
from scenarios.bench.caller import Caller
from scenarios.bench.chain import FIRST, Chain
from scenarios.bench.contest import Course, NotProven, Sample
from scenarios.bench.crls import CLIENT, SERVER, Ends, server_side
from scenarios.bench.experiments import curves, growth, hops, order
from scenarios.bench.introspecting import Introspecting
from scenarios.bench.issuing import Issuing
from scenarios.bench.load import Bounds
from scenarios.bench.statistics import spread
from scenarios.bench.wire import Connection, Target, Unexpected
from scenarios.shopper import Shopper
from services import policy, tls
from services.app import create_app
from tests.loopback import Answer, Door, http, says
from tests.support import settings

ANYWHERE = Target("http://127.0.0.1:1/", {})
SERVED = http("200 OK", b'{"hops": 1}')
REFUSED = http("401 Unauthorized", b"{}")


# -- proof -------------------------------------------------------------------------------------------------------------


def test_a_lock_that_lets_anybody_in_is_not_proven() -> None:
    with pytest.raises(NotProven, match="its lock is off"):
        proof.locked("orders", ANYWHERE, is_open=False, ask=lambda _: (200, b""))


def test_a_door_that_was_to_be_open_and_is_not_is_not_proven() -> None:
    with pytest.raises(NotProven, match="was to be open, and refuses: 403"):
        proof.locked("orders", ANYWHERE, is_open=True, ask=lambda _: (403, b""))


def test_a_handshake_that_does_not_come_about_is_a_refusal() -> None:
    def ask(_: Target) -> tuple[int, bytes]:
        raise ssl.SSLError("certificate required")

    assert "no handshake: SSLError" in proof.locked("orders", ANYWHERE, is_open=False, ask=ask)
    with pytest.raises(NotProven, match="does not answer whoever has the right credential"):
        proof.opens("orders", ANYWHERE, ask=ask)


def test_a_right_credential_that_is_refused_proves_nothing() -> None:
    with pytest.raises(NotProven, match="refuses the right credential: 401"):
        proof.opens("orders", ANYWHERE, ask=lambda _: (401, b""))


@pytest.mark.parametrize(
    ("pattern", "answer", "otherwise"),
    [("mtls", SERVED, "its lock is off"), ("perimeter", REFUSED, "was to be open")],
)
def test_a_chain_whose_lock_is_not_as_its_pattern_says_is_not_timed(
    pattern: str, answer: bytes, otherwise: str, tmp_path: Path
) -> None:
    with Door(says(answer)) as door, pytest.raises(NotProven, match=otherwise):
        chain_at(door, pattern, tmp_path).prove()


def test_a_chain_that_is_passed_in_part_only_is_not_timed(tmp_path: Path) -> None:
    with Door(says(http("200 OK", b'{"hops": 0}'))) as door, pytest.raises(NotProven, match="does not pass"):
        chain_at(door, "perimeter", tmp_path).prove()
    with Door(says(SERVED)) as door:
        assert chain_at(door, "perimeter", tmp_path).prove()[0] == "orders serves anybody"


def chain_at(door: Door, pattern: str, root: Path) -> Chain:
    """A chain of one link, which is that door; in the clear, whatever its pattern."""
    return Chain(pattern, LocalShop("perimeter", Ports(), root), {FIRST: door.url}, None, 0, [])


def a_shop(gateway_is_open: bool = False, inside_is_open: bool = False) -> Answer:
    """A gateway and all services, behind one door: they look at what is shown, or do not."""

    def answer(request: bytes, connection: socket.socket) -> bool:
        at_gateway = b"/api/orders" in request
        shown = b"Authorization: " + order.credential("mtls", alice()).popitem()[1].encode() in request
        served = gateway_is_open or shown if at_gateway else inside_is_open
        connection.sendall(http("201 Created", b"{}") if served else REFUSED)
        return True

    return answer


def alice() -> Shopper:
    return cast(Shopper, SimpleNamespace(who="alice", password="wonderland"))


def counter_at(door: Door, pattern: str, root: Path) -> order.Counter:
    everywhere = Ports(door.port, door.port, door.port, door.port, door.port, door.port)
    return order.Counter(LocalShop(pattern, everywhere, root), [alice()], {})


@pytest.mark.parametrize(
    ("pattern", "wrong", "otherwise"),
    [
        ("mtls", {"gateway_is_open": True}, "the gateway serves"),
        ("mtls", {"inside_is_open": True}, "orders serves whoever"),
        ("perimeter", {}, "orders was to be open"),
    ],
)
def test_orders_are_not_timed_at_a_shop_whose_locks_are_not_as_its_pattern_says(
    pattern: str, wrong: dict[str, bool], otherwise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "client_context", lambda *_: None)  # the door speaks in the clear
    with Door(a_shop(**wrong)) as door, pytest.raises(NotProven, match=otherwise):
        counter_at(door, pattern, tmp_path).prove()


def test_orders_are_timed_at_a_shop_whose_locks_are_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "client_context", lambda *_: None)
    with Door(a_shop()) as door:
        assert "an order is placed" in counter_at(door, "mtls", tmp_path).prove()[-1]


def test_an_identity_provider_that_calls_every_token_live_is_not_asked_what_that_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "client_context", lambda *_: None)
    (tmp_path / "client_secret").write_text("hush")
    for said in (b'{"active": true}', b'{"active": false}'):
        with Door(says(http("200 OK", said))) as door:
            shop = SimpleNamespace(issuer=door.url, tls_dir=lambda _: tmp_path, secrets_dir=lambda _: tmp_path)
            there = SimpleNamespace(shop=shop, issuing=SimpleNamespace(token=lambda: "issued"))
            with pytest.raises(NotProven, match="does not tell live tokens from others"):
                Introspecting(cast(Chain, there)).prove()


# -- asking ------------------------------------------------------------------------------------------------------------


def test_a_turn_ends_with_its_requests_or_its_time() -> None:
    with Door(says(SERVED)) as door, Connection(Target(door.url, {})) as connection:
        requests = [Target(door.url, {"N": str(number)}).octets() for number in range(3)]
        assert len(asked(connection, requests, Bounds(7, 9))) == 7
        assert door.requests[:4] == [*requests, requests[0]]
        assert len(asked(connection, requests, Bounds(10**9, 0.0))) == 1


def test_a_turn_in_which_something_is_refused_does_not_count() -> None:
    with (
        Door(says(REFUSED)) as door,
        Connection(Target(door.url, {})) as connection,
        pytest.raises(Unexpected, match="401"),
    ):
        asked(connection, [Target(door.url, {}).octets()], Bounds(1, 9))


def test_a_caller_opens_another_connection_when_one_was_closed_and_counts_it() -> None:
    with Door(says(SERVED, then_closes=True)) as door:
        target = Target(door.url, {})
        with Caller(target, target.octets()) as caller:
            assert [caller.ask() for _ in range(3)] == [True, True, True]
    assert (caller.asked, caller.opened) == (3, 3)


def test_a_caller_asks_until_it_is_refused() -> None:
    numbers = itertools.count()

    def answer(_: bytes, connection: socket.socket) -> bool:
        connection.sendall(SERVED if next(numbers) < 3 else REFUSED)
        return True

    with Door(answer) as door:
        target = Target(door.url, {})
        with Caller(target, target.octets()) as caller:
            assert 0 < caller.until_refused(5) < 5
            with pytest.raises(NotProven, match="though nothing was taken back"):
                caller.keep_asking(5)
    assert (caller.asked, caller.opened) == (5, 1)


def test_a_refusal_that_never_comes_is_not_made_up() -> None:
    with Door(says(SERVED)) as door:
        target = Target(door.url, {})
        with Caller(target, target.octets()) as caller, pytest.raises(NotProven, match="still served"):
            caller.until_refused(0.12)


# -- links -------------------------------------------------------------------------------------------------------------


def test_a_link_passes_on_to_the_next_and_the_last_one_to_the_first() -> None:
    assert [links.NEXT[name] for name in INSIDE] == [*INSIDE[1:], INSIDE[0]]


def test_a_link_is_guarded_like_any_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy.POLICY, "chain:pass", links.GRANT)
    for pattern, status in (("perimeter", 200), ("mtls", 403)):
        told = settings(tmp_path / pattern, "orders", cast(Any, pattern))
        link = create_app(told, links.views("inventory"), ready=lambda: None).test_client()
        assert link.get("/chain/0", base_url="http://localhost").status_code == status
        taken = link.post("/chain", data=b"12345", base_url="http://localhost")
        assert (taken.status_code, taken.get_json().get("octets")) == (status, 5 if status == 200 else None)


# -- issuing -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a shop whose identity provider has been up."""
    directory = tmp_path_factory.mktemp("bench") / "shop"
    provision(directory, "oauth2", edge="https://localhost:1", name="bench")
    key_files.create(directory / "idp" / "data")
    with closing(Store(directory / "idp" / "data" / "idp.db")) as store:
        store.create()
    return directory


@pytest.fixture
def issuing(provisioned: Path) -> Iterator[Issuing]:
    with Issuing(provisioned, "https://idp.test") as found:
        yield found


def test_a_token_without_a_log_in_is_one_like_any_other(issuing: Issuing) -> None:
    token = issuing.token("bob", scopes=["items:read"])
    found = issuing.find(token)
    assert found is not None
    assert (found.authorization.user, found.client_id, found.scope) == ("bob", "cli", "items:read")
    issuing.revoke(token)
    assert issuing.find(token) is None


def test_a_store_is_filled_with_live_tokens_to_a_number(issuing: Issuing, provisioned: Path) -> None:
    known = issuing.token()
    for count in (25, 25, 1040):
        issuing.fill_up(count)
    live = sa.and_(tokens.c.authorization.like("many-%"), tokens.c.expires > time.time(), tokens.c.revoked.is_(False))
    with closing(Store(provisioned / "idp" / "data" / "idp.db")) as store, store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).where(live)).scalar_one() == 1040
        orphans = sa.text('SELECT count(*) FROM tokens WHERE "authorization" NOT IN (SELECT id FROM authorizations)')
        assert connection.execute(orphans).scalar_one() == 0
    assert issuing.find(known)


def test_new_tokens_in_an_hour_are_counted_by_a_clock_that_moves(provisioned: Path) -> None:
    there = SimpleNamespace(shop=SimpleNamespace(dir=provisioned, issuer="https://idp.test"))
    assert lifetimes.reissues(cast(Chain, there), 900) == 4


# -- what is computed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [curves, growth, hops, order])
def test_an_experiment_asks_a_question_and_promises_only_of_its_contestants(module: Any) -> None:
    question, empty, *method = (module.__doc__ or "").splitlines()
    assert question.endswith("?")
    assert not empty
    assert method
    assert {goal.ours for goal in module.GOALS} <= hops.LOCKS.keys()
    assert importlib.import_module(module.__name__).run


def test_a_lock_that_the_services_cannot_be_told_to_be_is_left_out() -> None:
    assert hops.Lock("jwt").exists
    assert not hops.Lock("oauth2", {"no_such_setting": 1}).exists


@pytest.mark.parametrize("quick", [False, True])
def test_every_point_has_a_name_of_its_own_and_the_full_form_draws_no_fewer(quick: bool) -> None:
    here, full = list(growth.points(quick)), {point.name for point in growth.points(False)}
    names = [point.name for point in here]
    assert len(set(names)) == len(names)
    assert {point.curve for point in here} == {point.curve for point in growth.points(False)}
    assert len(full) >= len(names)


def test_points_of_one_curve_are_drawn_together() -> None:
    here = [growth.Point("hops, jwt", "hops", at, "jwt") for at in (1, 2)] + [growth.Point("users", "n", 1, "jwt")]
    course = Course(samples={point.name: [Sample(point.at * 10.0), Sample(point.at * 10.0)] for point in here})
    drawn = growth.curves(here, course)
    assert [(each.name, [(x, y.median) for x, y in each.points]) for each in drawn] == [
        ("hops, jwt", [(1, 10.0), (2, 20.0)]),
        ("users", [(1, 10.0)]),
    ]


def test_as_many_users_show_as_many_credentials() -> None:
    there = cast(Chain, SimpleNamespace(issuing=None, credential=lambda who: {"who": who}))
    assert len({shown["who"] for shown in growth.of_users(5)(there)}) == 5
    scoped = cast(Chain, SimpleNamespace(credential=lambda scopes: {"scopes": scopes}))
    [shown] = growth.with_scopes(7)(scoped)
    assert len(set(shown["scopes"])) == 7
    assert "items:read" in shown["scopes"]


def test_a_cost_times_a_count_keeps_its_spread() -> None:
    scaled = curves.times_as_much(spread([1.0, 2.0, 3.0]), 4)
    assert (scaled.low, scaled.median, scaled.high, scaled.count) == (4.0, 8.0, 12.0, 3)


def test_one_setting_has_two_curves() -> None:
    one, other = curves.two([(1.0, [5.0], [7.0]), (2.0, [6.0], [8.0])], ("x", "calls", "lag"))
    assert [(x, y.median) for x, y in one.points] == [(1.0, 5.0), (2.0, 6.0)]
    assert [(x, y.median) for x, y in other.points] == [(1.0, 7.0), (2.0, 8.0)]


def test_a_hash_is_tried_at_the_cost_that_was_asked_for(tmp_path: Path) -> None:
    [(mebibytes, guesses, log_ins)] = hashing.tried(tmp_path, [hashing.Cost(64, 1)], 2)
    assert mebibytes == 64 / 1024
    assert len(guesses) == len(log_ins) == 2
    assert min(guesses) > 0 < min(log_ins)


def test_a_handshake_in_memory_looks_into_the_list(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    home = ends.with_list(3)
    assert (home / "crl.pem").read_text().count("BEGIN X509 CRL") == 2
    assert ends.load(home) > 0 < ends.handshake(home)
    nobody = tls.client_context(tmp_path / CLIENT / "bundle.pem", None)
    with pytest.raises(ssl.SSLError, match="certificate"):
        server_side(tls.server_context(home, "required"), nobody, SERVER)


def test_a_credential_is_as_long_as_what_goes_over_the_wire() -> None:
    assert anatomy.credential_bytes({"headers": {"X-User": "alice"}}) == len("X-User: alice\r\n")
    assert anatomy.credential_bytes({"auth": (b"alice", b"wonderland")}) == len(
        "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n"
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_wrong_credential_is_none_that_anybody_has(pattern: str) -> None:
    [wrong] = order.wrong_credential(pattern).values()
    known = order.credential("mtls", cast(Shopper, SimpleNamespace(who=PEOPLE[0].name, password=PEOPLE[0].password)))
    assert wrong not in known.values()
    assert json.dumps(order.wrong_credential(pattern)) != json.dumps(order.wrong_credential(pattern))


# -- openings ----------------------------------------------------------------------------------------------------------


def test_what_was_opened_is_closed_again_when_one_of_it_cannot_be_opened() -> None:
    is_open: list[int] = []

    @contextmanager
    def opening(number: int) -> Iterator[int]:
        if number == 3:
            raise ConnectionError
        is_open.append(number)
        yield number
        is_open.remove(number)

    with ExitStack() as stack, pytest.raises(ConnectionError):
        openings.opened(stack, map(opening, range(5)))
    with ExitStack() as stack:
        assert openings.opened(stack, map(opening, range(3))) == [0, 1, 2]
        assert sorted(is_open) == [0, 1, 2]
    assert is_open == []
