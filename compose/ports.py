"""Which ports a shop takes, and who has them when they are taken."""

from __future__ import annotations

import functools
import os
import random
import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, replace

import psutil

from compose.refusals import CannotRun
from compose.remember import Known
from compose.topology import PROCESSES, Ports

NAMES = tuple(field.name for field in fields(Ports))
BELOW_EPHEMERAL = range(20000, 32000)  # the kernel lends no port from here to an outgoing connection
SHARES = 20
_lately: deque[int] = deque(maxlen=len(BELOW_EPHEMERAL) // SHARES // 2)
_choosing = threading.Lock()


def chosen(environ: Mapping[str, str]) -> Ports | None:
    """The ports that PORT_BASE and PORT_GATEWAY, PORT_IDP … ask for; None when they ask for nothing."""
    base = _number(environ, "PORT_BASE", highest=65535 - len(NAMES) + 1)
    single = {name: _number(environ, f"PORT_{name.upper()}") for name in NAMES}
    asked = {name: port for name, port in single.items() if port is not None}
    if base is None and not asked:
        return None
    ports = replace(Ports.based(base) if base else Ports(), **asked)
    numbers = [ports.of(name) for name in NAMES]
    if len(set(numbers)) < len(numbers):
        raise CannotRun("two processes cannot share a port", "give each PORT_… a number of its own, or only PORT_BASE")
    return ports


def _number(environ: Mapping[str, str], name: str, highest: int = 65535) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(highest))  # `int` takes only so many
    if not (digits and 1024 <= int(text) <= highest):
        raise CannotRun(f"{name}={text} is not a port", f"{name} is a number from 1024 to {highest}")
    return int(text)


def free() -> Ports:
    """The ports of a shop that must not meet any other."""
    return Ports(*some(len(NAMES)))


def some(count: int) -> list[int]:
    """Ports that nobody listens on at this moment, and that nobody here was given lately.

    They come from this process's own share of the range: two that choose before either listens do not choose the same.
    """
    found: list[int] = []
    with _choosing:
        while len(found) < count:
            number = random.choice(own_share())
            if number not in _lately and is_free(number):
                found.append(number)
                _lately.append(number)
    return found


@functools.cache
def own_share() -> range:
    """The ports from which this process may choose for as long as it runs, and no other who asks here meanwhile.

    Its first port is the claim to the rest: we hold it, nobody listens there, and the kernel takes it back at our end.
    """
    size = len(BELOW_EPHEMERAL) // SHARES
    shares = [BELOW_EPHEMERAL[first : first + size] for first in range(0, size * SHARES, size)]
    for each in range(SHARES):
        ports = shares[(os.getpid() + each) % SHARES]
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", ports[0]))
        except OSError:
            claim.close()
            continue
        claim.detach()  # it stays open
        return ports[1:]
    return shares[os.getpid() % SHARES][1:]  # so many at once that some have to share


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closing connection does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens on `port`: `nginx (pid 812)`, or that we may not see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass  # macOS shows other people's connections to root only
    return "a process that we may not see"


def refuse_taken(wanted: Mapping[str, int], pattern: str, shops: Mapping[str, Known]) -> None:
    """Raise `CannotRun` when somebody has one of the ports `wanted`: one of our other `shops`, or a stranger."""
    elsewhere = f"or use other ports: PORT_BASE=9100 make up PATTERN={pattern}"
    for name, port in wanted.items():
        if is_free(port):
            continue
        for other, known in shops.items():
            theirs = (*PROCESSES, "manage") if known.manage else PROCESSES
            if port in map(known.ports.of, theirs):
                taken = f"port {port} ({name}) is taken by {other}, which is up"
                raise CannotRun(taken, f"make down {known.meant}, {elsewhere}")
        raise CannotRun(f"port {port} ({name}) is taken by {holder(port)}", f"end that, {elsewhere}")
