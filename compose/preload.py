"""A Python that has imported what the shop's processes are made of, and becomes each of them, by a fork of itself.

Most of the time in which a shop starts goes to the same imports, six times over; here they are made once.  What a
fork becomes has a session, a directory, a log, a command and an environment of its own, as if it had been started
alone.  The kernel shows the last two from the memory that a program began with, so that is written over: whoever looks
for a process by its marks, or with `ps`, sees what it is now.

Only what an interpreter draws at its start they have in common: the layout of their memory, the seed of their hashes.

It opens no file of a shop's and holds no secret.  It ends with whoever began it; what it has become stays.  Where it
cannot be had (it takes Linux's /proc), processes are started one by one, as they always are in containers.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MODULES = (
    "certs.cli",
    "idp.prepare",
    "idp.serve",
    "services.serve",
    *(f"services.{name}" for name in ("gateway", "orders", "inventory", "billing")),
    "sqlalchemy.dialects.sqlite",
)
ROOM = {"arguments": 1024, "environment": 8192}
"""Octets that it begins with so that its forks may write over them."""
LONGEST_REQUEST = 65536  # octets
ANSWERS_WITHIN = 30.0  # seconds


@dataclass(frozen=True)
class _Begun:
    process: subprocess.Popen[bytes]
    line: socket.socket
    interpreter: Mapping[str, str]
    """What in its environment an interpreter goes by when it starts; no fork can have another."""


_lock = threading.Lock()
_begun: _Begun | None = None


def begin(environ: Mapping[str, str]) -> None:
    """Begin to import, beside whatever this process does next, for processes with such an `environ`."""
    global _begun
    with _lock:
        if _begun and _begun.process.poll() is None:
            return
        _end()
        if sys.platform != "linux":
            return
        interpreter = _interpreter(environ)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(ANSWERS_WITHIN)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "compose.preload", " " * ROOM["arguments"]],
                env={**interpreter, "ROOM": " " * ROOM["environment"]},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what cannot be imported says so in the log of the process that needs it
                start_new_session=True,
                umask=0o077,
            )
        _begun = _Begun(process, ours, interpreter)


def become(argv: Sequence[str], environ: Mapping[str, str], directory: Path, log: IO[bytes]) -> int | None:
    """Have it become `argv`: the process id.  None when that has to be started alone, as anything but Python has."""
    with _lock:
        if not _begun or list(argv[:2]) != [sys.executable, "-m"] or _interpreter(environ) != _begun.interpreter:
            return None
        if len(_block(argv)) > ROOM["arguments"] or len(_environ_block(environ)) > ROOM["environment"]:
            return None
        request = json.dumps({"argv": list(argv), "environ": dict(environ), "directory": str(directory)})
        try:
            socket.send_fds(_begun.line, [request.encode()], [log.fileno()])
            answer = _begun.line.recv(64)
        except OSError:
            answer = b""
        except BaseException:
            _end()  # or its answer would pass for the next one's
            raise
        if not answer:  # it has ended, or does not answer in time
            _end()
        return int(answer) if answer else None


def pid() -> int | None:
    """The process that imports, if there is one."""
    begun = _begun
    return begun.process.pid if begun else None


@atexit.register
def end() -> None:
    """End it, of which nothing that it has become takes note; a fork that we have not heard of yet runs nothing."""
    with _lock:
        _end()


def _end() -> None:
    global _begun
    if _begun:
        _begun.line.close()
        _begun.process.kill()
        _begun.process.wait()
        _begun = None


def _interpreter(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LANG", "LC_"))}


def main() -> None:
    """Import, then become what each request says; in a fork, return to be that."""
    gc.disable()  # nothing that is loaded is garbage
    _be(sys.orig_argv[:3], _interpreter(os.environ))  # where that cannot be, it ends here, before anybody counts on it
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # or it would search all that is installed for some
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets whatever ends, which nobody here waits for
    line = socket.socket(fileno=os.dup(0))
    while True:
        request, logs, _, _ = socket.recv_fds(line, LONGEST_REQUEST, 1)
        if not request:
            return
        if os.fork() == 0:
            _become(json.loads(request), line, *logs)
            return
        os.close(*logs)


def _become(wanted: dict[str, Any], line: socket.socket, log: int) -> None:
    """Leave everything that is the first process's own, answer, and run the module; for whoever still listens."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(theirs, ours)
    os.close(nothing)
    os.close(log)
    with line:
        try:
            os.chdir(wanted["directory"])
            _be(wanted["argv"], wanted["environ"])
            line.send(str(os.getpid()).encode())
        except OSError:  # it cannot be done, as they will see for themselves; or they have gone
            with contextlib.suppress(OSError):
                line.send(b"")
            raise SystemExit(1) from None
    gc.enable()
    _, _, module, *arguments = sys.orig_argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _be(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Have this command and this environment, for ourselves, for what we start, and for whoever asks the kernel.

    It shows a part of our memory (proc_pid_stat(5), fields 48 to 51), which holds both from the start.
    """
    os.environ.clear()  # C's environment then has nothing there any more, and takes memory elsewhere
    os.environ.update(environ)
    sys.orig_argv = list(argv)
    bounds = [int(field) for field in Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:49]]
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        for (begin, end), block in zip((bounds[:2], bounds[2:]), (_block(argv), _environ_block(environ)), strict=True):
            memory.seek(begin)
            memory.write(block.ljust(end - begin, b"\0"))


def _environ_block(environ: Mapping[str, str]) -> bytes:
    return _block([f"{name}={value}" for name, value in environ.items()])


def _block(words: Sequence[str]) -> bytes:
    """Words as the kernel keeps them."""
    return b"".join(os.fsencode(word) + b"\0" for word in words)


if __name__ == "__main__":
    main()
