"""A relay at somebody's address that passes every byte on, both ways, and writes each down.

Only the standard library and one file, so that the same program runs here and in a container on the inner network.
It reads what to do as JSON from its argument and prints a JSON line per event:

    {"host": …, "port": …, "to": [host, port], "patience": s}

Connections are numbered in the order in which they are opened.  It understands nothing of what it passes on: what it
can read is what anybody on the wire can read.
"""

from __future__ import annotations

import base64
import itertools
import json
import socket
import sys
import threading
from typing import Any


def tap(wanted: dict[str, Any]) -> None:
    """Take connections until nobody has come for `patience` seconds."""
    with socket.create_server((wanted["host"], wanted["port"])) as server:
        server.settimeout(wanted["patience"])
        _say({"event": "ready"})
        for number in itertools.count(1):
            try:
                caller, _ = server.accept()
            except TimeoutError:
                return
            _say({"event": "opened", "connection": number})
            callee = socket.create_connection((wanted["to"][0], wanted["to"][1]), 10)
            for sender, receiver, said_by in ((caller, callee, "caller"), (callee, caller, "callee")):
                sender.settimeout(None)
                threading.Thread(target=_pass_on, args=(sender, receiver, said_by, number), daemon=True).start()


def _pass_on(sender: socket.socket, receiver: socket.socket, said_by: str, number: int) -> None:
    """One direction of one connection, until either end hangs up."""
    try:
        while data := sender.recv(65536):
            told = {"event": "bytes", "connection": number, "said_by": said_by}
            _say({**told, "data": base64.b64encode(data).decode()})
            receiver.sendall(data)
        receiver.shutdown(socket.SHUT_WR)
    except OSError as error:
        _say({"event": "hung up", "why": f"{type(error).__name__}: {error}"})


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")  # in one piece: two connections speak at once
    sys.stdout.flush()


if __name__ == "__main__":
    tap(json.loads(sys.argv[1]))
