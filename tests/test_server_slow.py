"""The server, a real process: whoever is slow, or stays, or takes every handle, keeps nobody else out."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import socket
import ssl
import sys
import time
from pathlib import Path

import pytest

from services import server, worker
from services.arriving import LARGEST
from tests.loopback import SECONDS
from tests.serving import HEAD_SECONDS, PATIENCE, POST, SMUGGLED, Served, ask, own, received, refused, serving, trusting

pytest_plugins = ("tests.serving_fixtures",)

EXPECTS = b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
CHUNKED = b"POST /told HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HALF = {
    "a head": b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Le",
    "a body": b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
    "chunks": CHUNKED + b"2\r\nhe\r\n",
    "a chunk": CHUNKED + b"5\r\nhe",
    "a word": EXPECTS,
    "a body, told at length": b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 00000000000000000005\r\n\r\nhe",
    "a chunk, told at length": CHUNKED + b"00000000005\r\nhe",
    "the end of chunks": CHUNKED + b"5\r\nhello\r\n00000000000\r\n",
}
REST = {"a head": b"ngth: 5\r\n\r\nhello", "a body": b"llo", "chunks": b"3\r\nllo\r\n0\r\n\r\n"}
REST |= {"a chunk": b"llo\r\n0\r\n\r\n", "a word": b"hello", "the end of chunks": b"\r\n"}
REST |= {"a body, told at length": REST["a body"], "a chunk, told at length": REST["a chunk"]}
LACKING = {
    "more than is put by": POST + b"Content-Length: 999999\r\n\r\nx",
    "more than anybody can count": POST + b"Content-Length: 9999999999999999999\r\n\r\nx",
    "a chunk beyond measure": CHUNKED + b"FFFFFFFF\r\nhe",
    "a long line before a chunk": CHUNKED + b"f" * 5000,
    "a long word about a chunk": CHUNKED + b"5;" + b"f" * 5000,
}
"""Beginnings of requests that nobody here would wait for the end of."""
PUT = b"PUT /admin HTTP/1.1\r\nHost: a\r\n"
UNREAD = {
    "all of it": (PUT + b"Content-Length: 50000\r\n\r\n" + b"x" * 50_000, "keep-alive", 200),
    "more than anybody reads": (PUT + b"Content-Length: %d\r\n\r\nx" % (LARGEST + 1), "close", 0),
    "a chunk that does not begin": (PUT + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000, "keep-alive", 0),
}
"""What is said, what the answer says of the connection, and what comes of a request after it."""


def talk_on(connection: socket.socket, octets: bytes, every: float = 0.05) -> None:
    """Say this again and again; `ConnectionError` when the other end will hear no more of it."""
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline:
        connection.sendall(octets)
        time.sleep(every)  # the other end closes without a word: there is nothing to wait on but the next try


def knock_on(served: Served, held: contextlib.ExitStack) -> None:
    """Come again and again, and stay; `ConnectionRefusedError` once the door is shut."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        held.enter_context(served.connect())
        time.sleep(0.05)  # nobody tells when the door is shut: there is nothing to wait on but the next try


def nothing_happened(served: Served) -> None:
    """No process of its ended before its time, and nothing went wrong."""
    lines = [json.loads(line) for line in served.lines]
    assert len([line for line in lines if "Booting worker" in line.get("message", "")]) == 1
    assert [line for line in lines if line.get("level") == "error"] == []


class TestWhoIsSlow:
    """Whoever sends a little now and then takes nobody's time but their own (CWE-400)."""

    MANY = 16
    """Twice as many as there are threads."""

    def crowd(self, served: Served, said: bytes, context: ssl.SSLContext | None = None) -> list[socket.socket]:
        """Connections on which each has said so much, and waits."""
        crowd = [served.connect(context) for _ in range(self.MANY)]
        for connection in crowd:
            connection.sendall(said)
        return crowd

    @pytest.mark.parametrize("half", HALF)
    def test_others_are_served_meanwhile_and_so_are_they(self, plain: Served, half: str) -> None:
        crowd = self.crowd(plain, HALF[half])
        try:
            began = time.monotonic()
            assert plain.tell()["PATH_INFO"] == "/told"
            assert time.monotonic() - began < PATIENCE / 4
            for connection in crowd:
                if half == "a word":
                    assert ask(connection, b"")[0] == 100
                status, _, body = ask(connection, REST[half])
                assert (status, json.loads(body)["body"]) == (200, "hello")
        finally:
            for connection in crowd:
                connection.close()

    @pytest.mark.parametrize("over", ["TCP", "TLS"])
    @pytest.mark.parametrize("said", UNREAD)
    def test_what_nobody_will_read_is_not_waited_for(self, home: Path, over: str, said: str) -> None:
        """Whoever may still be sending it is hung up on, or the rest would be taken for a request."""
        context = trusting(home, own(home)) if over == "TLS" else None
        octets, told, then = UNREAD[said]
        with serving(home if context else None, "optional") as plain:
            crowd = self.crowd(plain, octets, context)
            try:
                began = time.monotonic()
                answers = [ask(connection, b"") for connection in crowd]
                assert {(status, headers["connection"]) for status, headers, _ in answers} == {(405, told)}
                assert plain.tell(context=context)["PATH_INFO"] == "/told"
                assert time.monotonic() - began < PATIENCE / 4
                more = SMUGGLED if then else b""  # who is hung up on need not say anything to be
                assert {ask(connection, more)[0] for connection in crowd} == {then}
            finally:
                for connection in crowd:
                    connection.close()

    @pytest.mark.parametrize(
        ("said", "status"),
        [(HALF["a head"].ljust(100_000, b"a"), 431), (HALF["chunks"] + b"1\r\na\r\n" * 20_000, 413)],
    )
    def test_what_has_no_end_is_refused_in_the_end(self, plain: Served, said: bytes, status: int) -> None:
        """RFC 6585 §5, RFC 9110 §15.5.14."""
        with plain.connect() as connection:
            assert ask(connection, said)[0] == status
            assert received(connection) == b""

    def test_so_are_those_who_shake_hands_meanwhile(self, home: Path) -> None:
        context = trusting(home, own(home))
        with serving(home, "required") as plain:
            crowd = self.crowd(plain, b"\x16") + self.crowd(plain, HALF["a head"], context)
            try:
                began = time.monotonic()
                assert plain.tell(context=context)["peer"] == "orders"
                assert time.monotonic() - began < PATIENCE / 4
                for connection in crowd[self.MANY :]:
                    assert ask(connection, REST["a head"])[0] == 200
            finally:
                for connection in crowd:
                    connection.close()

    def test_octet_by_octet_it_is_a_request_too(self, plain: Served) -> None:
        with plain.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in HALF["a head"] + REST["a head"]:
                connection.sendall(bytes([octet]))
            assert json.loads(ask(connection, b"")[2])["body"] == "hello"

    @pytest.mark.parametrize("every", [0.05, 1.5 * worker.CHORES_EVERY], ids=["often", "whenever the server looks"])
    def test_whoever_goes_on_like_that_is_hung_up_on(self, hasty: Served, every: float) -> None:
        with hasty.connect() as connection, pytest.raises(ConnectionError):
            talk_on(connection, b"G", every)

    def test_whoever_is_late_is_hung_up_on_however_busy_everybody_else_is(self, hasty: Served) -> None:
        with hasty.connect() as late, hasty.connect() as busy:
            late.sendall(b"G")
            late.settimeout(0)
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                assert ask(busy, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 200
                with contextlib.suppress(BlockingIOError):
                    assert late.recv(1) == b""
                    return
        pytest.fail("somebody who is late is waited for")

    @pytest.mark.parametrize("how", ["a body", "chunks"])
    def test_several_requests_at_once_are_answered_one_by_one(self, plain: Served, how: str) -> None:
        with plain.connect() as connection:
            connection.sendall((HALF[how] + REST[how]) * 2 + HALF["a head"])
            self.heard(connection, 2)
            connection.sendall(REST["a head"] + HALF[how])
            self.heard(connection, 1)
            connection.sendall(REST[how])
            self.heard(connection, 1)

    def test_what_came_in_one_piece_is_not_left_behind(self, home: Path) -> None:
        """A request that ends where a read does, and one more, in one TLS record."""
        last = b"\r\nContent-Length: 5\r\n\r\nhello"
        first = (POST + b"X-A: " + b"a" * 4000 + b"\r\nX-B: ").ljust(8192 - len(last), b"b") + last
        with (
            serving(home, "required") as plain,
            plain.connect(trusting(home, own(home))) as connection,
        ):
            connection.sendall(first + POST[:-2] + last)
            self.heard(connection, 2)

    def heard(self, connection: socket.socket, answers: int) -> None:
        """Read so many answers, and no more."""
        octets = b""
        while octets.count(b'"body":"hello"') < answers:
            more = received(connection)
            assert more, octets
            octets += more
        assert octets.count(b"HTTP/1.1 200 OK") == answers

    def test_each_request_on_a_connection_has_time_of_its_own(self, hasty: Served) -> None:
        with hasty.connect() as connection:
            until = time.monotonic() + 1.5 * HEAD_SECONDS
            while time.monotonic() < until:
                assert ask(connection, HALF["a head"] + REST["a head"] + HALF["a body"])[0] == 200
                assert ask(connection, REST["a body"])[0] == 200

    def test_whoever_waits_for_a_word_of_ours_gets_it(self, plain: Served) -> None:
        """RFC 9110 §10.1.1."""
        with plain.connect() as connection:
            assert ask(connection, EXPECTS)[0] == 100
            assert json.loads(ask(connection, b"hello")[2])["body"] == "hello"

    def test_whoever_has_been_asked_for_the_rest_has_so_long_to_say_it(self, hasty: Served) -> None:
        with hasty.connect() as connection:
            assert ask(connection, EXPECTS)[0] == 100
            assert refused(connection)

    @pytest.mark.parametrize("said", LACKING)
    def test_what_seems_to_lack_nothing_is_not_waited_for_either(self, plain: Served, said: str) -> None:
        """A glance and gunicorn's parser need not agree; where that would wait, in a thread, nobody does."""
        crowd = self.crowd(plain, LACKING[said])
        try:
            began = time.monotonic()
            answers = [ask(connection, b"") for connection in crowd]
            assert {(status, headers.get("connection")) for status, headers, _ in answers} == {(400, "close")}
            assert plain.tell()["PATH_INFO"] == "/told"
            assert time.monotonic() - began < PATIENCE / 4
            assert {received(connection) for connection in crowd} == {b""}
        finally:
            for connection in crowd:
                connection.close()

    @pytest.mark.parametrize("half", ["chunks", "a chunk"])
    def test_whoever_goes_away_half_way_is_told_that_it_was_half(self, plain: Served, half: str) -> None:
        with plain.connect() as connection:
            connection.sendall(HALF[half])
            connection.shutdown(socket.SHUT_WR)
            status, headers, _ = ask(connection, b"")
            assert (status, headers["connection"]) == (400, "close")

    @pytest.mark.parametrize("half", HALF)
    def test_whoever_breaks_off_half_way_has_said_nothing(self, home: Path, half: str) -> None:
        with serving(home, "optional") as plain:
            for _ in range(10):
                with plain.connect(trusting(home, own(home))) as connection:
                    connection.sendall(HALF[half])
                    socket.socket.shutdown(connection, socket.SHUT_WR)
                    assert refused(connection) or half == "a word"  # that is said before anybody breaks off
        nothing_happened(plain)

    def test_whoever_comes_when_nobody_leads_it_any_more_is_not_let_in(self) -> None:
        """Its master is gone, and it ends; whoever has begun is served, and nobody else waits at the door."""
        with serving(head=30) as served, served.connect() as begun:
            begun.sendall(HALF["a head"])
            assert served.tell()["PATH_INFO"] == "/told"  # whoever came first has been let in, too
            served.process.kill()
            with contextlib.ExitStack() as held, pytest.raises(ConnectionRefusedError):
                knock_on(served, held)
            assert ask(begun, REST["a head"])[0] == 200

    def test_whoever_has_said_nothing_is_not_waited_for_when_it_ends(self) -> None:
        with serving(head=30, linger=0.1) as served, served.connect():
            assert served.tell()["PATH_INFO"] == "/told"  # whoever came first has been let in, too
            began = time.monotonic()
            assert served.end() == 0
            assert time.monotonic() - began < 4  # within 5 it ends in any case


class TestWhoDoesNotRead:
    """Whoever asks and asks, and takes no answer, takes nobody's time but their own (CWE-400)."""

    MUCH, TIMES = 100_000, 200
    """Octets of an answer, and how often it is asked for: more than any buffer between us holds."""
    ASKED = b"GET /much/%d HTTP/1.1\r\nHost: a\r\n\r\n"

    @pytest.mark.parametrize("over", ["TCP", "TLS"])
    def test_others_are_served_meanwhile_and_so_are_they(self, home: Path, over: str) -> None:
        context = trusting(home, own(home)) if over == "TLS" else None
        with serving(home if context else None, "optional") as plain, contextlib.ExitStack() as held:
            crowd = [held.enter_context(plain.connect(context)) for _ in range(16)]
            for connection in crowd:
                connection.sendall(self.ASKED % self.MUCH * self.TIMES)
            began = time.monotonic()
            for _ in range(20):
                assert plain.tell(context=context)["PATH_INFO"] == "/told"
            assert time.monotonic() - began < PATIENCE / 4
            self.hear(crowd[0], self.MUCH, self.TIMES)

    def hear(self, connection: socket.socket, octets: int, times: int = 1) -> None:
        """Take so many answers, each of so many octets, in the end."""
        with connection.makefile("rb") as answers:
            for _ in range(times):
                assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
                while answers.readline() != b"\r\n":
                    pass
                assert answers.read(octets) == b"x" * octets

    @pytest.mark.parametrize("over", ["TCP", "TLS"])
    def test_the_rest_of_an_answer_waits_for_them(self, home: Path, over: str) -> None:
        context = trusting(home, own(home)) if over == "TLS" else None
        all_of_it = self.MUCH * self.TIMES
        with serving(home if context else None, "optional") as plain, plain.connect(context) as connection:
            connection.sendall(self.ASKED % all_of_it)
            plain.awaited('"route": "/much/')
            assert plain.tell(context=context)["PATH_INFO"] == "/told"
            self.hear(connection, all_of_it)
            assert json.loads(ask(connection, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")[2])["PATH_INFO"] == "/told"

    def test_they_are_hung_up_on_in_the_end(self, hasty: Served) -> None:
        with hasty.connect() as connection:
            connection.sendall(self.ASKED % self.MUCH * self.TIMES)
            with pytest.raises(ConnectionError):
                talk_on(connection, b"and another thing")

    @pytest.mark.parametrize("over", ["TCP", "TLS"])
    def test_whoever_goes_away_instead_is_forgotten(self, home: Path, over: str) -> None:
        context = trusting(home, own(home)) if over == "TLS" else None
        with serving(home if context else None, "optional") as plain:
            for _ in range(10):
                with plain.connect(context) as connection:
                    connection.sendall(self.ASKED % (self.MUCH * self.TIMES))
                    plain.awaited('"route": "/much/')
            assert plain.tell(context=context)["PATH_INFO"] == "/told"
        nothing_happened(plain)

    def test_whoever_breaks_off_and_does_not_read_is_forgotten(self, home: Path) -> None:
        """They end TCP, and not TLS (RFC 8446 §6.1), while part of their answer is there."""
        body = b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000
        with serving(home, "optional") as plain:
            for _ in range(10):
                with plain.connect(trusting(home, own(home))) as connection:
                    connection.sendall(self.ASKED.replace(b"\r\n\r\n", b"\r\n" + body) % (self.MUCH * self.TIMES))
                    socket.socket.shutdown(connection, socket.SHUT_WR)
                    plain.awaited('"route": "/much/')
            assert plain.tell(context=trusting(home, own(home)))["PATH_INFO"] == "/told"
        nothing_happened(plain)


class TestWhoDoesNotHangUp:
    """Whoever was answered, and was to hang up, and does not, keeps nobody waiting."""

    LAST = b"GET /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    def test_others_are_let_in_meanwhile(self, plain: Served) -> None:
        with contextlib.ExitStack() as held:
            began = time.monotonic()
            for _ in range(5):
                connection = held.enter_context(plain.connect())
                assert ask(connection, self.LAST)[0] == 200
                assert received(connection) == b""
            assert plain.ask(self.LAST)[0] == 200
            assert time.monotonic() - began < 5 * worker.LINGER_SECONDS / 2  # half of what each would wait for the last

    def test_they_are_hung_up_on_in_the_end(self, hasty: Served) -> None:
        with hasty.connect() as connection:
            assert ask(connection, self.LAST)[0] == 200
            with pytest.raises(ConnectionError):
                talk_on(connection, b"and another thing")

    def test_what_they_go_on_sending_does_not_take_their_answer_away(self, plain: Served) -> None:
        with plain.connect() as connection:
            connection.sendall(b"PUT /admin HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 999999\r\n\r\n")
            connection.sendall(b"x" * 500_000)
            assert ask(connection, b"")[0] == 405


class TestHandles:
    """A process may have so many, and no more connections than leave some for everything else."""

    @pytest.mark.parametrize(("allowed", "most"), [(1024, 512), (65536, 1000), (resource.RLIM_INFINITY, 1000), (1, 1)])
    def test_half_of_them_are_for_connections(self, monkeypatch: pytest.MonkeyPatch, allowed: int, most: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
        assert server._most_connections() == most

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one take handles from another process")
    def test_who_has_none_left_waits_for_one_and_goes_on(self) -> None:
        with serving(head=HEAD_SECONDS) as served:
            booted = re.search(r"Booting worker with pid: (\d+)", "".join(served.lines))
            assert booted
            assert served.tell()["PATH_INFO"] == "/told"
            working = int(booted[1])
            resource.prlimit(working, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{working}/fd")) + 4,) * 2)
            crowd = [served.connect() for _ in range(12)]
            try:
                assert all(
                    refused(connection) for connection in crowd
                )  # one after the other, as handles are free again
            finally:
                for connection in crowd:
                    connection.close()
            assert served.tell()["PATH_INFO"] == "/told"
            assert len([line for line in served.lines if "Booting worker" in line]) == 1
