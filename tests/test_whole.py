"""An answer in one piece, on the wire as gunicorn would have it in two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from services.whole import WholeResponse


class Wire:
    """What was sent, call by call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, octets: bytes) -> None:
        self.sent.append(bytes(octets))


def answered(*body: bytes, method: str = "GET", status: str = "200 OK", length: int | None = None) -> Wire:
    """The answer of an application that returns `body`, and says how long it is if that is given."""
    wire = Wire()
    request: Any = SimpleNamespace(version=(1, 1), method=method, should_close=lambda: False, connection=wire)
    response = WholeResponse(request, None, Config())
    said = [("Content-Length", str(length))] if length is not None else []
    response.start_response(status, [("Content-Type", "text/plain"), *said])
    for piece in body:
        response.write(piece)
    response.close()
    assert response.headers_sent
    return wire


def test_head_and_body_go_together() -> None:
    [octets] = answered(b"hello", length=5).sent
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: text/plain" in head
    assert body == b"hello"


def test_what_comes_later_goes_as_it_comes() -> None:
    first, second = answered(b"hel", b"lo", length=5).sent
    assert first.endswith(b"\r\n\r\nhel")
    assert second == b"lo"


@pytest.mark.parametrize(
    ("method", "status"), [("GET", "204 No Content"), ("HEAD", "200 OK"), ("GET", "304 Not Modified")]
)
def test_without_a_body_the_head_goes_alone(method: str, status: str) -> None:
    [octets] = answered(b"", method=method, status=status).sent
    assert octets.endswith(b"\r\n\r\n")
    assert status.encode() in octets


def test_nothing_at_all_is_an_answer_too() -> None:
    [octets] = answered(length=0).sent
    assert octets.endswith(b"\r\n\r\n")


def test_chunks_keep_their_framing() -> None:
    octets = b"".join(answered(b"hel", b"lo").sent)
    assert octets.endswith(b"\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
