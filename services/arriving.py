"""What has come of a request before anybody's time is spent on it, and what has not gone yet of its answer.

gunicorn waits in a thread for what a client has not sent yet, or does not take, so a few who send or take an octet now
and then keep everybody else out ("slow" attacks, CWE-400).  Here what comes is put by, until there is all of it; only
then is it read.  And what is not taken is put by, until it is.
"""

from __future__ import annotations

import re
import select
import ssl
import time
from typing import Any

from gunicorn import http
from gunicorn.http.errors import NoMoreData
from gunicorn.http.unreader import SocketUnreader
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.gthread import TConn

HEAD_SECONDS = 5.0
REQUEST_SECONDS = 30.0
SOON = 0.01
"""Seconds, once for each request, that a thread waits for what is on its way: often the rest, and never for long."""
LARGEST = 96 * 1024
"""Octets that are put by: more than anybody here accepts, so that whoever says more is refused."""
PIECE = 16 * 1024
"""Octets at once: a TLS record has no more (RFC 8446 §5.1), so none stays behind where a poll does not see it."""
LONGEST_LINE = 4096
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*0*([0-9]{1,18})[ \t]*\r\n")
CHUNKED, LINE, END = b"\r\ntransfer-encoding:", b"\r\n", b"\r\n\r\n"
CHUNK = re.compile(rb"0*([0-9A-Fa-f]{1,7})[ \t]*(?:;|\Z)")
EXPECTS = re.compile(rb"[^\r\n]* HTTP/1\.1(?s:.*?)\r\n(expect:[ \t]*100-continue[ \t]*\r\n)", re.IGNORECASE)
"""With 1.0 nobody can wait for a word (RFC 9110 §10.1.1)."""
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_MUCH = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
REFUSALS = {"head": TOO_MUCH % b"431 Request Header Fields Too Large", "body": TOO_MUCH % b"413 Content Too Large"}


def missing(octets: bytes, seen: int = 0) -> tuple[str | None, int]:
    """What these octets lack to be a request, as far as one can tell at a glance: its `head`, or its `body`.

    And up to where the body's chunks were seen, not to look at them again.  This decides when a request is read, never
    what it means: what can be told only by reading lacks nothing, and if it does, nobody waits for it (`Unreader`).
    """
    end = octets.find(END)
    if end < 0:
        return "head", 0
    start = end + len(END)
    head = octets[: end + len(LINE)].lower()
    if CHUNKED in head:
        seen = _seen(octets, max(seen, start))
        return ("body" if seen else None), seen
    told = LENGTH.search(head)
    return ("body" if told and len(octets) - start < int(told[1]) <= LARGEST else None), 0


def _seen(octets: bytes, at: int) -> int:
    """Where the first chunk that is not all there begins (RFC 9112 §7.1); 0 when the last one is, or it is no chunk."""
    while (line := octets.find(LINE, at)) >= 0:
        chunk = CHUNK.match(octets[at:line])
        if chunk is None:
            return 0
        size = int(chunk[1], 16)
        if size == 0:
            return at if octets.find(END, line) < 0 else 0
        after = line + len(LINE) + size + len(LINE)
        if after > len(octets):
            return at
        at = after
    return at if len(octets) - at < LONGEST_LINE else 0


class Unreader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn's parser reads from."""

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What is there; `NoMoreData` when nothing is, since nobody waits for more here."""
        waited = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            octets: bytes = super().chunk(size_hint)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise NoMoreData from error
        finally:
            self.sock.settimeout(waited)
        return octets


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection, what has come on it that was not read yet, and what was said that has not gone."""

    sock: Any
    parser: Any

    def __init__(self, config: Any, sock: Any, client: Any, server: Any) -> None:
        super().__init__(config, sock, client, server)
        self.since: float | None = time.monotonic()
        """When the request at hand began to come; None between two of them."""
        self.held = b""
        self.unsent = memoryview(b"")
        self.lacks: str | None = "head"
        self._seen, self._waited = 0, False

    @property
    def begun(self) -> bool:
        """Whether anything of a request, or of a handshake, has come."""
        return bool(self.held) or (not self.initialized and isinstance(self.sock, ssl.SSLSocket))

    @property
    def until(self) -> float:
        """When there must be all of it."""
        since = time.monotonic() if self.since is None else self.since
        return since + (REQUEST_SECONDS if self.lacks == "body" else HEAD_SECONDS)

    def arrived(self) -> bool:
        """Take in what has come; whether nothing is lacking any more.  `OSError` when there is nobody to talk to."""
        if self.since is None:
            self.since = time.monotonic()
        if self.sock.gettimeout() != 0:
            self.sock.setblocking(False)
        until = 0.0 if self._waited else time.monotonic() + SOON
        while True:
            try:
                self._take()
                return True
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if not _comes(self.sock, until - time.monotonic()):
                    self._waited = True
                    return False

    def _take(self) -> None:
        """Shake hands, then put by what comes until there is enough, or no more to come; then it can be read."""
        if not self.initialized:
            self._shake_hands()
        self.held += self.parser.unreader.take_buffered()
        while self._look():
            more = self.sock.recv(PIECE)
            if not more:
                break
            self.held += more
        self.parser.unreader.unread(self.held)
        self.since, self.held, self._seen, self._waited = None, b"", 0, False

    def _look(self) -> bool:
        """Whether more is lacking; whoever waits for a word of ours before they go on gets it."""
        self.lacks, self._seen = missing(self.held, self._seen)
        if self.lacks == "body" and (waits := EXPECTS.match(self.held, 0, self.held.find(END) + len(LINE))):
            self.held, self._seen = self.held[: waits.start(1)] + self.held[waits.end(1) :], 0
            self.sock.sendall(GO_ON)
        if self.lacks and len(self.held) >= LARGEST:
            self.sock.sendall(REFUSALS[self.lacks])
            raise ConnectionAbortedError(f"its {self.lacks} has no end")
        return self.lacks is not None

    def _shake_hands(self) -> None:
        if self.cfg.is_ssl:
            if not isinstance(self.sock, ssl.SSLSocket):
                self.sock = ssl_wrap_socket(self.sock, self.cfg)
            self.sock.do_handshake()
        self.parser = http.get_parser(self.cfg, self.sock, self.client)
        self.parser.unreader = Unreader(self.sock)
        self.initialized = True

    def sendall(self, octets: bytes) -> None:
        """Say this, after whatever was said before and was not taken yet, as far as it is taken now."""
        self.unsent = memoryview(bytes(self.unsent) + octets if self.unsent else octets)
        self.send_on()

    def send_on(self) -> bool:
        """Send what was put by, without waiting; whether all of it has gone.  `OSError` when nobody takes it."""
        try:
            self.sock.setblocking(False)
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            return False
        return True


def _comes(sock: Any, seconds: float) -> bool:
    """Whether more comes within that time."""
    if seconds <= 0:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
