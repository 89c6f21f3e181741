"""The process behind `idp.fixture`: it loads everything first, then is told what to serve, and serves.

    python -m idp lent < one line of JSON

It ends when its standard input does: whoever borrowed it is gone then, however that came about.
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


def borrowed() -> NoReturn:
    """Wait for the line, which holds the settings; serve."""
    settings = Settings(**json.loads(sys.stdin.buffer.readline()))
    _end_with_whoever_borrowed_us(settings.dir)
    serve(settings)


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
