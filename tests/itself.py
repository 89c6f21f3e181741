"""A process that says what it is: `python -m tests.itself WORDS…` prints it as JSON, and ends when told to."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import ssl
import sys
import threading


def main() -> None:
    """Print all that a process can have from whoever started it."""
    umask = os.umask(0)
    found = {
        "arguments": sys.argv,
        "command": sys.orig_argv,
        "environment": dict(os.environ),
        "path": sys.path,
        "flags": str(sys.flags),
        "directory": os.getcwd(),
        "session is its own": os.getsid(0) == os.getpgid(0) == os.getpid(),
        "umask": umask,
        "open": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1],
        "input": os.readlink("/proc/self/fd/0"),
        "outputs": [os.readlink(f"/proc/self/fd/{number}") for number in (1, 2)],
        "signals": {number.name: str(signal.getsignal(number)) for number in signal.Signals},
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "threads": threading.active_count(),
        "looks for garbage": gc.isenabled(),
        "encoding": sys.stdout.encoding,
        "at once": sys.stdout.write_through,  # type: ignore[union-attr]
        "chance": [random.random(), ssl.RAND_bytes(8).hex(), os.urandom(8).hex()],
    }
    print(json.dumps(found))
    signal.pause()


if __name__ == "__main__":
    main()
