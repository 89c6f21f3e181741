"""The front door, met by bytes that no ordinary client sends.

HTTP libraries write only proper requests, and read one answer to each.  Whoever smuggles does neither, so here the
bytes go out as they are, and everything that comes back is kept until the gateway hangs up.
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
from urllib.parse import urlsplit

from scenarios import verdict
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

PATIENCE_SECONDS = 8.0
SILENCE_SECONDS = 1.5
"""After an answer, this long a silence means that there is no second one."""
STATUS_LINE = re.compile(rb"^HTTP/\d\.\d (\d{3})[^\r\n]*\r\n", re.MULTILINE)
WITNESSES = ("gateway", "orders", "inventory", "billing")


def marker() -> str:
    """A user that nobody else names: whoever reads it in a log knows which request was read."""
    return f"smuggled-{secrets.token_hex(8)}"


def second(mark: str) -> str:
    """The request that is hidden behind another, in the name of `mark`."""
    return f"GET /api/me HTTP/1.1\r\nHost: localhost\r\nX-User: {mark}\r\nConnection: close\r\n\r\n"


def sent(world: World, message: str, mark: str = "") -> Answer:
    """What came of `message`: SERVED when there was more than one answer, or when anybody logged `mark`."""
    received = _exchange(world, message.encode("latin-1"))
    statuses = STATUS_LINE.findall(received)
    if len(statuses) > 1 or (mark and any(mark in world.shop.logs(name) for name in WITNESSES)):
        return Answer(Verdict.SERVED, detail=f"the hidden request was read: answers {statuses}")
    if not statuses:
        return verdict.refused("the connection was closed without an answer")
    head, _, body = received.partition(b"\r\n\r\n")
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    headers = {name.decode("latin-1").lower(): value.strip().decode("latin-1") for name, _, value in pairs}
    return verdict.answer(int(statuses[0]), headers, body.decode("utf-8", "replace"))


def host(world: World) -> str:
    """The authority that the front door answers to."""
    return urlsplit(world.shop.edge).netloc


def at_the_door(answer: Answer) -> Answer:
    """To a browser the front door says "we do not know who you are" by leading it to the start page, not by a 401."""
    if answer.status == 303 and answer.headers.get("location", "").partition("?")[0] == "/":
        return Answer(Verdict.UNAUTHENTICATED, answer.status, answer.headers, answer.body)
    return answer


def _exchange(world: World, message: bytes) -> bytes:
    """Send these bytes over TLS, and read until the gateway hangs up or has been silent for long."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # an attacker does not check certificates
    context.verify_mode = ssl.CERT_NONE
    received, port = b"", urlsplit(world.shop.edge).port
    with (
        socket.create_connection(("127.0.0.1", port or 443), PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        try:
            connection.sendall(message)
            while chunk := connection.recv(65536):
                received += chunk
                connection.settimeout(SILENCE_SECONDS)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass  # silence, or a connection cut off: what came before it counts
    return received
