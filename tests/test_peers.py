"""Calling the other services: what is sent, what is believed of the answer, and what a failure is called."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
from urllib3 import HTTPConnectionPool

import certs
from certs.forge import forge
from services import tls
from services.calling import Callee, TooSlow
from services.identity import Credentials, Forbidden, Identity, NoCredentials, Unavailable
from services.peers import MAX_ANSWER, Peers, TooLate
from services.problems import Problem
from tests import support
from tests.loopback import Answer, Door, http, nobody, says

ALICE = Identity("gateway", "alice", frozenset(), "caller", "")
TRACE, SPAN = "a" * 32, "b" * 16
OK = http("200 OK", b'{"a": 1}')
app = flask.Flask(__name__)


class Presenting:
    """A pattern that shows a token of its user's, and our certificate where there is one."""

    edge = challenge = None

    def __init__(self, **more: Any) -> None:
        self.more = more

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """What is presented tells for whom and to whom."""
        shown: Credentials = {"headers": {"Authorization": f"Bearer {identity.user}-to-{audience}"}}
        return shown | self.more  # type: ignore[return-value]  # more of the same


@contextmanager
def calling(url: str, tmp_path: Path, *, timeout: float = 5.0, **more: Any) -> Iterator[Peers]:
    """The peers of the gateway, with `orders` at `url`, during a request for alice."""
    plain = url.startswith("http:")
    told = support.settings(
        tmp_path, "gateway", "perimeter" if plain else "mtls", peers={"orders": url}, timeout=timeout
    )
    peers = Peers(told, Presenting(**more))  # type: ignore[arg-type]  # as much of a pattern as is needed
    with app.test_request_context():
        flask.g.identity, flask.g.calls, flask.g.trace, flask.g.span = ALICE, 0, TRACE, SPAN
        flask.g.began = time.monotonic()
        try:
            yield peers
        finally:
            for callee in peers._callees.values():
                callee.close()


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., Any]:
    """Gets /items from a peer that answers like this; and returns what it was asked, too."""

    def got(answer: bytes | Answer, **more: Any) -> tuple[Any, Door]:
        with Door(says(answer) if isinstance(answer, bytes) else answer) as door:
            with calling(door.url, tmp_path, **more) as peers:
                found = peers.get("orders", "/items")
            return found, door

    return got


def head_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


class TestWhatIsSent:
    def test_a_call_is_made_as_ourselves_for_the_user_within_the_trace(self, get: Callable[..., Any]) -> None:
        found, door = get(OK)
        assert found == {"a": 1}
        head = head_of(door.requests[0])
        assert door.requests[0].startswith(b"GET /items HTTP/1.1\r\n")
        assert head["authorization"] == "Bearer alice-to-orders"
        assert head["traceparent"] == f"00-{TRACE}-{SPAN}-00"

    def test_a_post_carries_its_body_and_its_key(self, tmp_path: Path) -> None:
        with Door(says(http("201 Created", b'{"id": 1}'))) as door, calling(door.url, tmp_path) as peers:
            assert peers.post("orders", "/orders", {"sku": "book"}, key="k") == {"id": 1}
            assert peers.post("orders", "/orders/1/refund") == {"id": 1}
            assert flask.g.calls == 2
        head, _, body = door.requests[0].partition(b"\r\n\r\n")
        assert json.loads(body) == {"sku": "book"}
        assert head_of(head)["idempotency-key"] == "k"
        assert head_of(head)["content-type"] == "application/json"
        assert "idempotency-key" not in head_of(door.requests[1])

    def test_a_delete_deletes(self, tmp_path: Path) -> None:
        with Door(says(http("204 No Content"))) as door, calling(door.url, tmp_path) as peers:
            assert peers.delete("orders", "/reservations/1") is None
        assert door.requests[0].startswith(b"DELETE /reservations/1 ")

    def test_one_users_credentials_do_not_cling_to_the_next_call(self, tmp_path: Path) -> None:
        with Door(says(OK)) as door, calling(door.url, tmp_path) as peers:
            peers.get("orders", "/items")
            flask.g.identity = Identity("gateway", "bob", frozenset(), "caller", "")
            peers.get("orders", "/items")
        assert [head_of(request)["authorization"] for request in door.requests] == [
            "Bearer alice-to-orders",
            "Bearer bob-to-orders",
        ]
        assert door.connections == 1

    def test_a_cookie_from_one_answer_is_not_sent_with_the_next_call(self, tmp_path: Path) -> None:
        answer = http("200 OK", b"{}", "Set-Cookie: session=alice")
        with Door(says(answer)) as door, calling(door.url, tmp_path) as peers:
            peers.get("orders", "/items")
            peers.get("orders", "/items")
        assert "cookie" not in head_of(door.requests[1])

    def test_the_environment_gets_no_say(
        self, get: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password stolen\n")
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "netrc"))
        found, door = get(OK)
        assert found == {"a": 1}
        assert head_of(door.requests[0])["authorization"] == "Bearer alice-to-orders"


class TestTheAnswer:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, tmp_path: Path, status: int) -> None:
        with Door(says(OK)) as inside, Door(says(http(f"{status} Elsewhere", b"", f"Location: {inside.url}/"))) as door:
            with calling(door.url, tmp_path) as peers, pytest.raises(NoCredentials, match=str(status)):
                peers.get("orders", "/items")
            assert inside.connections == 0

    @pytest.mark.parametrize("status", [400, 402, 404, 409, 422])
    def test_a_problem_of_the_shop_is_passed_on(self, get: Callable[..., Any], status: int) -> None:
        said = {"title": "Conflict", "detail": "there is not enough", "status": 200, "errors": ["inner"]}
        with pytest.raises(Problem) as problem:
            get(http(f"{status} Said", json.dumps(said).encode()))
        assert (problem.value.status, problem.value.title) == (status, "Conflict")
        assert problem.value.extra == {"detail": "there is not enough"}

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"title": 1}', b"[" * 50_000, b"\xff"])
    def test_a_problem_that_is_none_makes_no_sense(self, get: Callable[..., Any], body: bytes) -> None:
        with pytest.raises(NoCredentials):
            get(http("409 Conflict", body))

    @pytest.mark.parametrize(
        ("status", "refusal", "becomes"),
        [
            (401, NoCredentials, 502),
            (403, Forbidden, 403),
            (503, Unavailable, 503),
            (500, NoCredentials, 502),
            (418, NoCredentials, 502),
            (405, NoCredentials, 502),
            (421, NoCredentials, 502),
            (502, NoCredentials, 502),
            (206, NoCredentials, 502),
        ],
    )
    def test_any_other_status_becomes_what_it_means_for_our_caller(
        self, get: Callable[..., Any], status: int, refusal: type[Exception], becomes: int
    ) -> None:
        with pytest.raises(refusal) as refused:
            get(http(f"{status} Said", b'{"title": "hunter2", "detail": "hunter2"}'))
        assert refused.value.status == becomes  # type: ignore[attr-defined]  # each of them has one
        assert "hunter2" not in str(refused.value)

    def test_our_own_credentials_being_refused_is_told_apart_in_the_log(self, get: Callable[..., Any]) -> None:
        with pytest.raises(NoCredentials, match="orders does not accept what we present"):
            get(http("401 Unauthorized", b"{}"))

    @pytest.mark.parametrize("body", [b"<html>", b"{", b"[" * 50_000, b"\xff\xfe"], ids=lambda body: repr(body[:6]))
    def test_an_answer_that_is_not_json_is_502(self, get: Callable[..., Any], body: bytes) -> None:
        with pytest.raises(NoCredentials):
            get(http("200 OK", body))

    def test_an_answer_without_a_body_is_none(self, get: Callable[..., Any]) -> None:
        assert get(http("200 OK"))[0] is None

    @pytest.mark.parametrize("encoded", [False, True], ids=["as it is", "compressed"])
    def test_an_answer_may_be_large_but_not_larger(self, get: Callable[..., Any], encoded: bool) -> None:
        def answer(size: int) -> bytes:
            body = b'"' + b"x" * (size - 2) + b'"'
            return http("200 OK", gzip.compress(body), "Content-Encoding: gzip") if encoded else http("200 OK", body)

        assert len(get(answer(MAX_ANSWER))[0]) == MAX_ANSWER - 2
        with pytest.raises(NoCredentials):
            get(answer(MAX_ANSWER + 1))

    def test_what_is_left_of_an_answer_is_not_the_next_one(self, tmp_path: Path) -> None:
        answers = iter([http("200 OK", b'"' + b"x" * (2 * MAX_ANSWER) + b'"'), OK])

        def answer(_: bytes, connection: socket.socket) -> bool:
            connection.sendall(next(answers))
            return True

        with Door(answer) as door, calling(door.url, tmp_path) as peers:
            with pytest.raises(NoCredentials):
                peers.get("orders", "/items")
            assert peers.get("orders", "/items") == {"a": 1}
        assert door.connections == 2

    @pytest.mark.parametrize("first", ["200 OK", "302 Found\r\nLocation: /"])
    def test_an_answer_without_end_is_not_read_to_its_end(self, get: Callable[..., Any], first: str) -> None:
        sent = []

        def endless(_: bytes, connection: socket.socket) -> bool:
            connection.sendall(f"HTTP/1.1 {first}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for _number in range(4000):
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent.append(0x10000)
            return False

        with pytest.raises(NoCredentials):
            get(endless)
        assert sum(sent) < 100 * MAX_ANSWER  # of which most waits in between

    @pytest.mark.parametrize(
        "body", [b"not gzip", gzip.compress(json.dumps(list(range(500))).encode())[:-99]], ids=["none", "cut off"]
    )
    def test_a_body_that_is_not_what_it_says_is_an_error_of_theirs(self, get: Callable[..., Any], body: bytes) -> None:
        with pytest.raises((NoCredentials, Unavailable)):
            get(http("200 OK", body, "Content-Encoding: gzip"))

    def test_an_answer_before_the_answer_does_not_shift_them(self, get: Callable[..., Any], tmp_path: Path) -> None:
        """RFC 9110 §15.2: what comes first may not be all, and the rest would be taken for the next one's."""
        hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
        with Door(says(hints + OK)) as door, calling(door.url, tmp_path) as peers:
            for _ in range(2):
                with pytest.raises(Unavailable, match="does not answer"):
                    peers.get("orders", "/items")
            assert door.connections == 2


class TestTime:
    """FLT-02: a call takes no longer than it may, whatever the other side does."""

    @staticmethod
    def silent(_: bytes, connection: socket.socket) -> bool:
        connection.recv(1)  # until the caller gives up
        return False

    @staticmethod
    def stuck(_: bytes, connection: socket.socket) -> bool:
        connection.sendall(http("200 OK", b'{"a": 1}')[:-3])
        connection.recv(1)
        return False

    @staticmethod
    def dripping(connection: socket.socket, drop: bytes) -> bool:
        """Say `drop` ten times a second, for five seconds, unless the caller has gone."""
        connection.settimeout(0.1)
        for _number in range(50):
            try:
                if not connection.recv(1):
                    return False
            except TimeoutError:
                connection.sendall(drop)
        return False

    def drip(self, _: bytes, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        return self.dripping(connection, b" ")

    def drip_the_head(self, _: bytes, connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        return self.dripping(connection, b"x")

    def promise(self, _: bytes, connection: socket.socket) -> bool:
        """RFC 9110 §15.2: any number of answers may come before the answer."""
        return self.dripping(connection, b"HTTP/1.1 100 Continue\r\n\r\n")

    @pytest.mark.parametrize("how", ["silent", "stuck", "drip", "drip_the_head", "promise"])
    def test_an_answer_that_does_not_come_in_time_is_504(self, get: Callable[..., Any], how: str) -> None:
        began = time.monotonic()
        with pytest.raises(TooLate):
            get(getattr(self, how), timeout=0.3)
        assert time.monotonic() - began < 4

    def test_whoever_stops_dripping_has_no_more_time_than_is_left(self, get: Callable[..., Any]) -> None:
        def drip_once(_: bytes, connection: socket.socket) -> bool:
            with contextlib.suppress(TimeoutError):
                connection.settimeout(1.3)
                connection.recv(1)  # nothing comes
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            return self.silent(b"", connection)

        began = time.monotonic()
        with pytest.raises(TooLate):
            get(drip_once, timeout=1.5)
        assert time.monotonic() - began < 2.6  # if its time began again: 2.8

    def test_a_second_attempt_has_only_the_time_that_the_first_has_left(self) -> None:
        seen: list[float] = []

        def answer(_: bytes, connection: socket.socket) -> bool:
            seen.append(time.monotonic())
            if len(seen) == 1:
                connection.sendall(OK)
                return True
            with contextlib.suppress(TimeoutError):
                connection.settimeout(1.0 if len(seen) == 2 else 5)
                connection.recv(1)  # nothing comes
            return False

        with Door(answer) as door, contextlib.closing(Callee(door.url, "orders")) as callee:
            callee.ask("GET", "/items", {}, headers={}, deadline=time.monotonic() + 5, most=100)
            began = time.monotonic()
            with pytest.raises(TooSlow):
                callee.ask("GET", "/items", {}, headers={}, deadline=began + 2.5, most=100)
            gave_up = time.monotonic()
        assert len(seen) == 3
        assert gave_up - began < 3.3  # with as long again for the second: 3.5

    def test_too_late_is_504_for_whoever_called_them_too(self, get: Callable[..., Any]) -> None:
        assert TooLate.code == 504
        with pytest.raises(TooLate):
            get(http("504 Gateway Timeout"))


def closing(times: int) -> tuple[Answer, list[int]]:
    """Answers, but drops the connection instead for the `times` requests after the first."""
    seen: list[int] = []

    def answer(_: bytes, connection: socket.socket) -> bool:
        seen.append(1)
        if 1 < len(seen) <= 1 + times:
            return False
        connection.sendall(OK)
        return True

    return answer, seen


class TestWhoWaits:
    """FLT-02: who waits for one service is not everybody."""

    def test_once_a_service_was_too_slow_one_waits_for_it_and_the_others_are_told_at_once(self, tmp_path: Path) -> None:
        asked, may_answer = threading.Semaphore(0), threading.Event()

        def answer(_: bytes, connection: socket.socket) -> bool:
            asked.release()
            if may_answer.wait(5):
                connection.sendall(OK)
            return True

        def get() -> Any:
            with app.test_request_context():
                flask.g.identity, flask.g.calls, flask.g.trace, flask.g.span = ALICE, 0, TRACE, SPAN
                flask.g.began = time.monotonic()
                return peers.get("orders", "/items")

        with Door(answer) as door, calling(door.url, tmp_path, timeout=0.3) as peers, ThreadPoolExecutor(1) as pool:
            with pytest.raises(TooLate):
                get()
            assert asked.acquire(timeout=5)
            peers._settings = peers._settings.model_copy(update={"timeout": 5.0})
            one = pool.submit(get)
            assert asked.acquire(timeout=5)
            with pytest.raises(Unavailable, match="orders is slow, and others wait for it"):
                get()
            may_answer.set()
            assert one.result(5) == get() == {"a": 1}

    def test_the_calls_of_one_request_share_its_time(self, tmp_path: Path) -> None:
        with Door(says(OK)) as door, calling(door.url, tmp_path, timeout=5.0) as peers:
            flask.g.began -= 2.0
            assert peers.get("orders", "/items") == {"a": 1}
            flask.g.began -= 3.0
            with pytest.raises(TooLate):
                peers.get("orders", "/items")
        assert len(door.requests) == 1

    def test_whoever_calls_us_hears_of_it_in_time(self, tmp_path: Path) -> None:
        told = {name: support.settings(tmp_path, name, "mtls").budget for name in ("gateway", "orders")}
        assert told["orders"] < told["gateway"]


class TestConnections:
    def test_a_kept_alive_connection_that_was_closed_is_tried_again_once(self, tmp_path: Path) -> None:
        answer, seen = closing(1)
        with Door(answer) as door, calling(door.url, tmp_path) as peers:
            assert peers.get("orders", "/items") == peers.get("orders", "/items") == {"a": 1}
        assert len(seen) == 3

    def test_connections_given_up_in_that_moment_are_replaced(self) -> None:
        """As when certificates are renewed several times in a row, and newer connections push the older ones out."""
        seen: list[int] = []

        def answer(_: bytes, connection: socket.socket) -> bool:
            seen.append(1)
            if len(seen) == 2:
                callee.close()
                return False
            connection.sendall(OK)
            return True

        with Door(answer) as door, contextlib.closing(Callee(door.url, "orders")) as callee:
            soon = time.monotonic() + 5
            asked = [callee.ask("GET", "/items", {}, headers={}, deadline=soon, most=100) for _ in range(2)]
        assert [status for status, _ in asked] == [200, 200]

    def test_connections_given_up_before_they_were_used_are_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = Callee._pool

        def pool(callee: Callee, presented: Credentials) -> HTTPConnectionPool:
            pool = found(callee, presented)
            monkeypatch.undo()
            callee.close()  # another thread, between finding and using them
            return pool

        with Door(says(OK)) as door, contextlib.closing(Callee(door.url, "orders")) as callee:
            monkeypatch.setattr(Callee, "_pool", pool)
            assert callee.ask("GET", "/items", {}, headers={}, deadline=time.monotonic() + 5, most=100)[0] == 200

    def test_the_repetition_is_the_same_request(self, tmp_path: Path) -> None:
        answer, _ = closing(1)
        with Door(answer) as door, calling(door.url, tmp_path) as peers:
            peers.get("orders", "/items")
            peers.post("orders", "/orders", {"sku": "book"}, key="k")
            assert flask.g.calls == 2
        assert door.requests[1] == door.requests[2]

    def test_it_is_not_tried_a_third_time(self, tmp_path: Path) -> None:
        answer, seen = closing(9)
        with Door(answer) as door, calling(door.url, tmp_path) as peers:
            peers.get("orders", "/items")
            with pytest.raises(Unavailable, match="does not answer"):
                peers.get("orders", "/items")
        assert len(seen) == 3

    def test_a_peer_that_is_not_there_is_503(self, tmp_path: Path) -> None:
        with (
            nobody() as port,
            calling(f"http://127.0.0.1:{port}", tmp_path) as peers,
            pytest.raises(Unavailable, match="does not answer"),
        ):
            peers.get("orders", "/items")

    def test_a_peer_that_does_not_speak_http_is_not_believed(self, get: Callable[..., Any]) -> None:
        with pytest.raises((NoCredentials, Unavailable)):
            get(says(b"SSH-2.0-OpenSSH\r\n", then_closes=True))

    def test_an_answer_that_breaks_off_is_not_believed(self, get: Callable[..., Any]) -> None:
        with pytest.raises((NoCredentials, Unavailable)):
            get(says(http("200 OK", b'{"a": 1}      ')[:-6], then_closes=True))


class TestOverTLS:
    @pytest.fixture
    def ca(self, tmp_path: Path) -> certs.CA:
        ca = certs.CA.create(tmp_path / "ca")
        for name in ("gateway", "orders", "billing"):
            ca.issue(name, tmp_path / name / "tls")
        return ca

    @pytest.mark.parametrize(("holder", "answers"), [("orders", True), ("billing", False), ("gateway", False)])
    def test_only_the_peer_itself_is_spoken_to(self, ca: certs.CA, tmp_path: Path, holder: str, answers: bool) -> None:
        ours = tmp_path / "gateway" / "tls"
        shown: dict[str, Any] = {
            "verify": str(ours / "bundle.pem"),
            "cert": (str(ours / "leaf.pem"), str(ours / "key.pem")),
        }
        context = tls.server_context(tmp_path / holder / "tls", "required")
        with Door(says(OK), context) as door, calling(door.url, tmp_path, **shown) as peers:
            if answers:
                assert peers.get("orders", "/items") == {"a": 1}
            else:
                with pytest.raises(Unavailable, match="did not prove that it is orders"):
                    peers.get("orders", "/items")
                assert door.requests == []

    def test_an_impostor_with_the_right_dns_name_is_told_nothing(self, ca: certs.CA, tmp_path: Path) -> None:
        shown = forge(ca, "billing", into=tmp_path / "impostor", dns=("orders",)).cert
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*shown)
        bundle: dict[str, Any] = {"verify": str(tmp_path / "gateway" / "tls" / "bundle.pem")}
        with Door(says(OK), context) as door, calling(door.url, tmp_path, **bundle) as peers:
            with pytest.raises(Unavailable, match="did not prove"):
                peers.get("orders", "/items")
            assert door.requests == []

    def test_a_peer_that_does_not_accept_our_certificate_is_503(self, ca: certs.CA, tmp_path: Path) -> None:
        shown = forge(ca, "gateway", into=tmp_path / "forged", other_ca=True).cert
        more: dict[str, Any] = {"verify": str(tmp_path / "gateway" / "tls" / "bundle.pem"), "cert": shown}
        context = tls.server_context(tmp_path / "orders" / "tls", "required")
        with Door(says(OK), context) as door, calling(door.url, tmp_path, **more) as peers:
            with pytest.raises(Unavailable):
                peers.get("orders", "/items")
            assert door.requests == []

    def test_here_too_an_answer_has_to_come_in_time(self, ca: certs.CA, tmp_path: Path) -> None:
        context, bundle = tls.server_context(tmp_path / "orders" / "tls", "none"), tmp_path / "gateway/tls/bundle.pem"
        began = time.monotonic()
        with Door(TestTime().drip_the_head, context) as door:
            with calling(door.url, tmp_path, timeout=0.3, verify=str(bundle)) as peers, pytest.raises(TooLate):
                peers.get("orders", "/items")
            assert time.monotonic() - began < 4

    def test_what_asks_for_tls_is_not_shown_without(self, tmp_path: Path) -> None:
        with Door(says(OK)) as door, calling(door.url, tmp_path, verify="bundle.pem") as peers:
            with pytest.raises(Unavailable):
                peers.get("orders", "/items")
            assert door.connections == 0

    def test_a_missing_bundle_is_503(self, ca: certs.CA, tmp_path: Path) -> None:
        context = tls.server_context(tmp_path / "orders" / "tls", "none")
        missing = str(tmp_path / "none.pem")
        with Door(says(OK), context) as door, calling(door.url, tmp_path, verify=missing) as peers:
            with pytest.raises(Unavailable):
                peers.get("orders", "/items")
            assert door.requests == []
