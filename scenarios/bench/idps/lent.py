"""How long `idp.running()` takes: the first one of a process, as a test session has it, or one that has loaded ahead.

    python -m scenarios.bench.idps.lent [ahead]      prints the seconds to its first discovery document

It has loaded by then what a test session has, pytest and requests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

from scenarios.bench import clock
from scenarios.bench.idps.recipes import OURS, REPO

WITHIN = 60.0
AHEAD = "ahead"
RESTS = 0.2
"""Seconds without any work after which a process is taken to have loaded; there is no other sign of it."""


def started_in(*how: str) -> float:
    """Seconds that it takes in a new process."""
    command = [sys.executable, "-m", __name__, *how]
    return float(subprocess.run(command, cwd=REPO, check=True, stdout=subprocess.PIPE, timeout=WITHIN).stdout)


WAYS: Mapping[str, Callable[[], float]] = {
    f"{OURS}, idp.running()": started_in,
    f"{OURS}, idp.running() after idp.load_ahead()": partial(started_in, AHEAD),
}
"""By name, what starts one and says how many seconds that took."""


def main() -> None:
    """Borrow one, and print how long that took."""
    import pytest  # noqa: F401
    import requests  # noqa: F401

    import idp

    if AHEAD in sys.argv:
        idp.load_ahead()
        _await_rest()
    began = time.perf_counter()
    with idp.running():
        print(time.perf_counter() - began)


def _await_rest() -> None:
    """Return when our child processes have done nothing for a while."""
    children = clock.family(os.getpid())[1:]
    spent, since = 0.0, time.monotonic()
    while time.monotonic() - since < RESTS:
        if (now := clock.cpu_seconds(children)) != spent:
            spent, since = now, time.monotonic()
        time.sleep(RESTS / 20)


if __name__ == "__main__":
    main()
