"""The probe shares a connection among plain requests, and gives every other one its own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scenarios import probe


class Teller(BaseHTTPRequestHandler):
    """Tells from which port a request came, and hangs up where it is asked to, with a word about it or without."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = json.dumps({"port": self.client_address[1]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        if self.path == "/last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(said)
        if self.path == "/gone":
            self.close_connection = True

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Teller) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def ports(*wanted: dict[str, Any]) -> list[int]:
    """The port from which each of these was sent, one after the other."""
    return [json.loads(answer["body"])["port"] for answer in probe.attempts(list(wanted))]


def test_plain_requests_to_one_place_share_a_connection(url: str) -> None:
    plain = {"url": url, "headers": [("Authorization", "Bearer a.b.c"), ("X-Empty", "")]}
    assert len(set(ports({"url": url}, plain, {"url": url + "other?q=1"}))) == 1


OWN: dict[str, dict[str, Any]] = {
    "octets": {"raw": base64.b64encode(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").decode()},
    "a method": {"method": "POST"},
    "a body": {"body": "hello"},
    "a word about the connection": {"headers": [("Connection", "keep-alive")]},
    "a length": {"headers": [("content-length", "0")]},
    "a line that is two": {"headers": [("X-A", "a\r\nX-B: b")]},
    "a name that is none": {"headers": [("X A", "a")]},
    "a value that ends in a space": {"headers": [("X-A", "a ")]},
    "a value that is not ASCII": {"headers": [("X-A", "é")]},
    "a certificate": {"cert": "one", "key": "another"},
    "a patience": {"timeout": 3},
    "an address": {"source": "127.0.0.1"},
}


@pytest.mark.parametrize("more", OWN.values(), ids=OWN)
def test_whatever_is_not_plain_has_its_own(url: str, more: dict[str, Any]) -> None:
    before, odd, after = ports({"url": url}, {"url": url, **more}, {"url": url})
    assert odd != before
    assert after == before


def test_so_has_whoever_asks_for_an_address_that_is_not_quite_one(url: str) -> None:
    before, odd = ports({"url": url}, {"url": url + "é"})
    assert odd != before


@pytest.mark.parametrize("path", ["last", "gone"])
def test_one_that_is_closed_gives_way_to_a_new_one(url: str, path: str) -> None:
    """Whether that was said or not (RFC 9112 §9.3.1, §9.6)."""
    first, closed, after = ports({"url": url}, {"url": url + path}, {"url": url})
    assert first == closed
    assert after != closed


def test_where_nobody_is_that_is_told(url: str) -> None:
    answers = probe.attempts([{"url": "http://127.0.0.1:9/"}, {"url": url}])
    assert answers[0]["refused"].startswith("ConnectionRefusedError")
    assert answers[1]["status"] == 200
