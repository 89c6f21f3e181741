"""A steady load, so that one sees what a change costs those who are just shopping: bounded in rate and in number.

Each request has its moment, whether the ones before it have been answered or not: a shop that stalls does not thereby
get fewer customers.  Each worker is a customer with a connection of its own.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from scenarios.levers import eventually, insist

RATE = 10.0
"""Requests per second."""
MOST = 600
WORKERS = 4
"""Fewer than one person may have under way at the gateway, for they all come in one person's name."""
Ask = Callable[[int], bool]
"""Sends the request of that number, and says whether it was served."""


@dataclass
class Load:
    """What was sent so far, and which of it failed."""

    most: int = MOST
    sent: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def goes_on(self, seconds: float, rate: float = RATE) -> None:
        """Return when as much more has been answered as is sent in so many seconds; `Surprise` at the end of it all."""
        enough = len(self.sent) + int(seconds * rate)
        eventually(lambda: len(self.sent) >= min(enough, self.most), "the load goes on")
        insist(len(self.sent) >= enough, f"the load is over: {self.most} requests have been sent")


@contextmanager
def under_load(arrive: Callable[[], Ask], rate: float = RATE, most: int = MOST) -> Iterator[Load]:
    """Inside the block, customers come at a steady rate; each worker is one, and asks what `arrive` gives it."""
    load, stop, numbers, began = Load(most), threading.Event(), itertools.count(), time.monotonic()

    def work() -> None:
        ask = arrive()
        while (number := next(numbers)) < most:
            if stop.wait(max(0.0, began + number / rate - time.monotonic())):
                return
            try:
                served = ask(number)
            except requests.RequestException:
                served = False
            load.sent.append(number)
            if not served:
                load.failed.append(number)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    try:
        yield load
    finally:
        stop.set()
        for worker in workers:
            worker.join()
