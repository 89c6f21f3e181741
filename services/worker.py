"""How a server's process shares its time and its handles out among those who connect.

gunicorn gives a thread to each new connection, and waits in it without a deadline, first for a word, then for a
handshake and a request: as many silent or half-open connections as there are threads would silence a service.  It ends
when it runs out of handles for them; it lets nobody in while it waits for somebody who was answered to hang up; and
when it is to end, it leaves its door open until the last of them is gone, and whoever comes waits for nobody.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import selectors
import socket
import time
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 5
REQUEST_SECONDS = 30
LINGER_SECONDS = 2
NOBODY = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})
OUT_OF_HANDLES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads for those who say something, and a deadline for each of them."""

    def init_process(self) -> None:
        self.until: dict[Any, float] = {}
        self.leaving: dict[Any, float] = {}
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Once we are to end, take in whoever stands at the door already, and shut it."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                while self.accept(listener):
                    pass
                listener.close()

    def accept(self, listener: Any) -> bool:
        """Take somebody in, to wait in the main loop until they say something; whether there was anybody."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_HANDLES:
                time.sleep(0.01)  # nobody tells when one is free again: there is nothing to wait on but the next try
            elif error.errno not in NOBODY:
                raise
            return False
        self.nr_conns += 1
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(connection)
        self.poller.register(
            client, selectors.EVENT_READ, functools.partial(self.on_pending_socket_readable, connection)
        )
        return True

    def handle(self, connection: Any) -> Any:
        """Handshake and head."""
        self.until[connection] = time.monotonic() + HEAD_SECONDS
        try:
            return super().handle(connection)
        finally:
            self.until.pop(connection, None)

    def handle_request(self, request: Any, connection: Any) -> Any:
        """The rest: the body, and our answer."""
        self.until[connection] = time.monotonic() + REQUEST_SECONDS
        return super().handle_request(request, connection)

    def finish_request(self, connection: Any, handled: Future[Any]) -> None:
        """Keep the connection for another request, or see it off: in the main loop, so without waiting for anybody."""
        if handled.cancelled() or handled.exception() or handled.result():
            super().finish_request(connection, handled)
            return
        self.leaving[connection] = time.monotonic() + LINGER_SECONDS
        try:
            connection.sock.shutdown(socket.SHUT_WR)
            connection.sock.setblocking(False)
            self.poller.register(connection.sock, selectors.EVENT_READ, lambda _: self.read_on(connection))
        except (OSError, ValueError):  # gone already
            self.let_go(connection)

    def read_on(self, connection: Any) -> None:
        """Read what still comes, or our last words could be lost with it, until nothing more does (RFC 9112 §9.6)."""
        try:
            more = connection.sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more:
            self.let_go(connection)

    def let_go(self, connection: Any) -> None:
        """Close a connection that was seen off."""
        del self.leaving[connection]
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """Hang up on the late ones; gunicorn's main loop comes by here every second."""
        for connection, until in list(self.leaving.items()):
            if force or time.monotonic() > until:
                self.let_go(connection)
        for connection, until in list(self.until.items()):
            if time.monotonic() > until:
                with contextlib.suppress(OSError):  # gone already; not SSLSocket's own, which would drop TLS mid-read
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        super().murder_keepalived(force)
