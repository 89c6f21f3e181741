"""How long something goes on being served: asked again and again, until it is refused or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from scenarios.levers import insist
from scenarios.verdict import Answer, Verdict

EVERY = 0.1
"""Seconds from one question to the next."""
TOO_MANY = 429
Clock = Callable[[], float]


@dataclass(frozen=True)
class Lasted:
    """What came of asking, in seconds since it began."""

    served: float
    """When the last answer came that still served; 0.0 when none did."""
    refused: float | None
    """When the first refusal came; None when there was none within the time."""
    by: str
    """What the refusal was: a status, or that there was no HTTP."""


def lasting(
    ask: Callable[[], Answer],
    within: float,
    every: float = EVERY,
    clock: Clock = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Lasted:
    """Ask every so many seconds, at least once, until the answer is a refusal or `within` is over.

    Raises `Surprise` when we are only told to slow down: that would pass for an end and is none.
    """
    began, served = clock(), 0.0
    while True:
        asked = clock()
        answer = ask()
        now = clock()
        insist(answer.status != TOO_MANY, "too many guesses: that is no refusal of this credential")
        if answer.verdict is not Verdict.SERVED:
            return Lasted(served, now - began, str(answer.status or "no HTTP at all"))
        served = now - began
        if served >= within:
            return Lasted(served, None, "")
        sleep(max(0.0, asked + every - now))  # somebody else's decision: there is nothing to wait on but the next try
