"""The load that costs are measured under: it asks as told, ends by itself, and leaves no waiting out."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from certs import CA
from scenarios.bench.load import Bounds, Loaded, arriving, closed, percentiles
from scenarios.bench.wire import Target, Unexpected
from services import tls
from tests.loopback import Answer, Door, http, says

OK = http("200 OK", b"{}")
STALL = 0.4


def target(door: Door, context: ssl.SSLContext | None = None, name: str | None = None) -> Target:
    return Target(door.url, {}, context, name)


def asking(door: Door) -> Callable[[int], bytes]:
    return lambda number: target(door).octets({"N": str(number)})


def stalling_at(request: int) -> Answer:
    """A server of which everybody has to wait for everybody else; once it does nothing at all for a while."""
    numbers, one_at_a_time = itertools.count(), threading.Lock()

    def answer(_: bytes, connection: socket.socket) -> bool:
        with one_at_a_time:
            if next(numbers) == request:
                time.sleep(STALL)
        connection.sendall(OK)
        return True

    return answer


def slow(load: Loaded) -> int:
    return sum(each > STALL / 2 for each in load.latencies)


def test_a_stall_is_felt_by_all_who_arrive_meanwhile() -> None:
    with Door(stalling_at(20)) as door:
        load = arriving(target(door), asking(door), rate=100, bounds=Bounds(80, 10))
    assert len(load.latencies) == len(load.late) == 80
    assert slow(load) >= 10


def test_a_stall_is_felt_once_by_a_client_that_waits_for_its_answers() -> None:
    with Door(stalling_at(20)) as door:
        load = closed(target(door), asking(door), clients=1, bounds=Bounds(80, 10))
    assert len(load.latencies) == 80
    assert 1 <= slow(load) < 10  # more than the one only when this machine stalls, too


def test_a_closed_loop_keeps_one_connection_per_client_and_shares_the_requests_out() -> None:
    with Door(says(OK)) as door:
        load = closed(target(door), asking(door), clients=4, bounds=Bounds(40, 10))
    assert load.connections == door.connections <= 4
    assert len(set(door.requests)) == len(load.latencies) == 40


def test_a_client_can_be_told_by_the_numbers_of_its_requests() -> None:
    asked: list[int] = []
    with Door(says(OK)) as door:

        def octets(number: int) -> bytes:
            asked.append(number)
            return target(door).octets()

        closed(target(door), octets, clients=3, bounds=Bounds(30, 10))
    assert len(asked) == len(set(asked)) == 30
    for client in range(3):
        theirs = [number for number in asked if number % 3 == client]
        assert theirs == list(range(client, client + 3 * len(theirs), 3))


def test_a_load_ends_when_its_time_is_up() -> None:
    with Door(says(OK)) as door:
        closed_loop = closed(target(door), asking(door), clients=2, bounds=Bounds(10**9, 0.5))
        open_loop = arriving(target(door), asking(door), rate=200, bounds=Bounds(10**9, 0.5))
    assert 0 < len(closed_loop.latencies) == len(door.requests) - len(open_loop.latencies)
    assert 0 < len(open_loop.latencies) <= 110


def test_requests_that_the_server_would_not_keep_a_connection_for_get_new_ones() -> None:
    with Door(says(http("200 OK", b"{}", "Connection: close"), then_closes=True)) as door:
        load = closed(target(door), asking(door), clients=1, bounds=Bounds(5, 10))
    assert load.connections == 5


def test_a_connection_that_the_server_gave_up_meanwhile_is_opened_again() -> None:
    with Door(says(OK, then_closes=True)) as door:
        load = closed(target(door), asking(door), clients=1, bounds=Bounds(5, 10))
    assert load.connections == 5
    assert len(load.latencies) == 5


def test_an_answer_that_is_no_success_ends_it() -> None:
    with Door(says(http("401 Unauthorized", b"no"))) as door:
        with pytest.raises(Unexpected, match="401: no"):
            closed(target(door), asking(door), clients=2, bounds=Bounds(9, 9))
        with pytest.raises(Unexpected, match="401: no"):
            arriving(target(door), asking(door), rate=100, bounds=Bounds(9, 9))


def test_a_server_that_hangs_up_halfway_is_no_answer() -> None:
    with Door(says(OK[:-1], then_closes=True)) as door, pytest.raises(Unexpected, match="hung up"):
        closed(target(door), asking(door), 1, Bounds(1, 9))


def test_clients_show_their_certificate(tmp_path: Path) -> None:
    authority = CA.create(tmp_path / "ca")
    for name in ("orders", "gateway"):
        authority.issue(name, tmp_path / name)
    bundle = tmp_path / "gateway" / "bundle.pem"
    own = (str(tmp_path / "gateway" / "leaf.pem"), str(tmp_path / "gateway" / "key.pem"))
    with Door(says(OK), tls.server_context(tmp_path / "orders", "required")) as door:
        load = closed(target(door, tls.client_context(bundle, own), "orders"), asking(door), 2, Bounds(6, 9))
        assert len(load.latencies) == 6
        with pytest.raises((Unexpected, OSError)):
            closed(target(door, tls.client_context(bundle, None), "orders"), asking(door), 1, Bounds(1, 9))


def test_percentiles_are_milliseconds() -> None:
    load = Loaded(latencies=[number / 1000 for number in range(100, 0, -1)])
    assert percentiles(load) == {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}
