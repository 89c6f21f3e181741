"""How a server's process shares its time and its handles out among those who connect.

gunicorn gives a thread to each new connection, and waits in it without a deadline, first for a word, then for a
handshake and a request, and at last until its answer is taken: as many silent or slow connections as there are threads
would silence a service.  It ends when it runs out of handles for them; it lets nobody in while it waits for somebody
who was answered to hang up; and when it is to end, it leaves its door open until the last of them is gone, and whoever
comes waits for nobody.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import selectors
import socket
import ssl
import time
from concurrent.futures import Future
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from services import arriving
from services.arriving import Connection

LINGER_SECONDS = 2
CHORES_EVERY = 0.1
"""Seconds; the chores are to hang up on whoever is late, and to tell whoever started us that we live."""
LATER = object()
"""What handling a connection comes to while something is lacking."""
NOBODY = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED})
GONE = (ConnectionError, ssl.SSLError)
OUT_OF_HANDLES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads for those who have said what they want, and a deadline for everybody."""

    def init_process(self) -> None:
        self.sending: dict[Any, float] = {}
        self.leaving: dict[Any, float] = {}
        super().init_process()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for whoever says something, again and again; the main loop comes to its chores every so often.

        It would do them at each request, while the thread that is to answer it waits for the interpreter.
        """
        chores = time.monotonic() + CHORES_EVERY
        super().wait_for_and_dispatch_events(timeout)
        while self.alive and time.monotonic() < chores and self._accepting == (self.nr_conns < self.worker_connections):
            super().wait_for_and_dispatch_events(timeout)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Once we are to end, take in whoever stands at the door already, and shut it."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                while self.accept(listener):
                    pass
                listener.close()

    def is_parent_alive(self) -> bool:
        """Whether somebody is there to tell us when to end; without them we are to end now, and shut the door first."""
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

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
        self.wait_for(Connection(self.cfg, client, address, listener.getsockname()))
        return True

    def wait_for(self, connection: Connection) -> None:
        """Have it wait in the main loop until more comes."""
        connection.timeout = connection.until
        self.pending_conns.append(connection)
        self.poller.register(
            connection.sock, selectors.EVENT_READ, functools.partial(self.on_pending_socket_readable, connection)
        )

    def handle(self, connection: Connection) -> Any:
        """Answer what was asked, or have it wait for the rest of the question."""
        try:
            if not connection.arrived():
                return LATER
        except OSError as error:
            if not isinstance(error, GONE) and error.errno != errno.ENOTCONN:
                self.log.exception("a connection cannot be served")
            return False
        return super().handle(connection)

    def handle_request(self, request: Any, connection: Any) -> Any:
        """Answer it; the answer wants to know on which connection."""
        request.connection = connection
        return super().handle_request(request, connection)

    def _keepalive_after(self, connection: Connection, keepalive: bool) -> bool:
        """Whether the connection can serve again: if what nobody read of the body is here, and can be thrown away.

        gunicorn gives that so long, on a clock; on a busy machine there would be no time left with nothing to do.
        """
        return bool(keepalive and connection.parser.finish_body(max_bytes=arriving.LARGEST))

    def finish_request(self, connection: Any, handled: Future[Any]) -> None:
        """Have the connection wait for more, or see it off: in the main loop, so without waiting for anybody.

        Whoever is late does not wait again: they could speak each time just before the chores, and be late for ever.
        """
        failed = handled.cancelled() or handled.exception()
        if not failed and handled.result() is LATER:
            late = time.monotonic() > connection.until
            self.hang_up(connection) if late else self.wait_for(connection)
        elif connection.unsent and not failed:
            self.send_later(connection, handled)
        elif failed or handled.result():
            super().finish_request(connection, handled)
        else:
            self.see_off(connection)

    def send_later(self, connection: Connection, handled: Future[Any]) -> None:
        """Have the rest of the answer wait until it is taken, and only then go on to the next request."""
        self.sending[connection] = time.monotonic() + arriving.REQUEST_SECONDS
        try:
            self.poller.register(connection.sock, selectors.EVENT_WRITE, lambda _: self.send_on(connection, handled))
        except (OSError, ValueError):  # gone already
            self.give_up(connection)

    def send_on(self, connection: Connection, handled: Future[Any]) -> None:
        """Send what is taken now."""
        try:
            if not connection.send_on():
                return
        except OSError:  # gone already
            self.give_up(connection)
        else:
            del self.sending[connection]
            self.poller.unregister(connection.sock)
            self.finish_request(connection, handled)

    def give_up(self, connection: Any) -> None:
        """Hang up on somebody who does not take their answer."""
        del self.sending[connection]
        self.hang_up(connection)

    def see_off(self, connection: Connection) -> None:
        """Say that this was all, and wait until they have heard it."""
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
        self.hang_up(connection)

    def hang_up(self, connection: Any) -> None:
        """Close a connection, whether the main loop was waiting for more on it or not."""
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(connection.sock)
        self.nr_conns -= 1
        connection.close()

    def murder_keepalived(self, force: bool = False) -> None:
        """Hang up on the late ones; gunicorn's main loop comes by here for its chores."""
        for connection, until in list(self.leaving.items()):
            if force or time.monotonic() > until:
                self.let_go(connection)
        for connection, until in list(self.sending.items()):
            if force or time.monotonic() > until:
                self.give_up(connection)
        super().murder_keepalived(force)

    def _cap_keepalive(self, deadline: float) -> None:
        """When we are to end, wait no longer for those who have said nothing than for those who were answered."""
        for connection in self.pending_conns:
            if not connection.begun:
                connection.timeout = min(connection.timeout, deadline)
        super()._cap_keepalive(deadline)

    def murder_pending(self) -> None:
        """Hang up on those who have not said in time what they want."""
        for connection in [late for late in self.pending_conns if time.monotonic() > late.timeout]:
            self.pending_conns.remove(connection)
            self.hang_up(connection)
