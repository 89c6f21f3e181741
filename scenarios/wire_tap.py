"""A relay at somebody's address that passes every byte on, both ways, and writes each down; or changes some.

Only the standard library and one file, so that the same program runs here and in a container on the inner network.
It reads what to do as JSON from its argument and prints a JSON line per event:

    {"host": …, "port": …, "to": [host, port], "patience": s, "change": [words, other words]}

Connections are numbered in the order in which they are opened.  It understands nothing of what it passes on: what it
can read is what anybody on the wire can read.  From the signal USR1 on it changes what the caller says: those words
where they can be read, and one bit of each TLS record where they cannot.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

MEDDLING = threading.Event()
TLS_RECORDS = {bytes([kind, 3]) for kind in (20, 21, 22, 23)}
"""How they begin (RFC 8446 §5.1)."""


def tap(wanted: dict[str, Any]) -> None:
    """Take connections until nobody has come for `patience` seconds."""
    signal.signal(signal.SIGUSR1, _begin_to_meddle)
    change = [words.encode() for words in wanted["change"]]
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
                way = (sender, receiver, said_by, number, change)
                threading.Thread(target=_pass_on, args=way, daemon=True).start()


def _begin_to_meddle(*_: Any) -> None:
    MEDDLING.set()
    os.write(1, b'{"event": "meddling"}\n')  # a signal may come in the middle of whatever else is being written


def _pass_on(sender: socket.socket, receiver: socket.socket, said_by: str, number: int, change: list[bytes]) -> None:
    """One direction of one connection, until either end hangs up."""
    try:
        while data := sender.recv(65536):
            told = {"event": "bytes", "connection": number, "said_by": said_by}
            _say({**told, "data": base64.b64encode(data).decode()})
            receiver.sendall(_changed(data, change) if MEDDLING.is_set() and said_by == "caller" else data)
        receiver.shutdown(socket.SHUT_WR)
    except OSError as error:
        _say({"event": "hung up", "why": f"{type(error).__name__}: {error}"})


def _changed(data: bytes, change: list[bytes]) -> bytes:
    if data[:2] in TLS_RECORDS:
        return data[:-1] + bytes([data[-1] ^ 1])
    words, others = change
    return data.replace(words, others)


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")  # in one piece: two connections speak at once
    sys.stdout.flush()


if __name__ == "__main__":
    tap(json.loads(sys.argv[1]))
