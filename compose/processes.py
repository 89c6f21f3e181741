"""The processes of the shops on this machine, known by the marks that they carry in their environment.

One mark says which shop, the other as what.  Nothing else is believed: no pid file can point at a stranger, and what a
`kill -9` or a deleted `.run` leaves behind is found all the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from compose import preload, remember
from compose.topology import REPO

SHOP_MARK, ROLE_MARK = "FIVELOCKS_SHOP", "FIVELOCKS_ROLE"
STOPPED_WITHIN, SHOWN_WITHIN = 8.0, 5.0  # seconds

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this very process started: a parent has to be told of its child's end, or the child stays a zombie."""


def bare_environ(home: Path, shop_dir: Path, role: str) -> dict[str, str]:
    """What every process of a shop's begins with: its marks, and nothing of the terminal's, no proxy and no secret."""
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPO),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        SHOP_MARK: str(shop_dir),
        ROLE_MARK: role,
    }


def start(argv: Sequence[str], environ: Mapping[str, str], directory: Path, log: Path) -> None:
    """Start a process in a session of its own, so that no key pressed in this terminal ends it.

    The kernel shows a new program's environment a moment after it has begun; until then nobody could find it again.
    """
    with open(log, "ab") as stream:
        pid = preload.become(argv, environ, directory, stream) or _start_alone(argv, environ, directory, stream)
    deadline = time.monotonic() + SHOWN_WITHIN
    while _is_there(pid) and not _shows_marks(pid) and time.monotonic() < deadline:
        time.sleep(0.001)  # the kernel is at work: there is nothing to wait on but the next look


def _start_alone(argv: Sequence[str], environ: Mapping[str, str], directory: Path, log: IO[bytes]) -> int:
    child = subprocess.Popen(
        argv,
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,
    )
    _children[child.pid] = child
    return child.pid


def so_far(output: IO[str]) -> str:
    """What a process that still runs has written into a file that we have open, too.

    Both share one position in it, so we must not move that: what is written at that moment would land elsewhere.
    """
    descriptor = output.fileno()
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")


def whole_lines(said: str) -> list[str]:
    """The lines of what a process has said so far; whatever has no end yet is still being written."""
    return said.rpartition("\n")[0].splitlines()


def _shows_marks(pid: int) -> bool:
    try:
        return SHOP_MARK in psutil.Process(pid).environ()
    except psutil.Error:
        return False


def marked() -> Iterator[tuple[psutil.Process, Path, str]]:
    """Every process of this user that carries our marks, with the shop it belongs to and its role there."""
    for process, user, shop_dir, role in _everybodys():
        if user == os.getuid():
            yield process, shop_dir, role


def others(shop_dir: Path) -> list[str]:
    """The other users who run processes of the shop in `shop_dir`, as far as we may look: root sees everybody's."""
    found = {user for _, user, shop, _ in _everybodys() if shop == shop_dir and user != os.getuid()}
    return sorted(map(remember.user_name, found))


def _everybodys() -> Iterator[tuple[psutil.Process, int, Path, str]]:
    """Every process that carries our marks, with its user, its shop and its role.

    Never this process or one that it descends from: a command run inside a shop may end the shop, but not itself.
    """
    _reap()
    lineage = frozenset[int]()
    for process in psutil.process_iter():
        try:
            if not _may_bear_marks(process.pid):
                continue
            environ, user = process.environ(), process.uids().real
        except (psutil.Error, OSError):
            continue  # gone while we looked, or a zombie, or somebody else's
        if environ.keys() >= {SHOP_MARK, ROLE_MARK} and process.pid not in (lineage := lineage or _lineage()):
            yield process, user, Path(environ[SHOP_MARK]), environ[ROLE_MARK]


def _lineage() -> frozenset[int]:
    """Of this process: itself, and those that it descends from."""
    return frozenset((os.getpid(), *(parent.pid for parent in psutil.Process().parents())))


def _may_bear_marks(pid: int) -> bool:
    """Whether to look at its environment: to take that apart costs five times as much as to search it for a word."""
    if sys.platform != "linux":
        return True
    with open(f"/proc/{pid}/environ", "rb") as environ:
        return SHOP_MARK.encode() in environ.read()


def left_over(run_root: Path) -> set[str]:
    """The names of the shops under `run_root` of which processes run."""
    return {shop_dir.name for _, shop_dir, _ in marked() if shop_dir.parent == run_root}


def end_marked(shop_dir: Path) -> None:
    """Kill every process of the shop in `shop_dir`, and look again until none is left.

    Nothing of it outlives them, so there is nothing that they should finish first.
    """
    while processes := [process for process, shop, _ in marked() if shop == shop_dir]:
        kill(processes)


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those of `processes` that are still there."""
    for process in processes:
        try:
            process.send_signal(number)  # psutil compares start times, so a pid used again is safe
        except psutil.NoSuchProcess:
            continue


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill `processes`; they are gone when this returns."""
    send(processes, signal.SIGKILL)
    outlasting(processes, STOPPED_WITHIN)


def outlasting(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all of `processes` have ended, and return those that have not after `seconds`."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)  # they are not our children, most of them: there is nothing to wait on
    return alive


def _reap() -> None:
    """Take note of the end of our own children, so that none stays a zombie."""
    for pid, child in tuple(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


def _is_there(pid: int) -> bool:
    try:
        return _is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def _is_alive(process: psutil.Process) -> bool:
    _reap()
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.is_running()
    except psutil.NoSuchProcess:
        return False
