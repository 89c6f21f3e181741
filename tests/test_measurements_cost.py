"""What the measurements of calls, bytes, revocation and rotation make of what they see, and a look into a shop."""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from certs import CA
from compose.refusals import CannotRun
from compose.shop import Shop, open_shop
from compose.topology import Ports
from scenarios import file_hashes, tapping, trials
from scenarios.endurance import Lasted, lasting
from scenarios.levers import Surprise, eventually
from scenarios.measurements import idp_calls, revocation, wire
from scenarios.registry import gauges
from scenarios.rotations.certificates import believed
from scenarios.steady_load import MOST, under_load
from scenarios.taking_back import WAYS, Observed, taken_back, ways
from scenarios.tapping import Conversation, Tap, tapped
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

SERVED, REFUSED = Answer(Verdict.SERVED, 200), Answer(Verdict.UNAUTHENTICATED, 401)


def answering(*answers: Answer) -> Callable[[], Answer]:
    """Somebody who gives these answers, and the last one for ever."""
    rest = list(answers)
    return lambda: rest.pop(0) if len(rest) > 1 else rest[0]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


class TestEndurance:
    def seen(self, *answers: Answer, within: float = 5.0) -> Lasted:
        clock = Clock()
        return lasting(answering(*answers), within, 0.5, clock, clock.sleep)

    def test_a_refusal_of_the_first_question_means_that_there_was_no_access_at_all(self) -> None:
        assert self.seen(REFUSED) == Lasted(0.0, 0.0, "401")

    def test_access_lasts_until_the_last_answer_that_served(self) -> None:
        assert self.seen(SERVED, SERVED, SERVED, REFUSED) == Lasted(1.0, 1.5, "401")

    def test_what_is_never_refused_has_no_end(self) -> None:
        assert self.seen(SERVED, within=2.0) == Lasted(2.0, None, "")

    def test_a_handshake_that_fails_is_a_refusal(self) -> None:
        assert self.seen(Answer(Verdict.REFUSED)).by == "no HTTP at all"

    def test_being_told_to_slow_down_is_not_taken_for_an_end(self) -> None:
        with pytest.raises(Surprise, match="too many"):
            self.seen(SERVED, Answer(Verdict.INVALID, 429))


class TestSteadyLoad:
    def test_it_counts_what_fails_and_what_breaks(self) -> None:
        def ask(number: int) -> bool:
            if number == 2:
                raise requests.ConnectionError
            return number != 1

        with under_load(lambda: ask, rate=200, most=5) as load:
            eventually(lambda: len(load.sent) == 5, "all have come")
        assert sorted(load.failed) == [1, 2]

    def test_it_never_sends_more_than_it_may(self) -> None:
        with under_load(lambda: lambda _: True, rate=1000, most=7) as load:
            eventually(lambda: len(load.sent) == 7, "all have come")
            with pytest.raises(Surprise, match="over"):
                load.goes_on(1)
        assert sorted(load.sent) == list(range(7))

    def test_it_ends_with_the_block(self) -> None:
        with under_load(lambda: lambda _: True, rate=50) as load:
            load.goes_on(0.1, rate=50)
        assert len(load.sent) < MOST


class Written(Tap):
    """A tap of which only what it wrote down is left."""

    def __init__(self, text: str) -> None:
        self.text = text

    def begin(self) -> None:
        """Nothing to begin."""

    def said(self) -> str:
        return self.text

    def _send_signal(self) -> None:
        """Nobody to send it to."""

    def end(self) -> None:
        """Nothing to end."""


class TestWire:
    HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"

    def test_a_client_hello_is_a_handshake_and_plain_http_is_none(self) -> None:
        client = ssl.create_default_context()
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            client.wrap_bio(back, there, server_hostname="orders").do_handshake()
        assert Conversation(there.read(), b"").handshakes == 1
        assert Conversation(b"GET / HTTP/1.1\r\n", b"").handshakes == 0
        assert Conversation(b"", b"").handshakes == 0

    def test_what_was_said_is_told_apart_by_connection(self) -> None:
        events = [
            {"event": "ready"},
            {"event": "opened", "connection": 1},
            {"event": "opened", "connection": 2},
            {"event": "bytes", "connection": 2, "said_by": "caller", "data": "aG8="},
            {"event": "bytes", "connection": 1, "said_by": "callee", "data": "aGE="},
        ]
        tap = Written("".join(json.dumps(each) + "\n" for each in events))
        assert tap.conversations() == [Conversation(b"", b"ha"), Conversation(b"ho", b"")]
        assert wire.count(tap) == wire.Passed(connections=2, handshakes=0, there=2, back=2)

    def test_a_line_that_is_still_being_written_is_not_read(self) -> None:
        assert Written('{"event": "opened", "connection": 1}\n{"event": "by').conversations() == [
            Conversation(b"", b"")
        ]

    def test_a_head_is_counted_to_the_byte(self) -> None:
        text = "GET /items HTTP/1.1\r\nHost: a\r\nX-User: alice\r\nauthorization: Basic eA==\r\n\r\n"
        headers = [("Host", "a"), ("X-User", "alice"), ("authorization", "Basic eA==")]
        head = wire.head({"method": "GET", "path": "/items", "headers": headers, "body": "é"})
        assert head.octets == len(text)
        assert head.credential == len("X-User: alice\r\n") + len("authorization: Basic eA==\r\n")
        assert (head.names, head.body) == (("X-User", "authorization"), 2)


class TestIdpCalls:
    TOLD: ClassVar = Counter({("gateway", "/jwks"): 1, ("orders", "/token"): 2})

    def test_the_journal_knows_no_client_where_none_had_to_prove_itself(self) -> None:
        idp_calls.compare(self.TOLD, Counter({("", "/jwks"): 1, ("orders", "/token"): 2}))

    @pytest.mark.parametrize(
        "journal",
        [
            Counter({("", "/jwks"): 1, ("orders", "/token"): 1}),
            Counter({("", "/jwks"): 1, ("billing", "/token"): 2}),
            Counter[tuple[str, str]](),
        ],
    )
    def test_a_journal_that_says_something_else_is_no_evidence(self, journal: Counter[tuple[str, str]]) -> None:
        with pytest.raises(Surprise):
            idp_calls.compare(self.TOLD, journal)

    def test_an_order_that_asked_nobody_has_a_record_all_the_same(self) -> None:
        assert idp_calls.rows("warm 1", Counter()) == [{"order": "warm 1", "client": "", "endpoint": "", "calls": 0}]


def observed(credential: str, way: str, lasted: Lasted, at: str = "gateway", **more: Any) -> Observed:
    """One observation."""
    return Observed(credential, way, at, lasted, **more)


class TestRevocation:
    def test_what_is_refused_at_once_leaves_no_access(self) -> None:
        seen = [observed("password", "disabled", Lasted(0.0, wait, "401")) for wait in (0.02, 0.05, 0.03)]
        found = revocation.told(seen)
        figure = found.figures["password/disabled"]
        assert (figure.value, figure.trials, figure.note) == (
            0.0,
            (0.0, 0.0, 0.0),
            "gateway: 401, the first answer, after 0.05 s",
        )
        [row] = found.rows
        assert row == {
            "credential": "password", "taken_back_by": "disabled", "at": "gateway", "seconds": 0.0, "ended_by": "401"
        }  # fmt: skip

    def test_what_ends_by_itself_is_told_with_the_life_that_it_was_issued_for(self) -> None:
        still = observed("token", "revoked", Lasted(0.6, None, ""), life=300, left=299)
        ended = observed("token", "revoked", Lasted(13.5, 14.0, "401"), life=300, left=4)
        found = revocation.told([still, ended])
        assert found.figures["token/revoked"].value == 310
        assert found.rows[0]["ended_by"] == "its own end"

    def test_a_refusal_long_before_its_end_is_not_its_own_end(self) -> None:
        assert observed("token", "revoked", Lasted(0, 0.1, "401"), life=300, left=299).after_its_end is None

    def test_a_session_goes_on_until_it_would_have_to_be_renewed(self) -> None:
        seen = [
            observed("session", "disabled", Lasted(0.6, None, ""), life=270),
            observed("refresh token", "disabled", Lasted(0.0, 0.1, "400"), at="idp"),
        ]
        figure = revocation.told(seen).figures["session/disabled"]
        assert (figure.value, figure.trials) == (270, ())
        assert "not waited for" in figure.note

    def test_a_session_that_can_be_renewed_has_no_end_that_we_know(self) -> None:
        seen = [
            observed("session", "disabled", Lasted(0.6, None, ""), life=270),
            observed("refresh token", "disabled", Lasted(0.6, None, ""), at="idp"),
        ]
        assert revocation.told(seen).figures["session/disabled"].value is None

    def test_the_figure_is_that_of_the_place_where_it_is_served_longest(self) -> None:
        seen = [
            observed("token", "revoked", Lasted(0.0, 0.1, "502"), at="gateway and orders", life=300, left=299),
            observed("token", "revoked", Lasted(13.5, 14.0, "401"), life=300, left=4),
        ]
        figure = revocation.told(seen).figures["token/revoked"]
        assert figure.value == 310
        assert figure.note.startswith("gateway and orders: 502")

    @pytest.mark.parametrize(
        ("pattern", "missing"), [("basic", {"token revoked", "everything revoked"}), ("jwt", set())]
    )
    def test_tokens_are_revoked_only_where_there_are_any(self, pattern: str, missing: set[str]) -> None:
        assert set(WAYS) - set(ways(pattern)) == missing


class TestRotation:
    def test_logs_and_stores_are_no_files_that_a_rotation_touches(self, tmp_path: Path) -> None:
        for name in (
            "logs/orders.log",
            "orders/data/orders.db",
            "orders/data/orders.db-wal",
            "ca/alive",
            "ca/index.json",
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x")
        assert set(file_hashes.hashes(tmp_path)) == {"ca/index.json"}

    def test_what_is_new_or_gone_or_different_has_changed(self) -> None:
        assert file_hashes.changed({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == ("b", "c", "d")

    def test_a_superseded_leaf_is_believed_until_it_is_revoked(self, tmp_path: Path) -> None:
        authority = CA.create(tmp_path / "ca")
        authority.issue("gateway", tmp_path / "gateway")
        old = authority.issue("orders", tmp_path / "orders")
        pem = (tmp_path / "orders" / "leaf.pem").read_text() + (tmp_path / "orders" / "key.pem").read_text()
        authority.issue("orders", tmp_path / "orders")
        assert believed(tmp_path / "gateway", "orders", pem)
        assert not believed(tmp_path / "gateway", "billing", pem)
        authority.revoke(old.serial)
        authority.publish()
        assert not believed(tmp_path / "gateway", "orders", pem)


def test_a_figure_is_the_median_and_keeps_every_trial() -> None:
    figure = trials.figure([3, 1, 2.00049], "s", "so it is")
    assert (figure.value, figure.trials, figure.spread, figure.note) == (2.0, (3.0, 1.0, 2.0), (1.0, 3.0), "so it is")


def test_the_four_are_among_the_measurements() -> None:
    assert {"idp_calls", "wire", "revocation", "rotation"} <= set(gauges())


def test_a_shut_door_says_how_to_open_it(tmp_path: Path) -> None:
    world = World(open_shop("jwt", "local", "free", tmp_path))
    with pytest.raises(CannotRun) as refusal:
        _ = world.manager
    assert "MANAGE=1 make up" in refusal.value.mend


@pytest.fixture
def world(shop: Shop) -> Iterator[World]:
    """A shop of processes, and the places in it."""
    if shop.runtime != "local":
        pytest.skip("a measurement is tried on plain processes here; `make compare` makes it in either runtime")
    with World(shop) as there:
        yield there


class TestInAShop:
    def test_journal_and_audit_lines_tell_the_same_of_an_order(self, world: World) -> None:
        idp_calls.order(world)
        told = [idp_calls.order(world) for _ in range(2)]  # keys may fall due during one
        story, asked = min(told, key=lambda each: len(each[0]))
        assert asked.total() == {"oauth2": 4, "zerotrust": 3}.get(world.pattern, 0)
        assert sum(hop.service != "idp" for hop in story) == 4

    def test_only_the_first_order_shakes_hands(self, world: World) -> None:
        idp_calls.order(world)
        with tapped(world, "inventory") as tap:
            first, later = (wire.passing(world, {"hop": tap})["hop"] for _ in range(2))
        assert (first.connections, later.connections) == (1, 0)
        assert (first.handshakes, later.handshakes) == (int(world.pattern != "perimeter"), 0)
        assert later.there > 0 < later.back

    def test_the_headers_that_orders_sends_name_its_credential(self, world: World) -> None:
        idp_calls.order(world)
        head = wire.head(wire.sent(world, "inventory"))
        names = {"perimeter": {"X-User"}, "mtls": {"X-User"}, "subsystem": {"X-User", "Authorization"}}
        assert set(head.names) == names.get(world.pattern, {"Authorization"})
        assert 0 < head.credential < head.octets

    def test_whoever_is_disabled_is_served_no_longer_where_somebody_asks(self, world: World) -> None:
        seen = taken_back(world, "person disabled", lambda _: 0.5)
        served = {(each.credential, each.at) for each in seen if each.lasted.refused is None}
        believing = {
            "jwt": {
                ("token", "gateway"),
                ("token", "gateway and orders"),
                ("token", "orders"),
                ("session", "gateway and inventory"),
            },
            "zerotrust": {("token", "gateway"), ("exchanged token", "orders")},
        }
        assert served == believing.get(world.pattern, set())
        world.manager.reset()


def test_a_service_that_is_tapped_never_moves_to_the_port_that_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = iter([Ports(billing=8103), Ports(billing=8103), Ports(billing=9000)])
    monkeypatch.setattr(tapping, "free", lambda: next(offered))
    assert tapping._elsewhere("billing", 8103) == 9000
