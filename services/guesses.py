"""Slowing down whoever guesses passwords, without locking anybody out for good (OWASP ASVS 6.3.1)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from services.identity import Unauthenticated

FAILURES = parse("10 per minute")
"""Per user-id and address: enough for a bad memory, too few for a dictionary."""


class Guesses:
    """The failed log-ins of the last minute.  # Demo: this process's own; several would share a store such as Redis."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    @contextmanager
    def counted(self, name: str, address: str) -> Iterator[None]:
        """Count it when the log-in inside fails; `TooManyRequests` instead of trying when too many have."""
        key = (name[:64], address)
        if not self._limiter.test(FAILURES, *key):
            wait = self._limiter.get_window_stats(FAILURES, *key).reset_time - time.time()
            raise TooManyRequests(retry_after=max(1, math.ceil(wait)))
        try:
            yield
        except Unauthenticated:
            self._limiter.hit(FAILURES, *key)
            raise
