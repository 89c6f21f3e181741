"""One column of the comparison: a shop under one pattern, and every story and measurement in it, one after the other.

    python -m scenarios.column PATTERN RUNTIME < what to do, as a JSON list of ids

It is a process of its own, so that a column that hangs or dies takes no other with it.  Each event is a JSON line:

    {"event": "up", "seconds": …}   {"event": "begun", "id": …}   {"event": "cell" | "measurement", "record": {…}}
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from compose.shop import Shop, running
from compose.topology import PROCESSES
from scenarios import hops, redact
from scenarios.evidence import Case, Cell, Hop, Measurement
from scenarios.outcome import Outcome, outcomes, telling
from scenarios.registry import Gauge, Story, gauges, stories
from scenarios.world import World

MOST_SECONDS = 180
"""No story and no measurement may take longer."""
LINES_WITHIN = 1.0  # seconds: all that a story shows has been written by then, or never will be
WORDS = 160


class TooLong(Exception):
    """It did not come to an end."""


def cell(world: World, story: Story) -> Cell:
    """What comes of one story."""
    began = time.monotonic()
    expected = story.expected[world.pattern]
    found = list(outcomes(world, story))
    seconds = round(time.monotonic() - began, 2)
    shown = telling(found).answer
    return Cell(
        story=story.name,
        pattern=world.pattern,
        expected=expected.verdict.name,
        reason=expected.reason,
        cases=tuple(map(_case, found)),
        request=shown.request if shown else "",
        answer=redact.answer(shown.status, shown.headers, shown.body) if shown and shown.status else "",
        hops=tuple(_hops(world, shown.trace if shown else None)),
        seconds=seconds,
    )


def _case(outcome: Outcome) -> Case:
    answer = outcome.answer
    if answer is None:
        return Case(name=outcome.case, verdict=None, status=None, words=redact.text(outcome.broken))
    words = " ".join(redact.text(answer.detail or ("" if answer.status else answer.body)).split())[:WORDS]
    return Case(name=outcome.case, verdict=answer.verdict.name, status=answer.status, words=words)


def _hops(world: World, trace: str | None) -> Iterator[Hop]:
    """The hops of a trace; none where processes were killed before they could write their lines."""
    if trace is not None:
        with contextlib.suppress(hops.StoryIncomplete):
            yield from hops.story(world.shop, trace, LINES_WITHIN)


def measurement(world: World, gauge: Gauge) -> Measurement:
    """What one measurement finds; one that breaks off says why."""
    began = time.monotonic()
    try:
        measured, broken = gauge.measure(world), ""
    except Exception as error:  # whatever it is, the others still have their turn
        measured, broken = None, " ".join(f"{type(error).__name__}: {error}".split())[:400]
    seconds = round(time.monotonic() - began, 2)
    return Measurement(name=gauge.name, pattern=world.pattern, measured=measured, broken=broken, seconds=seconds)


@contextmanager
def in_time() -> Iterator[None]:
    """Raise `TooLong` in what is done inside, once it takes too long."""

    def late(_: int, __: FrameType | None) -> None:
        raise TooLong(f"not over after {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mend(shop: Shop) -> None:
    """Start what a story that broke off has left dead, so that the next one is not blamed for it."""
    if any(status.health != "healthy" for status in shop.status()):
        shop.restart(*PROCESSES)


def run(pattern: str, runtime: str, wanted: list[str]) -> Iterator[dict[str, Any]]:
    """Do all that is `wanted` in a shop of its own, and say what comes of each."""
    told, gauged = stories(), gauges()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="fivelocks-compare-") as directory,
        running(pattern, runtime, "free", Path(directory), manage=True) as shop,
        World(shop) as world,
    ):
        yield {"event": "up", "seconds": round(time.monotonic() - began, 1)}
        for name in wanted:
            yield {"event": "begun", "id": f"{name}/{pattern}"}
            with in_time():
                made = cell(world, told[name]) if name in told else measurement(world, gauged[name])
            kind = "cell" if isinstance(made, Cell) else "measurement"
            yield {"event": kind, "record": made.model_dump(mode="json")}
            if made.surprises if isinstance(made, Cell) else made.broken:
                mend(shop)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the shop is ended from here on, and no half of that will do


def _end(*_: Any) -> None:
    """Leave at once, and end the shop on the way out, however often we are told to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main(pattern: str, runtime: str) -> None:
    """Run the column that standard input asks for."""
    signal.signal(signal.SIGTERM, _end)
    for event in run(pattern, runtime, json.load(sys.stdin)):
        print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
