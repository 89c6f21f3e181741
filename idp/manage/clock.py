"""Clock: let the time pass, for this identity provider alone.

Codes, tokens and log-ins age by it.  Certificates do not, nor does anybody else's clock: to advance it a little is
also how two clocks come to disagree.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from pydantic import Field

from idp.manage import state
from idp.manage.operations import Body, operation
from idp.manage.shapes import Time
from idp.provider import Provider

TEN_YEARS = 10 * 365 * 86400.0


class ShiftedClock:
    """A clock that is `ahead` of another by some seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._clock() + self.ahead


class Seconds(Body):
    """How far; a negative number sets the clock back."""

    seconds: float = Field(ge=-TEN_YEARS, le=TEN_YEARS)


@operation("GET", "/clock")
def read(provider: Provider) -> Time:
    """What time it is."""
    clock = provider.clock
    assert isinstance(clock, ShiftedClock)
    clock.ahead = state.read(provider.store)["clock"]
    return Time(clock(), clock.ahead)


@operation("POST", "/clock/advance")
def advance(provider: Provider, body: Seconds) -> Time:
    """Advance the clock."""
    with provider.store.writing() as connection:
        state.raise_by(connection, "clock", body.seconds)
    return read(provider)


def reset(connection: sa.Connection) -> None:
    """Let the clock be right again."""
    state.put(connection, "clock", 0)
