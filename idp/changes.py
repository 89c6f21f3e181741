"""Whether the store may be other than it was: eight bytes that every process with the same store has before it.

To look into SQLite costs twenty times as much as to remember what was found there.  So it is remembered for as long as
nobody changes what is there already; new rows change nothing that is known.

    before a change     the bytes say that one is under way: nothing that is known counts, nothing new is remembered
    after it            they are eight others, which they never were before

Only then is whoever asked for the change told that it is done: from then on nobody finds what was before.  A process
that dies in between leaves the first behind, and until the next change everybody looks into the store itself; unless
another's change ends just between the one's commit and its death.  Then what was remembered in that moment counts until
the next change, but of a change that nobody was told is done.
"""

from __future__ import annotations

import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 8
UNDER_WAY = bytes(SIZE)


class Changes:
    """The bytes in the file at `path`, mapped into this process; no lock of SQLite's is on that file."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(file, SIZE)  # a new file holds zeros
            self._bytes = mmap.mmap(file, SIZE)
        finally:
            os.close(file)

    def state(self) -> bytes | None:
        """What the store is like: as it was, if this is equal to what it was; None while it is changing."""
        state = self._bytes[:]
        return None if state == UNDER_WAY else state

    @contextmanager
    def change(self) -> Iterator[None]:
        """Tell everybody that something is changed in the block."""
        self._bytes[:] = UNDER_WAY
        try:
            yield
        finally:
            self._bytes[:] = secrets.token_bytes(SIZE)

    def close(self) -> None:
        """Let go of them."""
        self._bytes.close()
