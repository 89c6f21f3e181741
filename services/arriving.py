"""What has come of a request before anybody's time is spent on it: the handshake, its head, and its body.

gunicorn waits in a thread for what a client has not sent yet, so a few who send an octet now and then keep everybody
else out ("slow" attacks, CWE-400).  Here what comes is put by, until there is all of it; only then is it read.
"""

from __future__ import annotations

import re
import select
import ssl
import time
from typing import Any

from gunicorn import http
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.gthread import TConn

HEAD_SECONDS = 5.0
REQUEST_SECONDS = 30.0
SOON = 0.01
"""Seconds that a thread waits for what is on its way: enough for the rest of a message, nothing to whoever dawdles."""
LARGEST_HEAD, LARGEST_BODY = 128 * 1024, 128 * 1024
"""More is not put by, and read as it comes: it is more than anybody here accepts."""
PIECE = 8192
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
CHUNKED, EXPECTS, END = b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\n\r\n"


def missing(octets: bytes) -> str | None:
    """What these octets lack to be a request, as far as one can tell at a glance: its `head`, or its `body`.

    It decides when a request is read, never what it means: what can be told only by reading lacks nothing.
    """
    head, end, body = octets.partition(END)
    if not end:
        return "head" if len(octets) < LARGEST_HEAD else None
    head = head.lower() + b"\r\n"
    if EXPECTS in head or len(body) >= LARGEST_BODY:  # it waits for a word of ours (RFC 9110 §10.1.1)
        return None
    if CHUNKED in head:
        return None if END in body else "body"
    told = LENGTH.search(head)
    return "body" if told and len(body) < int(told[1]) <= LARGEST_BODY else None


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection, and what has come on it that was not read yet."""

    sock: Any
    parser: Any

    def __init__(self, config: Any, sock: Any, client: Any, server: Any) -> None:
        super().__init__(config, sock, client, server)
        self.since = time.monotonic()
        self.held = b""
        self.lacks: str | None = "head"

    @property
    def begun(self) -> bool:
        """Whether anything of a request, or of a handshake, has come."""
        return bool(self.held) or (not self.initialized and isinstance(self.sock, ssl.SSLSocket))

    @property
    def until(self) -> float:
        """When there must be all of it."""
        return self.since + (REQUEST_SECONDS if self.lacks == "body" else HEAD_SECONDS)

    def begin(self) -> None:
        """The next request begins to come."""
        self.since, self.lacks = time.monotonic(), "head"

    def arrived(self) -> bool:
        """Take in what has come; whether nothing is lacking any more.  `OSError` when there is nobody to talk to."""
        if self.sock.gettimeout() != 0:
            self.sock.setblocking(False)
        while True:
            try:
                self._take()
                return True
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if not _soon(self.sock):
                    return False

    def _take(self) -> None:
        """Shake hands, then put by what comes until there is enough, or no more to come; then it can be read."""
        if not self.initialized:
            self._shake_hands()
        self.held += self.parser.unreader.take_buffered()
        self.lacks = missing(self.held)
        while self.lacks:
            more = self.sock.recv(PIECE)
            if not more:
                break
            self.held += more
            self.lacks = missing(self.held)
        self.parser.unreader.unread(self.held)
        self.held = b""

    def _shake_hands(self) -> None:
        if self.cfg.is_ssl:
            if not isinstance(self.sock, ssl.SSLSocket):
                self.sock = ssl_wrap_socket(self.sock, self.cfg)
            self.sock.do_handshake()
        self.parser = http.get_parser(self.cfg, self.sock, self.client)
        self.initialized = True


def _soon(sock: Any) -> bool:
    """Whether more comes before long."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(SOON * 1000))
