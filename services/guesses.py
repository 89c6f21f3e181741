"""Slowing down whoever guesses passwords, without locking anybody out for good (OWASP ASVS 6.3.1)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cachetools import LRUCache
from werkzeug.exceptions import TooManyRequests

from services.identity import Unauthenticated

WINDOW_SECONDS = 60.0
PER_NAME = 10
"""Failures per name and address: enough for a bad memory, too few for a dictionary."""
PER_ADDRESS = 60
"""Failures per address, whatever the names: too few to try one password on everybody."""
MOST = 10_000


@dataclass
class Window:
    """The failures since `began`."""

    began: float
    failures: int = 0


class Guesses:
    """The failed log-ins of the last minute.  # Demo: this process's own; several would share a store such as Redis."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: LRUCache[tuple[str, ...], Window] = LRUCache(MOST)
        self._lock = threading.Lock()

    @contextmanager
    def counted(self, name: str, address: str) -> Iterator[None]:
        """Count it when the log-in inside fails; `TooManyRequests` instead of trying when too many have."""
        limits = {(address, name[:64]): PER_NAME, (address,): PER_ADDRESS}
        with self._lock:
            waits = [self._wait(key) for key, most in limits.items() if self._window(key).failures >= most]
        if waits:
            raise TooManyRequests(retry_after=max(waits))
        try:
            yield
        except Unauthenticated:
            with self._lock:
                for key in limits:
                    self._window(key).failures += 1
            raise

    def _window(self, key: tuple[str, ...]) -> Window:
        found: Window | None = self._windows.get(key)
        if found is None or self._clock() - found.began >= WINDOW_SECONDS:
            found = self._windows[key] = Window(self._clock())
        return found

    def _wait(self, key: tuple[str, ...]) -> int:
        return max(1, math.ceil(WINDOW_SECONDS - (self._clock() - self._window(key).began)))
