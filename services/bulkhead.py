"""Who waits for another process: never so many that nobody is left to serve the rest (NIST SP 800-204, MS-SS-6).

    well    at most `MOST` wait for it; whoever comes then waits for one of them to be done, until the one that has
            waited longest has done so for `PATIENCE`
    slow    the last to come back was told nothing in time: one asks, and nobody else, until that one is answered

Who is not let in is told at once to come again, and the thread that would have waited serves somebody else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST = 6
"""Fewer than the threads that serve (8), so that some are left for what needs nobody else."""
PATIENCE = 2.0
"""Seconds: what is well answers sooner, even where many ask."""


class Full(Exception):
    """Enough wait already."""

    def __init__(self) -> None:
        super().__init__("enough of us wait for it already")


class Bulkhead:
    """The places of those who wait for one process; `slow` is what they raise when they were told nothing in time."""

    def __init__(self, slow: type[Exception], clock: Callable[[], float] = time.monotonic) -> None:
        self._slow = slow
        self._clock = clock
        self._changed = threading.Condition()
        self._since: list[float] = []
        """When each of those who wait began to, the first of them first."""
        self._is_slow, self._well_at = False, float("-inf")

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for the block; raises `Full`."""
        began = self._take()
        was_slow = False
        try:
            yield
        except self._slow:
            was_slow = True
            raise
        finally:
            self._give_back(began, was_slow)

    def _take(self) -> float:
        with self._changed:
            while self._since and (self._is_slow or len(self._since) >= MOST):
                left = self._since[0] + PATIENCE - self._clock()
                if self._is_slow or left <= 0:
                    raise Full
                self._changed.wait(left)
            began = self._clock()
            self._since.append(began)
            return began

    def _give_back(self, began: float, was_slow: bool) -> None:
        with self._changed:
            self._since.remove(began)
            if not was_slow:
                self._is_slow, self._well_at = False, self._clock()
            elif began > self._well_at:  # else somebody who came later knows better
                self._is_slow = True
            self._changed.notify_all()
