"""A double of a service, in its place beside it, that lets no connection live for longer than it is told.

It is that service's own code, with its certificate and its data; only the limit is another, so that nobody has to wait
for a minute to see what comes at its end.  It reads what to do as JSON from its argument, speaks in the service's own
log, and ends by itself at the latest:

    {"service": …, "port": …, "seconds": how long a connection may live, "patience": s}
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from services import serve as services
from services import server


def serve(wanted: dict[str, Any]) -> None:
    """Serve until somebody ends it, or `patience` seconds are over."""
    os.dup2(os.open(_log(wanted["service"]), os.O_WRONLY | os.O_APPEND), sys.stdout.fileno())
    print(json.dumps({"double": wanted["port"], "pid": os.getpid()}), flush=True)
    os.environ["SHOP_PORT"] = str(wanted["port"])
    server.hanging_up = functools.partial(server.hanging_up, seconds=wanted["seconds"])
    signal.alarm(wanted["patience"])  # nobody handles it, so it ends us; a server's worker ends with its parent
    services.serve([wanted["service"]])


def _log(service: str) -> Path:
    """Where the service speaks: a file of the shop's, or what the container's first process writes to."""
    file = Path(os.environ["SHOP_DIR"], "logs", f"{service}.log")
    return file if file.exists() else Path("/proc/1/fd/1")


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
