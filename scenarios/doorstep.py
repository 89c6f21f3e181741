"""The front door, met by bytes that no ordinary client sends.

HTTP libraries write only proper requests, and read one answer to each.  Whoever smuggles does neither, so here the
bytes go out as they are, and everything that comes back is kept until the gateway hangs up.
"""

from __future__ import annotations

import functools
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

from scenarios import verdict
from scenarios.families import Attempt, together
from scenarios.levers import eventually, insist
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

PATIENCE_SECONDS = 8.0
SILENCE_SECONDS = 1.5
"""After an answer, this long a silence means that there is no second one."""
AT_ONCE = 4
STATUS_LINE = re.compile(rb"^HTTP/\d\.\d (\d{3})[^\r\n]*\r\n", re.MULTILINE)
WITNESSES = ("gateway", "orders", "inventory", "billing")
Message = Callable[[World, str], str]
"""Writes a message down, given whom the request that is hidden in it names."""


def marker() -> str:
    """A user that nobody else names: whoever reads it in a log knows which request was read."""
    return f"smuggled-{secrets.token_hex(8)}"


def second(mark: str) -> str:
    """The request that is hidden behind another, in the name of `mark`."""
    return f"GET /api/me HTTP/1.1\r\nHost: localhost\r\nX-User: {mark}\r\nConnection: close\r\n\r\n"


def order(world: World, version: str = "1.1") -> str:
    """An order of mallory's own, as far as it can be told without knowing how its body is framed."""
    return f"POST /api/orders HTTP/{version}\r\nHost: {host(world)}\r\n{credential(world)}"


def credential(world: World) -> str:
    """The line by which mallory says who she is: it is not that which is wrong."""
    return "".join(f"{name}: {value}\r\n" for name, value in world.credential_of("mallory").items())


def hiding(messages: Mapping[str, Message]) -> dict[str, Attempt]:
    """The cases of a story about messages with another request hidden in them.

    All of them are sent, and then the control: the hidden request and one before it, openly one after the other.  Both
    have to be answered, and the mark to be found in a log, or the others would prove nothing; what was read before it
    is in the log by then, and all their marks are searched for at once.
    """

    def act(world: World) -> dict[str, Answer]:
        marks, openly = {name: marker() for name in messages}, marker()
        written = [write(world, marks[name]).encode("latin-1") for name, write in messages.items()]
        with ThreadPoolExecutor(AT_ONCE) as hands:  # some of the answers are followed by a long silence
            came = dict(zip(messages, hands.map(functools.partial(_exchange, world), written), strict=True))
        both = f"{order(world)}Content-Length: 0\r\n\r\n{second(openly)}".encode()
        told = _exchange(world, both, silence=PATIENCE_SECONDS)
        insist(len(STATUS_LINE.findall(told)) == 2, f"not even openly are two requests answered: {told!r}")
        eventually(lambda: openly in world.shop.logs("gateway"), "what was openly sent is found in the log")
        logs = "\n".join(map(world.shop.logs, WITNESSES))
        return {name: _meant(received, marks[name] in logs) for name, received in came.items()}

    return together(messages, act)


def sent(world: World, message: str) -> Answer:
    """What came of `message`: SERVED when there was more than one answer."""
    return _meant(_exchange(world, message.encode("latin-1")))


def _meant(received: bytes, logged: bool = False) -> Answer:
    """What came back, as an answer: SERVED when a hidden request was answered, or logged by anybody."""
    statuses = STATUS_LINE.findall(received)
    if len(statuses) > 1 or logged:
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


@contextmanager
def connected(world: World, *, tls: bool = True, room: int | None = None) -> Iterator[socket.socket]:
    """A connection to the gateway, over TLS or on the way there; an attacker does not check certificates.

    With `room`, about so many octets that were not read yet find room at our end.
    """
    with socket.socket() as plain:
        plain.settimeout(PATIENCE_SECONDS)
        if room is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        plain.connect(("127.0.0.1", urlsplit(world.shop.edge).port or 443))
        if not tls:
            yield plain
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            yield connection


def _exchange(world: World, message: bytes, silence: float = SILENCE_SECONDS) -> bytes:
    """Send these bytes over TLS, and read until the gateway hangs up, or is silent for so long after an answer."""
    received = b""
    with connected(world) as connection:
        try:
            connection.sendall(message)
            while chunk := connection.recv(65536):
                received += chunk
                connection.settimeout(silence)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass  # silence, or a connection cut off: what came before it counts
    return received
