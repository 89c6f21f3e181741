"""The process behind `idp.fixture`: it loads everything first, then is told what to serve, and serves.

    python -m idp lent DIRECTORY < one line of JSON

It ends when its standard input does, and the directory with it: whoever borrowed it is gone then, however that came
about, and be it before they have said the line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from idp.serve import serve
from idp.settings import Settings


def borrowed(directory: Path | None) -> NoReturn:
    """Wait for the line, which holds the other settings; serve."""
    if directory is None or not _made_for_us(directory):
        sys.exit("idp: `lent` is for idp.fixture alone, which makes what it serves")
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        shutil.rmtree(directory, ignore_errors=True)
        sys.exit("idp: whoever borrowed this has gone before saying what to serve")
    _end_with_whoever_borrowed_us(directory)
    serve(Settings(dir=directory, **json.loads(line)))  # what there has to be, `idp.fixture` has made already


def _made_for_us(directory: Path) -> bool:
    """Whether what we say goes to the log in there: nobody else's directory is removed, whatever is typed."""
    try:
        return os.path.samestat(os.fstat(1), (directory / "log").stat())
    except OSError:
        return False


def _end_with_whoever_borrowed_us(directory: Path) -> None:
    """Have a child wait for the end of our standard input, which gunicorn never looks at; then end us and our files."""
    server = os.getpid()
    if os.fork() != 0:
        return
    sys.stdin.buffer.read()
    while os.getppid() == server:
        os.kill(server, signal.SIGTERM)
        time.sleep(0.05)  # it is our parent, not our child: there is nothing to wait on but the next look
    shutil.rmtree(directory, ignore_errors=True)  # whoever borrowed us does it as well, if it can
    os._exit(0)
