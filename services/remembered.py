"""What a process remembers so as not to work it out twice: bounded, for a time, and safe for all its threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """At most `most` values, those longest unused making room; each for `seconds` after it was put, if that is said."""

    def __init__(self, most: int, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._values: LRUCache[Key, Value] | TTLCache[Key, Value] = (
            LRUCache(most) if seconds is None else TTLCache(most, seconds, clock)
        )
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """What was put under `key`, or None."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember `value` under `key`."""
        with self._lock:
            self._values[key] = value

    def keys(self) -> set[Key]:
        """Under what something is remembered."""
        with self._lock:
            return set(self._values)
