"""What a process remembers so as not to work it out twice: bounded, for a time, and safe for all its threads."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """At most `most` values, those longest unused making room; each for `seconds` after it was put.

    cachetools has the same, at five times the cost: too much for what is asked at every request.
    """

    def __init__(self, most: int, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._values: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """What was put under `key`, or None."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            if found[1] <= self._clock():
                del self._values[key]
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value) -> None:
        """Remember `value` under `key`."""
        with self._lock:
            self._values[key] = value, self._clock() + self._seconds
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)

    def keys(self) -> set[Key]:
        """Under what something is remembered."""
        with self._lock:
            return set(self._values)
