"""At a glance: what octets lack to be a request; and for how long anybody waits for it."""

from __future__ import annotations

import socket
from itertools import count
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import parser

from services import arriving, worker
from services.arriving import LARGEST, SOON, Connection, missing

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "lacks"),
    [
        (b"", "head"),
        (GET, "head"),
        (GET + b"\r\n", None),
        (POST + b"Content-Length: 0\r\n\r\n", None),
        (POST + b"content-length:5\r\n\r\nhell", "body"),
        (POST + b"content-length:5\r\n\r\nhello", None),
        (POST + b"Content-Length: 5 \r\n\r\nhello, and more", None),
        (POST + b"Content-Length: %d\r\n\r\n" % LARGEST, "body"),
        (POST + b"Content-Length: %d\r\n\r\n" % (LARGEST + 1), None),
        (POST + b"Content-Length: five\r\n\r\n", None),
        (b"x" * LARGEST, "head"),
    ],
)
def test_a_head_and_as_much_of_a_body_as_it_tells_of(octets: bytes, lacks: str | None) -> None:
    assert missing(octets)[0] == lacks


@pytest.mark.parametrize(
    ("chunks", "lacks"),
    [
        (b"", "body"),
        (b"2", "body"),
        (b"2\r\n", "body"),
        (b"2\r\nhe\r\n", "body"),
        (b"4\r\n\r\n\r\n\r\n", "body"),  # what ends here is a chunk, not the message
        (b"2\r\nhe\r\n0\r\n", "body"),
        (b"2\r\nhe\r\n0\r\n\r\n", None),
        (b"02;x=y\r\nhe\r\n000;z\r\n\r\n", None),
        (b"A\r\n0123456789\r\n0\r\nTrailer: x\r\n", "body"),
        (b"A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", None),
        (b"0\r\n\r\nGET / HTTP/1.1", None),
        (b"+2\r\n", None),
        (b"0x2\r\n", None),
        (b"2 3\r\n", None),
        (b"\r\n", None),
        (b"f" * 5000, None),
        (b"2\r\nhe\r\n" * (LARGEST // 7 + 1), "body"),
    ],
)
def test_as_many_chunks_as_there_are(chunks: bytes, lacks: str | None) -> None:
    assert missing(CHUNKED + chunks)[0] == lacks
    seen, found = 0, None
    for end in range(len(CHUNKED), len(CHUNKED + chunks) + 1, 1 if len(chunks) < 100 else 997):
        found, seen = missing((CHUNKED + chunks)[:end], seen)
        if found is None:
            break
    assert missing(CHUNKED + chunks, seen)[0] == lacks


def test_what_was_seen_of_the_chunks_is_not_looked_at_again() -> None:
    lacks, seen = missing(CHUNKED + b"2\r\nhe\r\n2\r\nh")
    assert (lacks, seen) == ("body", len(CHUNKED) + 7)
    assert missing(CHUNKED + b"no chunk" + b"2\r\nhe\r\n0\r\n\r\n", len(CHUNKED) + 8) == (None, 0)


def test_whoever_always_has_one_more_octet_is_not_listened_to_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comes before a thread would have stopped waiting for it."""
    now, ours, theirs = 0.0, *socket.socketpair()

    def comes(_: object, seconds: float) -> bool:
        nonlocal now
        theirs.sendall(b"a")
        now += SOON / 4
        assert now < 3 * SOON
        return seconds > 0

    monkeypatch.setattr(arriving, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(arriving, "_comes", comes)
    with ours, theirs:
        connection = Connection(Config(), ours, ("", 0), ("", 0))
        assert not connection.arrived()
        assert now <= 2 * SOON
        before = now
        assert not connection.arrived()
        assert now == before + SOON / 4  # it was waited for already


def test_whoever_has_said_all_can_go_on_however_busy_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes pass between any two looks at the clock."""
    leaping = SimpleNamespace(monotonic=count(0, 60).__next__)
    for module in (arriving, parser, worker):
        monkeypatch.setattr(module, "time", leaping)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(POST + b"Content-Length: 5\r\n\r\nhello")
        connection = Connection(Config(), ours, ("", 0), ("", 0))
        assert connection.arrived()
        next(connection.parser)
        assert worker.Worker._keepalive_after(worker.Worker.__new__(worker.Worker), connection, True)
