"""Calls within the shop: nothing is sent before whoever answers has proven to be the one that was meant.

`tls` says what a connection proves; here it is what urllib3 does with one.  Nobody else gets a say: no variable of the
environment, no ~/.netrc, no cookie, and no redirect, which is an answer like any other.
"""

from __future__ import annotations

import base64
import contextlib
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from services import tls
from services.identity import Credentials
from services.in_time import InTime

MOST_CONNECTIONS, MOST_CONTEXTS = 16, 4
CHUNK = 16 * 1024


class Failed(Exception):
    """There is no answer that could be believed."""


class Unproven(Failed):
    """Whoever is there has not proven to be the one that was meant, or what we present would go in the clear."""


class TooSlow(Failed):
    """The answer, or the connection, has taken too long."""


class Silent(Failed):
    """Nobody is there, or what they said broke off."""


class PlainConnection(HTTPConnection):
    """An HTTP connection whose answers are there in time."""

    response_class = InTime  # of http.client's connections, which urllib3's are


class CheckedConnection(HTTPSConnection):
    """An HTTPS connection that sends nothing before the server has proven its SPIFFE ID as well as its DNS name.

    Its answers are there in time.
    """

    response_class = InTime
    expected_peer: str | None = None

    def connect(self) -> None:
        super().connect()
        if self.expected_peer is None or not isinstance(self.sock, ssl.SSLSocket):
            return
        try:
            found = tls.peer_of(self.sock.getpeercert(binary_form=True) or b"")
        except (tls.BadPeer, ValueError) as error:
            self.close()
            raise ssl.SSLCertVerificationError(f"server certificate: {error}") from None
        if found.name != self.expected_peer:
            self.close()
            raise ssl.SSLCertVerificationError(f"expected {self.expected_peer}, found {found.spiffe_id}")


def connection_to(name: str) -> type[CheckedConnection]:
    """The kind of connection that only `name` can be at the other end of."""
    return type("ConnectionTo", (CheckedConnection,), {"expected_peer": name})


class Callee:
    """Whoever answers at `base`, held to its own `name` whatever address it is reached at.

    A leaf carries only its own DNS name, so on loopback the name has to be told.  Connections are kept, and shared by
    all threads, but nothing about any user is: what is presented goes with the one call.  They belong to the context
    that they were made with, so a renewed certificate also means new connections.
    """

    def __init__(self, base: str, name: str) -> None:
        url = urlsplit(base)
        self._name, self._host, self._port, self._secure = name, url.hostname or "", url.port, url.scheme == "https"
        self._connection = connection_to(name)
        self._pools: dict[ssl.SSLContext | None, HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def ask(
        self,
        method: str,
        path: str,
        presented: Credentials,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        deadline: float,
        most: int,
    ) -> tuple[int, bytes]:
        """The status and the body of the answer; up to one byte more than `most` is read of it.

        All of it is there at `deadline`, on the monotonic clock, or `TooSlow`.
        Where it takes long to connect, the handshake may take as long again before that is told.  It is asked twice
        when a kept-alive connection turns out to be closed (RFC 9112 §9.3.1): all that the shop asks for is safe to
        repeat.  Raises `Failed`.
        """
        fields = {**headers, **presented.get("headers", {})}
        if "auth" in presented:
            fields["Authorization"] = "Basic " + base64.b64encode(b":".join(presented["auth"])).decode()  # RFC 7617 §2
        try:
            try:
                return _once(self._pool(presented), method, path, fields, body, deadline, most)
            except (ProtocolError, ClosedPoolError) as error:
                if not _cut_off(error):
                    raise
            return _once(self._pool(presented), method, path, fields, body, deadline, most)
        except (SSLError, ssl.SSLError) as error:
            raise Unproven(str(error)) from error
        except NewConnectionError as error:  # which urllib3 counts among the timeouts
            raise Silent(type(error).__name__) from error
        except (ConnectTimeoutError, ReadTimeoutError, TimeoutError) as error:
            raise TooSlow(type(error).__name__) from error
        except (HTTPError, OSError) as error:
            raise Silent(type(error).__name__) from error

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _pool(self, presented: Credentials) -> HTTPConnectionPool:
        """The connections that prove what is presented, and demand what it says of the other end."""
        context = self._context(presented)
        with self._lock:
            pool = self._pools.pop(context, None) or self._new_pool(context)
            if len(self._pools) >= MOST_CONTEXTS:
                self._pools.pop(next(iter(self._pools))).close()  # the one that was not used for longest
            self._pools[context] = pool
        return pool

    def _context(self, presented: Credentials) -> ssl.SSLContext | None:
        """What the connection has to prove on both sides; None is plain HTTP, for what needs no secrecy."""
        bundle, certificate = presented.get("verify"), presented.get("cert")
        if not self._secure:
            if bundle is not None:  # a pattern asked for TLS: what it presents must not go in the clear
                raise Unproven("a trust bundle was named, but the address is not https")
            return None
        if bundle is None:
            raise Unproven("no trust bundle was named: verify=…")
        if isinstance(certificate, ssl.SSLContext):
            return certificate
        try:
            return tls.client_context(Path(bundle), certificate)
        except OSError as error:
            raise Unproven(f"no TLS with the files that there are: {type(error).__name__}") from error

    def _new_pool(self, context: ssl.SSLContext | None) -> HTTPConnectionPool:
        if context is None:
            plain = HTTPConnectionPool(self._host, self._port, maxsize=MOST_CONNECTIONS)
            plain.ConnectionCls = PlainConnection
            return plain
        pool = HTTPSConnectionPool(
            self._host, self._port, maxsize=MOST_CONNECTIONS, ssl_context=context, server_hostname=self._name
        )  # with an `assert_hostname` urllib3 would look at the name itself, and have the context not look any more
        pool.ConnectionCls = self._connection
        return pool


def _once(
    pool: HTTPConnectionPool,
    method: str,
    path: str,
    fields: Mapping[str, str],
    body: bytes | None,
    deadline: float,
    most: int,
) -> tuple[int, bytes]:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    answer = pool.urlopen(
        method,
        path,
        body,
        fields,
        retries=False,
        redirect=False,
        timeout=Timeout(total=left),
        preload_content=False,
    )
    with contextlib.closing(answer):  # read to its end, it has given its connection back already; else that ends too
        if answer.status < 200:
            raise ProtocolError("an answer before the answer (RFC 9110 §15.2), which would pass for the next one's")
        return answer.status, _read(answer, most)


def _read(response: BaseHTTPResponse, most: int) -> bytes:
    """The body, up to one byte more than `most`, so that the caller can tell too much."""
    body = bytearray()
    while len(body) <= most and (chunk := response.read1(CHUNK, decode_content=True)):
        body += chunk
    return bytes(body)


def _cut_off(error: ProtocolError | ClosedPoolError) -> bool:
    """Whether a connection that was open got closed instead of an answer: not none coming about, nor half an answer.

    Another thread may have closed it, for the sake of newer ones (`_pool`).
    """
    return isinstance(error, ClosedPoolError) or any(isinstance(each, ConnectionError) for each in error.args)
