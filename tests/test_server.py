"""The server, a real process: what it makes of hostile requests, changing files and old connections."""

from __future__ import annotations

import json
import re
import signal
import ssl
import time
from pathlib import Path

import pytest

import certs
from certs.forge import forge
from services import health
from tests.serving import HEAD_SECONDS, POST, SMUGGLED, Served, ask, own, received, refused, serving, trusting

pytest_plugins = ("tests.serving_fixtures",)


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
def test_a_message_that_could_be_read_in_two_ways_is_not_read_at_all(hasty: Served, octets: bytes) -> None:
    with hasty.connect() as connection:
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

    def test_who_connects_and_says_nothing_keeps_nobody_else_out(self, hasty_secured: Served, home: Path) -> None:
        context, silent = trusting(home, own(home)), [hasty_secured.connect() for _ in range(100)]
        try:
            began = time.monotonic()
            assert hasty_secured.tell(context=context)["peer"] == "orders"
            assert time.monotonic() - began < 5  # seconds; each of eight threads would have waited for a dozen of them
            assert all(refused(connection) for connection in silent)
        finally:
            for connection in silent:
                connection.close()

    def test_who_takes_too_long_over_a_handshake_or_a_head_is_hung_up_on(
        self, hasty_secured: Served, home: Path
    ) -> None:
        """As many as there are threads, each with a request begun: the next one is served nevertheless."""
        context = trusting(home, own(home))
        slow = [hasty_secured.connect(context) for _ in range(4)] + [hasty_secured.connect() for _ in range(4)]
        try:
            for connection in slow:
                connection.sendall(b"GET /told HTTP/1.1\r\nX-A: " if isinstance(connection, ssl.SSLSocket) else b"\x16")
            assert hasty_secured.tell(context=context)["peer"] == "orders"
            assert all(refused(connection) for connection in slow)
        finally:
            for connection in slow:
                connection.close()

    def test_the_process_finds_its_own_door(self, secured: Served, home: Path) -> None:
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            health.knock(f"https://127.0.0.1:{secured.port}", elsewhere(home))
        health.knock(f"https://127.0.0.1:{secured.port}", home)


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
    with serving(tmp_path, "required", head=HEAD_SECONDS) as served:
        for octets in HOSTILE.values():
            served.ask(octets)
            with served.connect(trusting(tmp_path, own(tmp_path))) as connection:
                ask(connection, octets)
        served.ask(b"GET /fails HTTP/1.1\r\nHost: a\r\n\r\n", trusting(tmp_path, own(tmp_path)))
    lines = [json.loads(line) for line in served.lines]
    failed = [line for line in lines if "trace_back" in line and "two\nlines" in line["trace_back"]]
    assert len(failed) == 1
    assert all({"time", "service"} <= set(line) for line in lines if "event" not in line)


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
            while not self.turned_away(served):
                pass
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
