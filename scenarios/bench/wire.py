"""A client so plain that what is measured is the server: the same octets on one connection, again and again.

It reads an answer by its Content-Length and nothing else, so it fits only servers whose answers have one.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 10.0


class Unexpected(Exception):
    """The server answered, but not as was agreed; the message says what came."""


@dataclass(frozen=True)
class Target:
    """Where requests go and what every one of them says; `tls` is None for plain HTTP."""

    url: str
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    method: str = "GET"
    body: bytes = b""

    def octets(self, headers: Mapping[str, str] | None = None) -> bytes:
        """The request, with `headers` besides its own, or in their stead."""
        url = urlsplit(self.url)
        length = {"Content-Length": str(len(self.body))} if self.body else {}
        all_headers = {"Host": url.netloc, **self.headers, **(headers or {}), **length}
        lines = [f"{self.method} {url.path or '/'}{'?' + url.query if url.query else ''} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in all_headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Connection:
    """One kept-alive connection to `target`, opened at once; use it as a context manager."""

    def __init__(self, target: Target) -> None:
        url = urlsplit(target.url)
        self._socket: socket.socket = socket.create_connection((url.hostname or "", url.port or 443), TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tls is not None:
            self._socket = target.tls.wrap_socket(self._socket, server_hostname=target.server_name or url.hostname)
        self._rest = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, octets: bytes) -> tuple[int, bytes]:
        """Send a request; the status and the body of what comes back.  Raises `OSError` or `Unexpected`."""
        self._socket.sendall(octets)
        head = self._until(b"\r\n\r\n")
        status, length = int(head[9:12]), _length(head)
        while len(self._rest) < length:
            self._rest += self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return status, body

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            self._rest += self._more()
        found, _, self._rest = self._rest.partition(end)
        return found

    def _more(self) -> bytes:
        octets = self._socket.recv(65536)
        if not octets:
            raise Unexpected("the server hung up in the middle of an answer")
        return octets


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Unexpected("the answer does not say how long it is")


def ask(target: Target, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    with Connection(target) as connection:
        return connection.ask(target.octets(headers))


def keep_asking(target: Target, requests: list[bytes]) -> list[float]:
    """Send `requests` one after the other on one connection; seconds that each took.  `Unexpected` for any but 2xx."""
    with Connection(target) as connection:
        return [timed(connection, octets) for octets in requests]


def ask_anew(target: Target, requests: list[bytes]) -> list[float]:
    """Send each of `requests` on a new connection; seconds that each took, handshake included."""
    taken = []
    for octets in requests:
        began = time.perf_counter()
        with Connection(target) as connection:
            timed(connection, octets)
        taken.append(time.perf_counter() - began)
    return taken


def timed(connection: Connection, octets: bytes) -> float:
    """Ask once; the seconds that took.  `Unexpected` for any answer but 2xx."""
    began = time.perf_counter()
    status, body = connection.ask(octets)
    taken = time.perf_counter() - began
    if not 200 <= status < 300:
        raise Unexpected(f"{status}: {body[:200].decode(errors='replace')}")
    return taken
