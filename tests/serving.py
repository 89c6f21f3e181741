"""A server of ours as a process of its own, and how one speaks to it octet by octet."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.loopback import SECONDS

STOP_SECONDS = 4.0
"""How long a connection that is kept may keep the process from ending; gunicorn's own 2 s are soon over when a machine
is busy, and it ends everything after 5."""
HEAD_SECONDS, PATIENCE = 2.0, 20.0
"""How long a client may take to say what it wants, where a test waits for the end of that, and where none does."""
ROOT = Path(__file__).resolve().parent.parent
POST = b"POST /told HTTP/1.1\r\nHost: a\r\n"
SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request that nobody made, where it stands behind another."""


@dataclass
class Served:
    """The process, and every line that it has written."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _new: queue.Queue[str | None] = field(default_factory=queue.Queue)
    port: int = 0

    def listen(self) -> None:
        """Read along, until the process has said where it listens."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = int(self.awaited(r"Listening at: https?://127\.0\.0\.1:(\d+)")[1])
        self.awaited(r"Booting worker")

    def awaited(self, pattern: str) -> re.Match[str]:
        """The first line, of those to come, that holds the pattern."""
        end = time.monotonic() + 2 * SECONDS
        while (line := self._new.get(timeout=max(0.01, end - time.monotonic()))) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"ended without saying {pattern}: {self.lines}")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            self._new.put(line)
        self._new.put(None)

    def end(self) -> int:
        """End it, as an operator would, and hear it out."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(2 * SECONDS)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._reader.join(SECONDS)

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        """A connection, with TLS when there is a context."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        try:
            return context.wrap_socket(raw, server_hostname="localhost") if context else raw
        except BaseException:
            raw.close()
            raise

    def ask(self, request: bytes, context: ssl.SSLContext | None = None) -> tuple[int, dict[str, str], bytes]:
        """One answer on a connection of its own."""
        with self.connect(context) as connection:
            return ask(connection, request)

    def tell(self, *headers: str, path: str = "/told", context: ssl.SSLContext | None = None) -> dict[str, Any]:
        """What the process makes of a request with these header lines."""
        head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers]).encode()
        status, _, body = self.ask(head + b"\r\n\r\n", context)
        assert status == 200
        found: dict[str, Any] = json.loads(body)
        return found


def ask(connection: socket.socket, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these octets; status, headers and body of the answer; status 0 when the connection is closed instead."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(request)
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = received(connection)
        if not more:
            return 0, {}, octets
        octets += more
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")) and (more := received(connection)):
        body += more
    return int(first.split()[1]), headers, body


def received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except (ConnectionResetError, ssl.SSLEOFError):
        return b""


@contextlib.contextmanager
def serving(
    directory: Path | None = None,
    client: str = "none",
    seconds: float = 60,
    *,
    head: float = PATIENCE,
    linger: float = STOP_SECONDS,
) -> Iterator[Served]:
    """A process that serves, for as long as it is wanted; each line that it wrote must have been a JSON object."""
    told = [str(directory or "plain"), client, *map(str, (seconds, head, linger))]
    command = [sys.executable, "-m", "tests.served", *told]
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "GUNICORN_CMD_ARGS": "--workers 3 --forwarded-allow-ips=*"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        served = Served(process)
        try:
            served.listen()
            yield served
        finally:
            served.end()
    for line in served.lines:
        assert isinstance(json.loads(line), dict), line


def refused(connection: socket.socket, request: bytes = b"") -> bool:
    """Whether no answer comes."""
    try:
        return ask(connection, request)[0] == 0
    except ssl.SSLError:
        return True


def trusting(home: Path, shown: tuple[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(home / "bundle.pem"))
    if shown:
        context.load_cert_chain(*shown)
    return context


def own(home: Path) -> tuple[str, str]:
    return str(home / "leaf.pem"), str(home / "key.pem")
