"""Our end of `idp.lent`: the process that will serve, begun when it is wanted or ahead of that."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
WITHIN = 30.0
"""Seconds until it must answer: far more than it takes, even where all processors are busy."""


class CannotStart(Exception):
    """The identity provider did not come up; the message is what it said."""


@dataclass(frozen=True)
class Lent:
    """A process that loads, and waits to be told what to serve; its directory is to hold what it shall find."""

    dir: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def begin(cls) -> Lent:
        """Have it load, while we do something else."""
        directory = Path(tempfile.mkdtemp(prefix="idp-"))
        command = [sys.executable, "-m", "idp", "lent", str(directory)]
        with ExitStack() as undoing, open(directory / "log", "wb") as log:
            undoing.callback(shutil.rmtree, directory)
            process = subprocess.Popen(
                command, cwd=REPO, env={}, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, umask=0o077
            )
            undoing.pop_all()
        return cls(directory, process)

    def end(self) -> None:
        """End it, and remove what it found and made."""
        try:
            with suppress(BrokenPipeError), self.process:  # closes its standard input, which ends it as well, and waits
                self.process.terminate()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)  # it does so itself, where nobody else is left to do it

    def tell(self, what: Mapping[str, Any]) -> None:
        """Say what to serve; the pipe stays open, for its end is the process's end.  Raises `CannotStart`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def await_answer(self, port: int, issuer: str, ca_file: Path) -> None:
        """Return when the discovery document has been read."""
        deadline = time.monotonic() + WITHIN
        while not _listens(port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise self._failure()
            time.sleep(0.005)  # nobody tells when a port is bound: there is nothing to wait on but the next look
        context = ssl.create_default_context(cafile=str(ca_file))
        connection = http.client.HTTPSConnection("localhost", port, timeout=WITHIN, context=context)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            found = json.load(connection.getresponse())
        finally:
            connection.close()
        if found["issuer"] != issuer:
            raise CannotStart(f"{found['issuer']} answers at {issuer}")

    def _failure(self) -> CannotStart:
        return CannotStart((self.dir / "log").read_text() or "it says nothing")


_ahead: dict[int, Lent] = {}
"""The one that loads ahead, by the process that began it: what is forked from us has none."""


def load_ahead() -> None:
    """Begin to load an identity provider, which the next `running()` takes: it is up in half the time then.

    Loading takes a processor's time, and nobody waits for it, so call this as early as you know, a `conftest.py` say.
    One is kept at most; one that nobody takes ends with this process.
    """
    if os.getpid() not in _ahead:
        _ahead[os.getpid()] = Lent.begin()


@atexit.register
def _end_what_nobody_took() -> None:
    if lent := _ahead.pop(os.getpid(), None):
        lent.end()


@contextmanager
def borrowed() -> Iterator[Lent]:
    """The one that loads ahead, if there is one, or one that begins to load now; it ends with the block."""
    lent = _ahead.pop(os.getpid(), None)
    if lent and lent.process.poll() is not None:
        lent.end()  # somebody killed it while it waited
        lent = None
    lent = lent or Lent.begin()
    try:
        yield lent
    finally:
        lent.end()


@contextmanager
def two_ports() -> Iterator[tuple[int, int]]:
    """Two ports that nobody listens on, and that inside the block nobody else is given.

    Who is bound to a port and does not listen keeps it for whoever asks for it by number: so Linux has it, where both
    set SO_REUSEADDR.  Elsewhere they are only free at this moment.
    """
    with ExitStack() as held:
        keeping = [held.enter_context(socket.socket()) for _ in range(2)]
        for each in keeping:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        one, other = (each.getsockname()[1] for each in keeping)
        if sys.platform != "linux":
            held.close()
        yield one, other


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
