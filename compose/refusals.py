"""What `make` cannot do, said so that one can mend it."""

from __future__ import annotations


class CannotRun(Exception):
    """Something stands in the way: what it is, and what to type to mend it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}: {mend}")
        self.what = what
        self.mend = mend
