"""The server, a real process: what it makes of hostile requests, changing files and old connections."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import resource
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

import pytest

import certs
from certs.forge import forge
from services import health, server, worker
from services.arriving import LARGEST
from tests.loopback import SECONDS

STOP_SECONDS = 4.0
"""How long a connection that is kept may keep the process from ending; gunicorn's own 2 s are soon over when a machine
is busy, and it ends everything after 5."""
HEAD_SECONDS, PATIENCE = 2.0, 20.0
"""How long a client may take to say what it wants, where a test waits for the end of that, and where none does."""
ROOT = Path(__file__).resolve().parent.parent


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


def talk_on(connection: socket.socket, octets: bytes) -> None:
    """Say this again and again; `ConnectionError` when the other end will hear no more of it."""
    deadline = time.monotonic() + 2 * SECONDS
    while time.monotonic() < deadline:
        connection.sendall(octets)
        time.sleep(0.05)  # the other end closes without a word: there is nothing to wait on but the next try


@contextlib.contextmanager
def serving(
    directory: Path | None = None,
    client: str = "none",
    seconds: float = 60,
    *,
    head: float = HEAD_SECONDS,
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


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    return certs.CA.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    """A process without TLS."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    """A process without TLS that gives everybody time."""
    with serving(head=PATIENCE) as served:
        yield served


@pytest.fixture(scope="module")
def home(ca: certs.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("tls")
    ca.issue("orders", into, ["orders", "localhost"])
    return into


@pytest.fixture(scope="module")
def secured(home: Path) -> Iterator[Served]:
    """A process that asks for certificates."""
    with serving(home, "required") as served:
        yield served


def trusting(home: Path, shown: tuple[str, str] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(home / "bundle.pem"))
    if shown:
        context.load_cert_chain(*shown)
    return context


def own(home: Path) -> tuple[str, str]:
    return str(home / "leaf.pem"), str(home / "key.pem")


class TestHeadersThatAServerMightBelieve:
    @pytest.mark.parametrize(
        "name", ["SCRIPT_NAME", "SCRIPT-NAME", "Script_Name", "X-Script-Name", "X-Forwarded-Prefix"]
    )
    def test_none_moves_the_application(self, plain: Served, name: str) -> None:
        told = plain.tell(f"{name}: /told", path="/told/more")
        assert (told["SCRIPT_NAME"], told["PATH_INFO"]) == ("", "/told/more")

    @pytest.mark.parametrize("name", ["PATH_INFO", "PATH-INFO", "X-Original-URL", "X-Rewrite-URL"])
    def test_none_changes_the_path(self, plain: Served, name: str) -> None:
        assert plain.tell(f"{name}: /admin")["PATH_INFO"] == "/told"

    @pytest.mark.parametrize(
        "line",
        [
            "X-Forwarded-Proto: https",
            "X-Forwarded-Protocol: ssl",
            "X-Forwarded-Ssl: on",
            "Forwarded: proto=https;for=192.0.2.1",
        ],
    )
    def test_none_turns_http_into_https(self, plain: Served, line: str) -> None:
        assert plain.tell(line)["wsgi.url_scheme"] == "http"

    @pytest.mark.parametrize("line", ["X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1", "REMOTE_ADDR: 192.0.2.1"])
    def test_none_changes_where_a_request_comes_from(self, plain: Served, line: str) -> None:
        assert plain.tell(line)["REMOTE_ADDR"] == "127.0.0.1"

    @pytest.mark.parametrize("line", ["REMOTE_USER: admin", "Remote-User: admin"])
    def test_none_names_a_user(self, plain: Served, line: str) -> None:
        assert plain.tell(line)["REMOTE_USER"] is None

    def test_an_underscore_does_not_pass_for_a_hyphen(self, plain: Served) -> None:
        assert plain.tell("X_User: admin")["HTTP_X_USER"] is None
        assert plain.tell("X-User: alice", "X_User: admin")["HTTP_X_USER"] == "alice"

    def test_two_lines_do_not_pass_for_one(self, plain: Served) -> None:
        assert plain.tell("X-User: alice", "X-User: bob")["HTTP_X_USER"] == "alice,bob"

    def test_the_proxy_protocol_is_not_spoken(self, plain: Served) -> None:
        status, _, _ = plain.ask(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /told HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status in {0, 400}

    def test_h2c_is_not_spoken(self, plain: Served) -> None:
        upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
        assert plain.ask(b"GET /told HTTP/1.1\r\nHost: a\r\n" + upgrade + b"\r\n")[0] == 200
        assert plain.ask(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[0] != 101


SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /told HTTP/1.1\r\nHost: a\r\n"
LAST = b"0\r\n\r\n" + SMUGGLED
HOSTILE = {
    "a method in lower case": b"get /told HTTP/1.1\r\nHost: a\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 30\r\n\r\n" + SMUGGLED,
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + LAST,
    "unknown encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + LAST,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + LAST,
    "a folded line": b"GET /told HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "a NUL": b"GET /told HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n",
    "a bare CR": b"GET /told HTTP/1.1\r\nHost: a\r\nX-A: b\rX-User: admin\r\n\r\n",
    "no colon": b"GET /told HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n",
    "HTTP/2.0": b"GET /told HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /told\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n",
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_a_message_that_could_be_read_in_two_ways_is_not_read_at_all(plain: Served, octets: bytes) -> None:
    with plain.connect() as connection:
        status, _, body = ask(connection, octets)
        assert status in {0, 400, 405, 501, 505}
        assert b"admin" not in body
        assert ask(connection, b"")[0] in {0, 400}


def test_an_answer_does_not_tell_the_servers_version(plain: Served) -> None:
    _, headers, _ = plain.ask(b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")
    assert not re.search(r"\d", headers.get("server", ""))


def test_an_error_tells_nothing(plain: Served) -> None:
    status, _, body = plain.ask(b"GET /fails HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status == 500
    assert b"Traceback" not in body
    assert b"two" not in body


def test_a_chunked_body_is_read(plain: Served) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert json.loads(plain.ask(head + b"3\r\nabc\r\n0\r\n\r\n")[2])["body"] == "abc"


def test_neither_file_nor_environment_tells_the_server_anything(plain: Served) -> None:
    """GUNICORN_CMD_ARGS asks for three workers and trust in everybody; `serving` sets it."""
    assert sum("Booting worker" in line for line in plain.lines) == 1
    assert {"event": "starting"} in [json.loads(line) for line in plain.lines]


class TestTLS:
    def test_the_application_learns_who_is_there(self, secured: Served, home: Path) -> None:
        told = secured.tell(context=trusting(home, own(home)))
        assert (told["peer"], told["wsgi.url_scheme"]) == ("orders", "https")

    def test_nobody_is_answered_without_a_certificate(self, secured: Served, home: Path) -> None:
        with secured.connect(trusting(home)) as connection, pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            ask(connection, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_plain_http_is_not_answered(self, secured: Served) -> None:
        assert not secured.ask(b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")[2].count(b"peer")

    def test_tls_1_2_is_refused(self, secured: Served, home: Path) -> None:
        old = trusting(home, own(home))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            secured.connect(old).close()

    def test_no_ticket_is_given_to_resume_with(self, secured: Served, home: Path) -> None:
        with secured.connect(trusting(home, own(home))) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            assert ask(connection, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 200
            assert connection.session is None or not connection.session.has_ticket

    def test_http_2_is_not_offered(self, secured: Served, home: Path) -> None:
        context = trusting(home, own(home))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with secured.connect(context) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            assert connection.selected_alpn_protocol() != "h2"

    def test_who_fails_the_handshake_keeps_nobody_else_out(
        self, secured: Served, ca: certs.CA, home: Path, tmp_path: Path
    ) -> None:
        shown = forge(ca, "orders", into=tmp_path / "forged", other_ca=True).cert
        for _ in range(20):
            with secured.connect(trusting(home, shown)) as connection:
                assert refused(connection, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")
        assert secured.tell(context=trusting(home, own(home)))["peer"] == "orders"

    def test_who_connects_and_says_nothing_keeps_nobody_else_out(self, secured: Served, home: Path) -> None:
        context, silent = trusting(home, own(home)), [secured.connect() for _ in range(100)]
        try:
            began = time.monotonic()
            assert secured.tell(context=context)["peer"] == "orders"
            assert time.monotonic() - began < 5  # seconds; each of eight threads would have waited for a dozen of them
            assert all(refused(connection) for connection in silent)
        finally:
            for connection in silent:
                connection.close()

    def test_who_takes_too_long_over_a_handshake_or_a_head_is_hung_up_on(self, secured: Served, home: Path) -> None:
        """As many as there are threads, each with a request begun: the next one is served nevertheless."""
        context = trusting(home, own(home))
        slow = [secured.connect(context) for _ in range(4)] + [secured.connect() for _ in range(4)]
        try:
            for connection in slow:
                connection.sendall(b"GET /told HTTP/1.1\r\nX-A: " if isinstance(connection, ssl.SSLSocket) else b"\x16")
            assert secured.tell(context=context)["peer"] == "orders"
            assert all(refused(connection) for connection in slow)
        finally:
            for connection in slow:
                connection.close()

    def test_the_process_finds_its_own_door(self, secured: Served, home: Path) -> None:
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            health.knock(f"https://127.0.0.1:{secured.port}", elsewhere(home))
        health.knock(f"https://127.0.0.1:{secured.port}", home)


def refused(connection: socket.socket, request: bytes = b"") -> bool:
    """Whether no answer comes."""
    try:
        return ask(connection, request)[0] == 0
    except ssl.SSLError:
        return True


def elsewhere(home: Path) -> Path:
    """The TLS directory of somebody with another CA."""
    other = certs.CA.create(home.with_name("other-ca")) if not home.with_name("other-ca").exists() else None
    into = home.with_name("other-tls")
    if other:
        other.issue("orders", into)
    return into


class TestFilesThatChange:
    def test_a_renewed_certificate_is_shown_without_a_restart(self, ca: certs.CA, tmp_path: Path) -> None:
        ca.issue("orders", tmp_path, ["localhost"])
        with serving(tmp_path) as served:
            shown = []
            for _ in range(2):
                with served.connect(trusting(tmp_path)) as connection:
                    assert isinstance(connection, ssl.SSLSocket)
                    shown.append(connection.getpeercert(binary_form=True))
                ca.issue("orders", tmp_path, ["localhost"])
            assert shown[0] != shown[1]

    def test_a_revoked_caller_is_refused_without_a_restart(self, tmp_path: Path) -> None:
        ca = certs.CA.create(tmp_path / "ca")
        ours, theirs = tmp_path / "orders", tmp_path / "gateway"
        ca.issue("orders", ours, ["localhost"])
        ca.issue("gateway", theirs)
        with serving(ours, "required") as served:
            context = trusting(ours, own(theirs))
            assert served.tell(context=context)["peer"] == "gateway"
            ca.revoke("gateway")
            ca.publish()
            with served.connect(context) as connection, pytest.raises(ssl.SSLError, match="REVOKED"):
                ask(connection, b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n")

    def test_a_file_that_is_gone_is_told_to_the_log(self, ca: certs.CA, tmp_path: Path) -> None:
        ca.issue("orders", tmp_path, ["localhost"])
        with serving(tmp_path) as served:
            (tmp_path / "leaf.pem").unlink()
            with pytest.raises((ssl.SSLError, ConnectionError)):
                served.connect(trusting(tmp_path))
            told = served.awaited("a connection cannot be served").string
            assert "leaf.pem" in json.loads(told)["trace_back"]


class TestOldConnections:
    """A revoked certificate keeps what it has already opened, so nothing stays open for ever (MTLS-21)."""

    REQUEST = b"GET /told HTTP/1.1\r\nHost: a\r\n\r\n"

    def test_a_connection_is_kept_alive_until_it_is_old_and_closed_then(self) -> None:
        with serving(seconds=0.5) as served, served.connect() as connection:
            began = time.monotonic()
            status, headers, _ = ask(connection, self.REQUEST)
            assert (status, headers["connection"].lower()) == (200, "keep-alive")
            while headers.get("connection", "").lower() != "close" and time.monotonic() - began < 5:
                status, headers, _ = ask(connection, self.REQUEST)
                assert status == 200
            assert headers["connection"].lower() == "close"
            assert time.monotonic() - began >= 0.5
            assert received(connection) == b""

    def test_a_new_connection_starts_young(self) -> None:
        with serving(seconds=0.5) as served:
            for _ in range(3):
                with served.connect() as connection:
                    assert ask(connection, self.REQUEST)[1]["connection"].lower() == "keep-alive"


def test_every_line_of_the_log_is_one_json_object_even_of_what_fails(tmp_path: Path, ca: certs.CA) -> None:
    ca.issue("orders", tmp_path, ["localhost"])
    with serving(tmp_path, "required") as served:
        for octets in HOSTILE.values():
            served.ask(octets)
            with served.connect(trusting(tmp_path, own(tmp_path))) as connection:
                ask(connection, octets)
        served.ask(b"GET /fails HTTP/1.1\r\nHost: a\r\n\r\n", trusting(tmp_path, own(tmp_path)))
    lines = [json.loads(line) for line in served.lines]
    failed = [line for line in lines if "trace_back" in line and "two\nlines" in line["trace_back"]]
    assert len(failed) == 1
    assert all({"time", "service"} <= set(line) for line in lines if "event" not in line)


EXPECTS = b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
CHUNKED = b"POST /told HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
HALF = {
    "a head": b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Le",
    "a body": b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
    "chunks": CHUNKED + b"2\r\nhe\r\n",
    "a chunk": CHUNKED + b"5\r\nhe",
    "a word": EXPECTS,
}
REST = {"a head": b"ngth: 5\r\n\r\nhello", "a body": b"llo", "chunks": b"3\r\nllo\r\n0\r\n\r\n"}
REST |= {"a chunk": b"llo\r\n0\r\n\r\n", "a word": b"hello"}
PUT = b"PUT /admin HTTP/1.1\r\nHost: a\r\n"
UNREAD = {
    "all of it": (PUT + b"Content-Length: 50000\r\n\r\n" + b"x" * 50_000, "keep-alive", 200),
    "more than anybody reads": (PUT + b"Content-Length: %d\r\n\r\nx" % (LARGEST + 1), "close", 0),
    "a chunk that does not begin": (PUT + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 5000, "keep-alive", 0),
}
"""What is said, what the answer says of the connection, and what comes of a request after it."""


class TestWhoIsSlow:
    """Whoever sends a little now and then takes nobody's time but their own (CWE-400)."""

    MANY = 16
    """Twice as many as there are threads."""

    def crowd(self, served: Served, said: bytes, context: ssl.SSLContext | None = None) -> list[socket.socket]:
        """Connections on which each has said so much, and waits."""
        crowd = [served.connect(context) for _ in range(self.MANY)]
        for connection in crowd:
            connection.sendall(said)
        return crowd

    @pytest.mark.parametrize("half", HALF)
    def test_others_are_served_meanwhile_and_so_are_they(self, patient: Served, half: str) -> None:
        crowd = self.crowd(patient, HALF[half])
        try:
            began = time.monotonic()
            assert patient.tell()["PATH_INFO"] == "/told"
            assert time.monotonic() - began < PATIENCE / 4
            for connection in crowd:
                if half == "a word":
                    assert ask(connection, b"")[0] == 100
                status, _, body = ask(connection, REST[half])
                assert (status, json.loads(body)["body"]) == (200, "hello")
        finally:
            for connection in crowd:
                connection.close()

    @pytest.mark.parametrize("over", ["TCP", "TLS"])
    @pytest.mark.parametrize("said", UNREAD)
    def test_what_nobody_will_read_is_not_waited_for(self, home: Path, over: str, said: str) -> None:
        """Whoever may still be sending it is hung up on, or the rest would be taken for a request."""
        context = trusting(home, own(home)) if over == "TLS" else None
        octets, told, then = UNREAD[said]
        with serving(home if context else None, "optional", head=PATIENCE) as patient:
            crowd = self.crowd(patient, octets, context)
            try:
                began = time.monotonic()
                answers = [ask(connection, b"") for connection in crowd]
                assert {(status, headers["connection"]) for status, headers, _ in answers} == {(405, told)}
                assert patient.tell(context=context)["PATH_INFO"] == "/told"
                assert time.monotonic() - began < PATIENCE / 4
                more = SMUGGLED if then else b""  # who is hung up on need not say anything to be
                assert {ask(connection, more)[0] for connection in crowd} == {then}
            finally:
                for connection in crowd:
                    connection.close()

    @pytest.mark.parametrize(
        ("said", "status"),
        [(HALF["a head"].ljust(100_000, b"a"), 431), (HALF["chunks"] + b"1\r\na\r\n" * 20_000, 413)],
    )
    def test_what_has_no_end_is_refused_in_the_end(self, patient: Served, said: bytes, status: int) -> None:
        """RFC 6585 §5, RFC 9110 §15.5.14."""
        with patient.connect() as connection:
            assert ask(connection, said)[0] == status
            assert received(connection) == b""

    def test_so_are_those_who_shake_hands_meanwhile(self, home: Path) -> None:
        context = trusting(home, own(home))
        with serving(home, "required", head=PATIENCE) as patient:
            crowd = self.crowd(patient, b"\x16") + self.crowd(patient, HALF["a head"], context)
            try:
                began = time.monotonic()
                assert patient.tell(context=context)["peer"] == "orders"
                assert time.monotonic() - began < PATIENCE / 4
                for connection in crowd[self.MANY :]:
                    assert ask(connection, REST["a head"])[0] == 200
            finally:
                for connection in crowd:
                    connection.close()

    def test_octet_by_octet_it_is_a_request_too(self, patient: Served) -> None:
        with patient.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in HALF["a head"] + REST["a head"]:
                connection.sendall(bytes([octet]))
            assert json.loads(ask(connection, b"")[2])["body"] == "hello"

    def test_whoever_goes_on_like_that_is_hung_up_on(self, plain: Served) -> None:
        with plain.connect() as connection, pytest.raises(ConnectionError):
            talk_on(connection, b"G")

    @pytest.mark.parametrize("how", ["a body", "chunks"])
    def test_several_requests_at_once_are_answered_one_by_one(self, patient: Served, how: str) -> None:
        with patient.connect() as connection:
            connection.sendall((HALF[how] + REST[how]) * 2 + HALF["a head"])
            self.heard(connection, 2)
            connection.sendall(REST["a head"] + HALF[how])
            self.heard(connection, 1)
            connection.sendall(REST[how])
            self.heard(connection, 1)

    def test_what_came_in_one_piece_is_not_left_behind(self, home: Path) -> None:
        """A request that ends where a read does, and one more, in one TLS record."""
        last = b"\r\nContent-Length: 5\r\n\r\nhello"
        first = (POST + b"X-A: " + b"a" * 4000 + b"\r\nX-B: ").ljust(8192 - len(last), b"b") + last
        with (
            serving(home, "required", head=PATIENCE) as patient,
            patient.connect(trusting(home, own(home))) as connection,
        ):
            connection.sendall(first + POST[:-2] + last)
            self.heard(connection, 2)

    def heard(self, connection: socket.socket, answers: int) -> None:
        """Read so many answers, and no more."""
        octets = b""
        while octets.count(b'"body":"hello"') < answers:
            more = received(connection)
            assert more, octets
            octets += more
        assert octets.count(b"HTTP/1.1 200 OK") == answers

    def test_each_request_on_a_connection_has_time_of_its_own(self, plain: Served) -> None:
        with plain.connect() as connection:
            until = time.monotonic() + 1.5 * HEAD_SECONDS
            while time.monotonic() < until:
                assert ask(connection, HALF["a head"] + REST["a head"] + HALF["a body"])[0] == 200
                assert ask(connection, REST["a body"])[0] == 200

    def test_whoever_waits_for_a_word_of_ours_gets_it(self, patient: Served) -> None:
        """RFC 9110 §10.1.1."""
        with patient.connect() as connection:
            assert ask(connection, EXPECTS)[0] == 100
            assert json.loads(ask(connection, b"hello")[2])["body"] == "hello"

    def test_whoever_has_been_asked_for_the_rest_has_so_long_to_say_it(self, plain: Served) -> None:
        with plain.connect() as connection:
            assert ask(connection, EXPECTS)[0] == 100
            assert refused(connection)

    def test_whoever_sends_too_much_is_not_listened_to_for_ever(self, plain: Served) -> None:
        """More than is put by is read as it comes; an application of ours would refuse it unread."""
        with plain.connect() as connection:
            assert refused(connection, b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\nx")

    def test_whoever_has_said_nothing_is_not_waited_for_when_it_ends(self) -> None:
        with serving(head=30, linger=0.1) as served, served.connect():
            began = time.monotonic()
            assert served.end() == 0
            assert time.monotonic() - began < 4  # within 5 it ends in any case


class TestWhoDoesNotHangUp:
    """Whoever was answered, and was to hang up, and does not, keeps nobody waiting."""

    LAST = b"GET /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    def test_others_are_let_in_meanwhile(self, plain: Served) -> None:
        with contextlib.ExitStack() as held:
            began = time.monotonic()
            for _ in range(5):
                connection = held.enter_context(plain.connect())
                assert ask(connection, self.LAST)[0] == 200
                assert received(connection) == b""
            assert plain.ask(self.LAST)[0] == 200
            assert time.monotonic() - began < 5 * worker.LINGER_SECONDS / 2  # half of what each would wait for the last

    def test_they_are_hung_up_on_in_the_end(self, plain: Served) -> None:
        with plain.connect() as connection:
            assert ask(connection, self.LAST)[0] == 200
            with pytest.raises(ConnectionError):
                talk_on(connection, b"and another thing")

    def test_what_they_go_on_sending_does_not_take_their_answer_away(self, plain: Served) -> None:
        with plain.connect() as connection:
            connection.sendall(b"PUT /admin HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 999999\r\n\r\n")
            connection.sendall(b"x" * 500_000)
            assert ask(connection, b"")[0] == 405


class TestHandles:
    """A process may have so many, and no more connections than leave some for everything else."""

    @pytest.mark.parametrize(("allowed", "most"), [(1024, 512), (65536, 1000), (resource.RLIM_INFINITY, 1000), (1, 1)])
    def test_half_of_them_are_for_connections(self, monkeypatch: pytest.MonkeyPatch, allowed: int, most: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
        assert server._most_connections() == most

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one take handles from another process")
    def test_who_has_none_left_waits_for_one_and_goes_on(self) -> None:
        with serving() as served:
            booted = re.search(r"Booting worker with pid: (\d+)", "".join(served.lines))
            assert booted
            assert served.tell()["PATH_INFO"] == "/told"
            working = int(booted[1])
            resource.prlimit(working, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{working}/fd")) + 4,) * 2)
            crowd = [served.connect() for _ in range(12)]
            try:
                assert all(
                    refused(connection) for connection in crowd
                )  # one after the other, as handles are free again
            finally:
                for connection in crowd:
                    connection.close()
            assert served.tell()["PATH_INFO"] == "/told"
            assert len([line for line in served.lines if "Booting worker" in line]) == 1


class TestTheEnd:
    """What has begun is finished, and nobody waits for what will not come."""

    GET = b"GET /told HTTP/1.1\r\nHost: a\r\n"
    ALONE = GET + b"Connection: close\r\n\r\n"

    def test_a_request_that_is_under_way_is_answered(self) -> None:
        with serving() as served, served.connect() as connection:
            connection.sendall(b"POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
            served.process.send_signal(signal.SIGTERM)
            served.awaited("Handling signal: term")
            status, _, body = ask(connection, b"llo")
            assert (status, json.loads(body)["body"]) == (200, "hello")

    def test_whoever_comes_then_is_served_or_turned_away_at_once(self) -> None:
        with serving() as served, served.connect() as kept:
            assert ask(kept, self.GET + b"\r\n")[0] == 200  # it stays open, and so does the process for a while
            served.process.send_signal(signal.SIGTERM)
            served.awaited("Handling signal: term")
            began = time.monotonic()
            while not self.turned_away(served):
                assert time.monotonic() - began < STOP_SECONDS
            assert ask(kept, self.GET + b"\r\n")[0] == 200  # it has not ended: the door was shut before

    def turned_away(self, served: Served) -> bool:
        """Whether nobody opens; whoever is let in is answered, unless the door falls shut at that very moment.

        Whoever stood at the door when it was taken away is reset instead of refused: nothing was said to anybody.
        """
        try:
            status = served.ask(self.ALONE)[0]
        except (ConnectionRefusedError, ConnectionResetError):
            return True
        assert status in {200, 0}
        return False

    def test_when_others_take_over_everybody_is_served(self) -> None:
        with serving() as served:
            served.process.send_signal(signal.SIGHUP)
            while not any("Worker exiting" in line for line in served.lines):
                assert served.ask(self.ALONE)[0] == 200


def test_it_ends_when_it_is_told_to() -> None:
    with serving() as served:
        assert served.end() == 0


@pytest.mark.parametrize("chunks", [b"+0\r\n\r\n", b"-1\r\n\r\n", b"0x0\r\n\r\n", b"5\r\nhello0\r\n\r\n"])
def test_a_body_whose_chunks_are_broken_is_the_senders_mistake(plain: Served, chunks: bytes) -> None:
    head = b"POST /told HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert plain.ask(head + chunks)[0] == 400
