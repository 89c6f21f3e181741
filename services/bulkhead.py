"""Who waits for one other process: not all of us, while it says nothing (NIST SP 800-204, MS-SS-6).

    well    at most `MOST` wait for it; whoever comes then waits for one of them to be done, until the one that has
            waited longest has done so for long
    slow    somebody waited for long, and was told nothing in time: one asks, and nobody else, until one is answered

Who is not let in is told to come again, and the thread that would have waited serves somebody else.  So one process
that says nothing takes all threads from us for a moment at most; of two of them, each has its own places.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST = 6
"""Fewer than the threads that serve (8)."""
LONG = 0.4
"""Of the time that a request has: what is well answers sooner, even where many ask."""


class Full(Exception):
    """Enough wait already."""

    def __init__(self) -> None:
        super().__init__("enough of us wait for it already")


class Bulkhead:
    """The places of those who wait for one process.

    `slow` is what they raise when they were told nothing in time, and `budget` the seconds that a request has.
    """

    def __init__(self, slow: type[Exception], budget: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._slow, self._long = slow, budget * LONG
        self._clock = clock
        self._changed = threading.Condition()
        self._since: list[float] = []
        """When each of those who wait began to, the first of them first."""
        self._is_slow, self._well_at = False, float("-inf")

    @contextmanager
    def place(self, until: float = float("inf")) -> Iterator[None]:
        """A place for the block.  Raises `Full`: at `until` at the latest, on the monotonic clock."""
        began = self._take(until)
        was_slow = False
        try:
            yield
        except self._slow:
            was_slow = True
            raise
        finally:
            self._give_back(began, was_slow)

    def _take(self, until: float) -> float:
        with self._changed:
            while self._since and (self._is_slow or len(self._since) >= MOST):
                left = min(self._since[0] + self._long, until) - self._clock()
                if self._is_slow or left <= 0:
                    raise Full
                self._changed.wait(left)
            began = self._clock()
            self._since.append(began)
            return began

    def _give_back(self, began: float, was_slow: bool) -> None:
        with self._changed:
            self._since.remove(began)
            now = self._clock()
            if not was_slow:
                self._is_slow, self._well_at = False, now
            elif now - began >= self._long and began > self._well_at:  # else they had no time, or others know better
                self._is_slow = True
            self._changed.notify_all()
