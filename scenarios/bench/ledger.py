"""A ledger of a process's CPU time: whose account it is on, read at each border that a request crosses.

A stretch is on the account of the part that it is in, but for what lies in another part within it.  To read a thread's
clock costs a microsecond or two, which would be a tenth of a request: so what an empty stretch costs is measured first,
and taken off again, once for each that was crossed.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

LOOP, GUNICORN, WIRE, FLASK, GUARD, AUDIT, CHECKS = PARTS = (
    "event loop",
    "gunicorn",
    "wire",
    "Flask",
    "guard",
    "audit line",
    "other checks",
)
"""From the outside to the inside."""
KEEPING = "keeping the ledger"
P = ParamSpec("P")
R = TypeVar("R")
TRIES, ROUNDS = 2000, 5


class Ledger:
    """CPU nanoseconds by part, what keeping it takes among them.

    It is for one request at a time: two threads might write over each other's figures.
    """

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._here = threading.local()
        self._inside_ns, self._around_ns = 0.0, 0.0
        self._calibrate()

    def within(self, part: str, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, with its time on the account of `part`."""
        clock, here, spent = time.thread_time_ns, self._here, self.spent

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            before, here.elsewhere = getattr(here, "elsewhere", 0.0), 0.0
            began = clock()
            try:
                return function(*args, **kwargs)
            finally:
                took = clock() - began
                spent[part] += took - self._inside_ns - here.elsewhere
                spent[KEEPING] += self._inside_ns + self._around_ns
                here.elsewhere = before + took + self._around_ns

        return timed

    def _calibrate(self) -> None:
        """How much of an empty stretch falls between the two readings of the clock, and how much around them."""
        empty = self.within("empty", _nothing)
        inside, whole = [], []
        for _ in range(ROUNDS):
            self.spent["empty"] = 0
            began = time.thread_time_ns()
            for _ in range(TRIES):
                empty()
            whole.append((time.thread_time_ns() - began) / TRIES)
            inside.append(self.spent["empty"] / TRIES)
        self._inside_ns = min(inside)
        self._around_ns = min(whole) - self._inside_ns
        self.spent.clear()


def _nothing(*_: Any) -> None:
    """An empty stretch."""
