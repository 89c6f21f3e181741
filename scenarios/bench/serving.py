"""Processes that serve while they are measured: started one by one, waited for, and ended with the block."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from compose.topology import REPO
from scenarios.bench import clock

WITHIN = 30.0
"""Seconds until it must listen: far more than it takes, even where all processors are busy."""


class CannotServe(Exception):
    """The process ended, or never listened; the message is what it said last."""


@dataclass(frozen=True)
class Process:
    """A server that runs."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def pid(self) -> int:
        """Of the process that started the workers."""
        return self.popen.pid

    def wait(self) -> Self:
        """Return when it listens.  Raises `CannotServe`."""
        deadline = time.monotonic() + WITHIN
        while not _listens(self.port):
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise CannotServe(self.log.read_text(errors="replace")[-2000:] or "it says nothing")
            time.sleep(0.01)  # nobody tells when a port is bound: there is nothing to wait on but the next look
        return self

    def cpu_seconds(self) -> float:
        """What it and its workers have spent so far.  Raises `OSError` when one of them is gone."""
        return clock.cpu_seconds(clock.family(self.pid))


@contextmanager
def running(argv: Sequence[str], environ: Mapping[str, str], port: int, home: Path) -> Iterator[Process]:
    """Python running `argv` with nothing but `environ`, in its directory `home`, until the block ends.

    What it says goes to a file, as it would in production.  Whoever needs it waits for it, so several load at once.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / f"{port}.log"
    told = {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(REPO), "PYTHONSAFEPATH": "1"}
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=home,
            env=told | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            umask=0o077,
        )
    with process:  # waits at last
        try:
            yield Process(process, port, log)
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
