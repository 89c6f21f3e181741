"""What a file holds, read again whenever the file is another than before, and not at each request."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")
Stamp = tuple[int, int, int]
LOOK_EVERY = 0.02
"""Seconds within which a change counts, where each request depends on a file and there are hundreds in a second."""


def stamp(path: Path | str) -> Stamp:
    """What changes when a file is replaced or rewritten; `OSError` when there is none."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_ino, found.st_size


class Looks:
    """When to look whether a file is another than before: at most once in `every` seconds.

    To ask the file system lets go of the interpreter, which costs a busy process far more than the question itself.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether to look now; whoever asks within the next `every` seconds is told not to."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._every
        return True


class Following(Generic[Value]):
    """What `read` makes of the octets of the file at `path`, as the file is now."""

    def __init__(self, path: Path, read: Callable[[bytes], Value]) -> None:
        self._path = path
        self._read = read
        self._known: tuple[Stamp, Value] | None = None

    def now(self) -> Value:
        """The value.  Raises `OSError` when the file cannot be read, and whatever `read` raises."""
        changed = stamp(self._path)
        known = self._known
        if known is None or known[0] != changed:
            known = self._known = changed, self._read(self._path.read_bytes())
        return known[1]
