"""Real connections over loopback: TLS handshakes, and an HTTP server that answers octet by octet as it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

SECONDS = 10
"""Nothing here waits for longer than this."""


class NoHandshake(Exception):
    """The two did not come together; what each end says of it."""

    def __init__(self, server: Exception | None, client: Exception | None) -> None:
        super().__init__(f"server: {server!r}; client: {client!r}")
        self.server = server
        self.client = client


@contextmanager
def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str = "orders"
) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Both ends of one TLS connection to `name`, the server's first; `NoHandshake` when either end refuses.

    In TLS 1.3 a client is done before the server has looked at its certificate, so one octet is sent to make sure.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(_accept, listener, server)
        theirs = _result(lambda: _connect(listener.getsockname(), client, name))
        ours = _result(lambda: accepted.result(SECONDS))
    try:
        if isinstance(ours, Exception) or isinstance(theirs, Exception):
            refused = [end if isinstance(end, Exception) else None for end in (ours, theirs)]
            raise NoHandshake(*refused)
        yield ours, theirs
    finally:
        for end in (ours, theirs):
            if isinstance(end, ssl.SSLSocket):
                end.close()


def _result(work: Callable[[], ssl.SSLSocket]) -> ssl.SSLSocket | Exception:
    try:
        return work()
    except OSError as error:
        return error


def _accept(listener: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    listener.settimeout(SECONDS)
    raw, _ = listener.accept()
    raw.settimeout(SECONDS)
    try:
        secured = context.wrap_socket(raw, server_side=True)
    except BaseException:
        raw.close()
        raise
    try:
        secured.sendall(b".")
    except BaseException:
        secured.close()
        raise
    return secured


def _connect(address: tuple[str, int], context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    raw = socket.create_connection(address, timeout=SECONDS)
    try:
        secured = context.wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise
    try:
        if secured.recv(1) != b".":
            raise ConnectionResetError("the server closed without a word")
    except BaseException:
        secured.close()
        raise
    return secured


@contextmanager
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and nobody else can meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


Answer = Callable[[bytes, socket.socket], bool]
"""Gets a request and the connection to answer on; returns whether the connection stays open."""


def says(answer: bytes, *, then_closes: bool = False) -> Answer:
    """Answer every request with these octets."""

    def answered(_: bytes, connection: socket.socket) -> bool:
        connection.sendall(answer)
        return not then_closes

    return answered


def http(status: str, body: bytes = b"", *headers: str, media_type: str = "application/json") -> bytes:
    """A whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Door:
    """A server on a free port of loopback, with TLS when it has a context, and all that it was asked."""

    answer: Answer
    context: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Door:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept_all)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(SECONDS)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(SECONDS)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its base URL, at the address of loopback."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def _accept_all(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        with contextlib.suppress(OSError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := _read_request(connection):
                self.requests.append(request)
                if not self.answer(request, connection):
                    break
        connection.close()


def _read_request(connection: socket.socket) -> bytes:
    """One request, head and body; nothing when the peer has closed."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = connection.recv(65536)
        if not more:
            return b""
        octets += more
    head, _, body = octets.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0:
        more = connection.recv(missing)
        octets, missing = octets + more, missing - len(more)
    return octets
