"""The CPU time that processes have spent: theirs, not ours, and not the time that passed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path


def family(pid: int) -> list[int]:
    """`pid` and every process that descends from it, as they are now; a server's workers are its children."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:  # a thread that ended while we looked
                continue
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all threads of `pids` together, those included that have ended.  Linux only.

    Each process has a clock of its own, to the nanosecond; this is how clock_getcpuclockid(3) numbers them.  Raises
    `OSError` when one of them is gone, since what it spent would be missing.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)
