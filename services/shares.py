"""Nobody has the whole gateway to themselves: each person has only so many requests under way (OWASP API4:2023).

It takes a thread to wait for a service that is slow, and there are only so many threads.  Whoever wants more than their
share is told to come again, and everybody else is served.
"""

from __future__ import annotations

import threading
from collections import Counter

import flask
from werkzeug.exceptions import TooManyRequests

from services.app import identity

MOST = 6
"""Requests of one person at a time: fewer than the threads that serve (8), so that one is left for others."""
RETRY_AFTER_SECONDS = 1


class Shares:
    """How many requests of whom are under way.  # Demo: in this process; several would share a store such as Redis."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, person: str) -> None:
        """Take a part of `person`'s share; `TooManyRequests` when all of it is taken."""
        with self._lock:
            if self._under_way[person] >= MOST:
                raise TooManyRequests(retry_after=RETRY_AFTER_SECONDS)
            self._under_way[person] += 1

    def give_back(self, person: str) -> None:
        """Give a part of it back."""
        with self._lock:
            self._under_way[person] -= 1
            self._under_way += Counter()  # whoever has none is forgotten


def install(app: flask.Flask) -> None:
    """Have each request of `app` take a part of its person's share, once the guard has named them."""
    shares = Shares()

    @app.before_request
    def take() -> None:
        if "identity" in flask.g:
            person = identity().user or identity().caller
            shares.take(person)
            flask.g.share = person

    @app.teardown_request
    def give_back(_: BaseException | None) -> None:
        if "share" in flask.g:
            shares.give_back(flask.g.share)
