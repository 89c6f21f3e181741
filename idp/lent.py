"""The process behind `idp.fixture`, begun by `idp.lending`: it is told what to serve while it loads, and serves.

    python -m idp lent DIRECTORY < one line of JSON

It ends when its standard input does, and the directory with it: whoever borrowed it is gone then, however that came
about, and be it before they have said the line.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from idp.prepare import prepare
from idp.settings import Settings
from services.users import UserStore

SETTLED = b"settled"


def borrowed(directory: Path | None) -> NoReturn:
    """Wait for the line, which holds the people and the other settings; serve."""
    if directory is None or not _made_for_us(directory):
        sys.exit("idp: `lent` is for idp.fixture alone, which makes what it serves")
    if not _is_told():
        import_module("idp.serve")
        import_module("idp.manage.process")
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        shutil.rmtree(directory, ignore_errors=True)
        sys.exit("idp: whoever borrowed this has gone before saying what to serve")
    told = json.loads(line)
    people, settings = told.pop("people"), Settings(dir=directory, **told)
    is_settled = _have_a_child(settings, people)
    from idp.serve import serve  # an eighth of all there is to load, while the child settles the rest

    if not is_settled():
        sys.exit(1)  # the child has said why
    serve(settings)


def _is_told() -> bool:
    """Whether somebody waits for us already; else there is time to load the rest first."""
    return bool(select.select([sys.stdin.buffer], [], [], 0)[0])


def _made_for_us(directory: Path) -> bool:
    """Whether what we say goes to the log in there: nobody else's directory is removed, whatever is typed."""
    try:
        return os.path.samestat(os.fstat(1), (directory / "log").stat())
    except OSError:
        return False


def _have_a_child(settings: Settings, people: Sequence[Mapping[str, Any]]) -> Callable[[], bool]:
    """Have a child settle what there has to be, and afterwards end us with whoever borrowed us.

    Returns what waits until it is settled, and tells whether that could be done.
    """
    server, (hearing, saying) = os.getpid(), os.pipe()
    if os.fork() == 0:
        os.close(hearing)
        os.write(saying, SETTLED if _settle(settings, people) else b"")
        os.close(saying)
        _end_with_whoever_borrowed(server, settings.dir)
    os.close(saying)

    def settled() -> bool:
        with open(hearing, "rb") as line:
            return line.read() == SETTLED

    return settled


def _settle(settings: Settings, people: Sequence[Mapping[str, Any]]) -> bool:
    """Make the tables, and add the people, whose passwords take their time to hash."""
    try:
        prepare(settings)
        store = UserStore(settings.users_file, writable=True)
        for person in people:
            store.add(**person)
    except (OSError, ValueError) as error:
        print(f"idp: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _end_with_whoever_borrowed(server: int, directory: Path) -> NoReturn:
    """Wait for the end of our standard input, which gunicorn never looks at; then end the server and its files."""
    sys.stdin.buffer.read()
    while os.getppid() == server:
        os.kill(server, signal.SIGTERM)
        time.sleep(0.05)  # it is our parent, not our child: there is nothing to wait on but the next look
    shutil.rmtree(directory, ignore_errors=True)  # whoever borrowed us does it as well, if it can
    os._exit(0)
