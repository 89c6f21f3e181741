"""Somebody who asks at a steady pace on one connection, and opens another when that one was closed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from scenarios.bench.contest import NotProven
from scenarios.bench.wire import Connection, Target, Unexpected

EVERY = 0.05
"""Seconds from one request to the next."""


class Caller:
    """One client; use it as a context manager."""

    def __init__(self, target: Target, octets: bytes) -> None:
        self.asked = self.opened = 0
        self._target, self._octets = target, octets
        self._connection: Connection | None = None

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def ask(self) -> bool:
        """Ask once; whether that was served, on the connection that there was, or else on a new one."""
        self.asked += 1
        if self._connection is not None:
            try:
                return self._served(self._connection)
            except (OSError, Unexpected):  # it was closed, and that is no answer (RFC 9112 §9.3.1)
                self.hang_up()
        try:
            self._connection = Connection(self._target)
            self.opened += 1
            return self._served(self._connection)
        except (OSError, Unexpected):
            self.hang_up()
            return False

    def hang_up(self) -> None:
        """Close what is open."""
        if self._connection is not None:
            self._connection.__exit__()
            self._connection = None

    def keep_asking(self, seconds: float) -> None:
        """Ask at a steady pace; `NotProven` when one of the requests is not served."""
        for since in paced(seconds):
            if not self.ask():
                raise NotProven(f"after {since:.1f} s it is refused, though nothing was taken back")

    def until_refused(self, within: float) -> float:
        """Ask at a steady pace until that is refused; the seconds until then, or `NotProven` when it never is."""
        began = time.monotonic()
        for _ in paced(within):
            if not self.ask():
                return time.monotonic() - began
        raise NotProven(f"after {within:.1f} s it is still served")

    def _served(self, connection: Connection) -> bool:
        status, _ = connection.ask(self._octets)
        return 200 <= status < 300


def paced(seconds: float) -> Iterator[float]:
    """The moments at which to ask, in seconds from now; each waits until it has come."""
    began = time.monotonic()
    for number in itertools.count():
        if (since := time.monotonic() - began) > seconds:
            return
        yield since
        time.sleep(max(0.0, began + (number + 1) * EVERY - time.monotonic()))  # the pace is what is asked for
