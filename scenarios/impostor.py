"""A listener at somebody else's address, with whatever certificate it is given; it tells what it hears.

Only the standard library and one file, so that the same program runs here and in a container on the inner network.
It reads what to do as JSON from its argument and prints a JSON line per event:

    {"host": …, "port": …, "cert": PEM, "key": PEM, "answers": {path: JSON}, "patience": s}

Whoever asks for a path without an answer is told 503, as if something were out of order.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys
import tempfile
import threading
from typing import Any


def stand(wanted: dict[str, Any]) -> None:
    """Take connections until nobody has come for `patience` seconds."""
    context = _context(wanted)
    with socket.create_server((wanted["host"], wanted["port"])) as server:
        server.settimeout(wanted["patience"])
        _say({"event": "ready"})
        while True:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                return
            threading.Thread(target=_hear, args=(connection, context, wanted["answers"]), daemon=True).start()


def _context(wanted: dict[str, Any]) -> ssl.SSLContext | None:
    if not wanted.get("cert"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
        both.write(wanted["cert"] + wanted["key"])
        both.flush()
        context.load_cert_chain(both.name)
    return context


def _hear(connection: socket.socket, context: ssl.SSLContext | None, answers: dict[str, Any]) -> None:
    """One request, and an answer to it."""
    connection.settimeout(10)
    try:
        with context.wrap_socket(connection, server_side=True) if context else connection as open_:
            with open_.makefile("rb") as stream:
                method, path = stream.readline().decode("latin-1").split()[:2]
                headers = http.client.parse_headers(stream)
                body = stream.read(int(headers.get("Content-Length") or 0)).decode("utf-8", "replace")
            _say({"event": "request", "method": method, "path": path, "headers": headers.items(), "body": body})
            status, answer = ("200 OK", answers[path]) if path in answers else ("503 Service Unavailable", {})
            text = json.dumps(answer).encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
            open_.sendall(f"{head}Connection: close\r\n\r\n".encode() + text)
    except (OSError, ValueError, http.client.HTTPException) as error:
        _say({"event": "hung up", "why": f"{type(error).__name__}: {error}"})


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    stand(json.loads(sys.argv[1]))
