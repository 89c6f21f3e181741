"""Slowing down whoever guesses passwords, without locking anybody out for good (OWASP ASVS 6.3.1).

Guesses made at the same moment count like those made one after the other: no more are tried at once than may still be
wrong, and the others wait to see how those end (OWASP ASVS 15.4.2).
"""

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
from services.users import WrongPassword, normal

WINDOW_SECONDS = 60.0
PER_NAME = 10
"""Failures per name and address: enough for a bad memory, too few for a dictionary."""
PER_ADDRESS = 60
"""Failures per address, whatever the names: too few to try one password on everybody."""
MOST = 10_000
TOO_MANY = "Too many wrong passwords. Please wait a minute and try again."


@dataclass
class Window:
    """The failures since `began`, and the tries of which nobody knows yet how they end."""

    began: float
    failures: int = 0
    trying: int = 0


class Guesses:
    """The failed log-ins of the last minute.  # Demo: this process's own; several would share a store such as Redis."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        per_name: int = PER_NAME,
        per_address: int = PER_ADDRESS,
    ) -> None:
        self._clock = clock
        self._per_name, self._per_address = per_name, per_address
        self._windows: LRUCache[tuple[str, ...], Window] = LRUCache(MOST)
        self._changed = threading.Condition()

    @contextmanager
    def counted(self, name: str, address: str) -> Iterator[None]:
        """Count it when the log-in inside fails; `TooManyRequests` instead of trying when too many have."""
        name = normal(name)[:64]  # as the store looks it up: one person has one count, however they are spelt
        limits = {(address, name): self._per_name, (address,): self._per_address}
        windows, wrong = self._begin(limits), 0
        try:
            yield
        except (Unauthenticated, WrongPassword):
            wrong = 1
            raise
        finally:
            with self._changed:
                for window in windows:
                    window.trying -= 1
                    window.failures += wrong
                self._changed.notify_all()

    def _begin(self, limits: dict[tuple[str, ...], int]) -> list[Window]:
        """Wait until it may be tried, and have the try counted among those under way."""
        with self._changed:
            while True:
                windows = [(self._window(key), most) for key, most in limits.items()]
                waits = [self._wait(window) for window, most in windows if window.failures >= most]
                if waits:
                    raise TooManyRequests(TOO_MANY, retry_after=max(waits))
                if all(window.failures + window.trying < most for window, most in windows):
                    break
                self._changed.wait()
            for window, _ in windows:
                window.trying += 1
        return [window for window, _ in windows]

    def _window(self, key: tuple[str, ...]) -> Window:
        found: Window | None = self._windows.get(key)
        if found is None or self._clock() - found.began >= WINDOW_SECONDS:
            found = self._windows[key] = Window(self._clock())
        return found

    def _wait(self, window: Window) -> int:
        return max(1, math.ceil(WINDOW_SECONDS - (self._clock() - window.began)))
