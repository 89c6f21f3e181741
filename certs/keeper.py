"""The timer beside the shop: while it runs, no leaf, no intermediate and no CRL runs out.

A CRL that is past its nextUpdate makes every reader refuse everybody, which is the safe way to
fail and still a failure. So the keeper looks every half minute, long before anything is due, and
after each round that went well writes into `alive` until when that is good news.

`python -m certs healthy` reads it, from a process of its own, every few seconds: this module
imports only the standard library until the CA is really needed.
"""

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from certs import files
from certs.errors import CAError, TooSeldom

if TYPE_CHECKING:
    from certs.authority import CA
    from certs.profiles import Lifetimes

ALIVE = "alive"
PERIOD = 30.0  # seconds between two rounds
PATIENCE = 3  # how many periods may pass without a good round before we call the keeper ill

Wait = Callable[[float], bool]  # waits that many seconds, or until told to stop: then True
Report = Callable[[str, dict[str, object]], None]


def keep(ca: "CA", period: float, wait: Wait, report: Report) -> None:
    """Look at everything once per period, until `wait` says stop; raises TooSeldom."""
    if period > (longest := _longest(ca.index().lifetimes)):
        raise TooSeldom(f"{period:g} s are too long a period: at most {longest:g} s, or what this CA signs runs out")
    report("started", {"directory": str(ca.directory), "period": period})
    try:
        while True:
            _round(ca, period, report)
            if wait(period):
                break
    finally:
        (ca.directory / ALIVE).unlink(missing_ok=True)
    report("stopped", {})


def _longest(lives: "Lifetimes") -> float:
    """Seconds between two looks at most: half a life is left for one, and an intermediate's replacement takes two."""
    return min(lives.crl, lives.leaf, lives.intermediate / 2).total_seconds() / 2


def _round(ca: "CA", period: float, report: Report) -> None:
    """One look at everything; what fails is reported, and tried again by the next."""
    try:
        events = ca.renew_due()
        if all(event.event != "failed" for event in events):
            good_until = time.time() + PATIENCE * period
            with files.locked(ca.directory):
                files.replace(ca.directory, {ALIVE: str(good_until).encode()})
    except (OSError, CAError) as error:
        report("failed", {"reason": str(error)})
        return
    for event in events:
        report(event.event, event.details)


def healthy(directory: Path) -> bool:
    """Say whether a keeper looks after the CA in `directory`, and had a good round lately."""
    try:
        return time.time() < float((directory / ALIVE).read_text())
    except (OSError, ValueError):
        return False


def report_json(event: str, details: dict[str, object]) -> None:
    """Print one JSON line, at once."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(json.dumps({"time": moment, "service": "ca", "event": event} | details), flush=True)


@contextmanager
def stop_signals() -> Iterator[Wait]:
    """Turn SIGTERM and SIGINT into the answer True of the `Wait` that this yields.

    The handler writes to a pipe and the wait watches the pipe, so a signal between two rounds, during
    one, or just before the wait ends it at once. (`Event.set` in a handler can meet the `Event.wait`
    that it interrupted while that holds the event's own lock, and then neither returns.)
    """
    reader, writer = os.pipe()

    def stop(signum: int, _frame: object) -> None:
        os.write(writer, bytes([signum]))

    def wait(seconds: float) -> bool:
        return bool(select.select([reader], [], [], seconds)[0])

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
