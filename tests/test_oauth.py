"""Asking the IdP over real TLS: whatever goes wrong on the way, the answer is no, and nobody else hears of it."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import flask
import pytest

from certs import CA
from certs.forge import forge
from services import audit, tls
from services.identity import NoCredentials, Refusal, Unauthenticated, Unavailable
from services.oauth import ACCESS_TOKEN, MAX_ANSWER, TOKEN_EXCHANGE, IdentityProvider
from services.relying_party import RelyingParty
from services.sessions import Session
from services.settings import Settings
from tests.loopback import Answer, Door, http, nobody, says
from tests.support import settings

TOKEN = "the-token-of-a-user"
SECRET = "the-secret-of-orders"
YES = http("200 OK", b'{"active": true}')
EXCHANGED = {"access_token": "new-token", "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 60}


@dataclass(frozen=True)
class Place:
    """A shop's files: the CA, `orders` and the IdP."""

    directory: Path
    ca: CA

    def settings(self, issuer: str, **more: Any) -> Settings:
        return settings(self.directory, "orders", "zerotrust", **({"issuer": issuer, "timeout": 5.0} | more))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("shop")
    ca = CA.create(directory / "ca")
    made = Place(directory, ca)
    (made.settings("https://unused").dir / "orders/secrets/client_secret").write_text(f"{SECRET}\n")
    ca.issue("orders", into=directory / "orders/tls")
    ca.issue("idp", into=directory / "idp/tls", dns_names=("idp", "idp.localhost", "localhost"))
    return made


@contextmanager
def answering(place: Place, answer: bytes | Answer, **more: Any) -> Iterator[tuple[IdentityProvider, Door]]:
    """An IdP that answers just so, and `orders` which asks it."""
    context = tls.server_context(place.directory / "idp/tls", "optional")
    with Door(says(answer) if isinstance(answer, bytes) else answer, context) as door:
        yield IdentityProvider(place.settings(door.url, **more)), door


def exchange(idp: IdentityProvider) -> str:
    """The user's token for one to show to billing, with the certificate of orders as it is now."""
    return idp.exchange(TOKEN, "billing", idp._settings.leaf)


CALLS: dict[str, Callable[[IdentityProvider], Any]] = {
    "introspect": lambda idp: idp.introspect(TOKEN),
    "exchange": exchange,
    "keys": lambda idp: idp.keys.find("any"),
}


def unanswered(idp: IdentityProvider, call: Callable[[IdentityProvider], Any], because: str | None = None) -> None:
    """The call ends in `Unavailable`, and tells nothing of what was asked or with what."""
    with pytest.raises(Refusal, match=because) as caught:
        call(idp)
    assert isinstance(caught.value, Unavailable)
    for told in (caught.value.reason, str(caught.value.__cause__)):
        assert TOKEN not in told
        assert SECRET not in told


def head(request: bytes) -> tuple[str, dict[str, str], dict[str, list[str]]]:
    """Request line, header fields and form of what a door was asked."""
    shown, _, body = request.decode().partition("\r\n\r\n")
    first, *lines = shown.split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first, fields, parse_qs(body)


class TestQuestions:
    def test_introspection_shows_the_token_in_the_body_and_our_secret(self, place: Place) -> None:
        with answering(place, YES) as (idp, door):
            assert idp.introspect(TOKEN) == {"active": True}
        first, fields, form = head(door.requests[0])
        assert first == "POST /introspect HTTP/1.1"
        assert form == {"token": [TOKEN], "token_type_hint": ["access_token"]}
        assert base64.b64decode(fields["authorization"].removeprefix("Basic ")).decode() == f"orders:{SECRET}"

    def test_a_token_cannot_add_parameters_to_the_question(self, place: Place) -> None:
        with answering(place, YES) as (idp, door):
            idp.introspect("a&token=b&client_id=c+%26=\r\n")
        assert head(door.requests[0])[2]["token"] == ["a&token=b&client_id=c+%26=\r\n"]

    def test_a_changed_secret_is_used_at_the_next_question(self, place: Place) -> None:
        secret = place.directory / "orders/secrets/client_secret"
        try:
            with answering(place, YES) as (idp, door):
                idp.introspect(TOKEN)
                secret.write_text("the-next-secret\n")
                idp.introspect(TOKEN)
        finally:
            secret.write_text(f"{SECRET}\n")
        shown = [head(request)[1]["authorization"].removeprefix("Basic ") for request in door.requests]
        assert [base64.b64decode(one).decode() for one in shown] == [f"orders:{SECRET}", "orders:the-next-secret"]

    def test_the_keys_are_asked_for_without_any_credential(self, place: Place) -> None:
        with answering(place, http("200 OK", b'{"keys": []}')) as (idp, door), pytest.raises(Refusal):
            idp.keys.find("any")
        first, fields, _ = head(door.requests[0])
        assert first == "GET /jwks HTTP/1.1"
        assert not {"authorization", "cookie"} & fields.keys()

    def test_an_exchange_is_authenticated_by_our_certificate_and_by_no_secret(self, place: Place) -> None:
        seen: list[bytes | None] = []

        def answer(_: bytes, connection: socket.socket) -> bool:
            assert isinstance(connection, ssl.SSLSocket)
            seen.append(connection.getpeercert(binary_form=True))
            connection.sendall(http("200 OK", json.dumps(EXCHANGED).encode()))
            return True

        with answering(place, answer) as (idp, door):
            assert exchange(idp) == "new-token"
        first, fields, form = head(door.requests[0])
        assert first == "POST /token HTTP/1.1"
        assert form == {
            "grant_type": [TOKEN_EXCHANGE],
            "client_id": ["orders"],
            "subject_token": [TOKEN],
            "subject_token_type": [ACCESS_TOKEN],
            "audience": ["billing"],
        }
        assert "authorization" not in fields
        assert seen[0] is not None
        assert tls.peer_of(seen[0]).name == "orders"

    def test_no_other_question_shows_our_certificate(self, place: Place) -> None:
        seen: list[bytes | None] = []

        def answer(_: bytes, connection: socket.socket) -> bool:
            assert isinstance(connection, ssl.SSLSocket)
            seen.append(connection.getpeercert(binary_form=True))
            connection.sendall(YES)
            return True

        with answering(place, answer) as (idp, _):
            idp.introspect(TOKEN)
        assert seen == [None]

    def test_each_token_is_asked_about_each_time(self, place: Place) -> None:
        with answering(place, YES) as (idp, door):
            for _ in range(3):
                idp.introspect(TOKEN)
        assert len(door.requests) == 3
        assert door.connections == 1

    def test_one_users_question_leaves_nothing_for_the_next(self, place: Place) -> None:
        cookie = "Set-Cookie: user=alice; Path=/; Secure"
        with answering(place, http("200 OK", b'{"active": true}', cookie)) as (idp, door):
            idp.introspect(TOKEN)
            idp.introspect("another")
        assert "cookie" not in head(door.requests[1])[1]

    def test_a_question_is_counted_and_traced_on_the_request_that_caused_it(self, place: Place) -> None:
        app = flask.Flask(__name__)
        audit.install(app, "orders")
        traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
        with answering(place, YES) as (idp, door), app.test_request_context(headers={"traceparent": traceparent}):
            app.preprocess_request()
            idp.introspect(TOKEN)
            idp.introspect(TOKEN)
            assert flask.g.idp_calls == 2
            assert {head(request)[1]["traceparent"] for request in door.requests} == {audit.traceparent()}
        assert head(door.requests[0])[1]["traceparent"].startswith(f"00-{'a' * 32}-")

    def test_outside_of_a_request_there_is_no_trace(self, place: Place) -> None:
        with answering(place, YES) as (idp, door):
            idp.introspect(TOKEN)
        assert "traceparent" not in head(door.requests[0])[1]


class TestUsedAgain:
    """With `cache_seconds`, an answer counts for so long and not longer; without, as above, for one request."""

    @pytest.fixture
    def now(self) -> list[float]:
        """The time, to be moved by hand."""
        return [1000.0]

    @contextmanager
    def patient(
        self, place: Place, answer: dict[str, Any], now: list[float], seconds: float = 5.0
    ) -> Iterator[tuple[IdentityProvider, Door]]:
        context = tls.server_context(place.directory / "idp/tls", "optional")
        with Door(says(http("200 OK", json.dumps(answer).encode())), context) as door:
            yield IdentityProvider(place.settings(door.url, cache_seconds=seconds), lambda: now[0]), door

    def test_an_active_token_is_not_asked_about_again_so_soon(self, place: Place, now: list[float]) -> None:
        with self.patient(place, {"active": True}, now) as (idp, door):
            for _ in range(3):
                assert idp.introspect(TOKEN) == {"active": True}
                now[0] += 1.6
            assert len(door.requests) == 1
            now[0] += 0.2
            idp.introspect(TOKEN)
        assert len(door.requests) == 2

    def test_another_token_is(self, place: Place, now: list[float]) -> None:
        with self.patient(place, {"active": True}, now) as (idp, door):
            idp.introspect(TOKEN)
            idp.introspect(TOKEN + "2")
        assert len(door.requests) == 2

    @pytest.mark.parametrize("active", [False, 1, "true", None])
    def test_what_is_not_active_is_asked_about_each_time(self, place: Place, now: list[float], active: object) -> None:
        with self.patient(place, {"active": active}, now) as (idp, door):
            idp.introspect(TOKEN)
            idp.introspect(TOKEN)
        assert len(door.requests) == 2

    def test_an_exchanged_token_is_shown_again_to_the_same_service(self, place: Place, now: list[float]) -> None:
        with self.patient(place, EXCHANGED, now) as (idp, door):
            assert exchange(idp) == exchange(idp) == "new-token"
        assert len(door.requests) == 1

    def test_but_not_to_another_nor_for_another_token_nor_with_another_certificate(
        self, place: Place, now: list[float]
    ) -> None:
        leaf = place.settings("https://unused").leaf
        renewed = tls.client_context(place.directory / "orders/tls/bundle.pem", leaf)
        with self.patient(place, EXCHANGED, now) as (idp, door):
            exchange(idp)
            idp.exchange(TOKEN, "inventory", leaf)
            idp.exchange(TOKEN + "2", "billing", leaf)
            idp.exchange(TOKEN, "billing", renewed)
        assert len(door.requests) == 4

    @pytest.mark.parametrize(("lives", "asked"), [(12, 2), (10, 3), (0, 3), (None, 3), ("60", 3), (60, 1)])
    def test_it_is_not_shown_when_it_may_end_on_its_way(
        self, place: Place, now: list[float], lives: object, asked: int
    ) -> None:
        with self.patient(place, {**EXCHANGED, "expires_in": lives}, now) as (idp, door):
            for _ in range(3):
                exchange(idp)
                now[0] += 1.5
        assert len(door.requests) == asked


def _redirect(status: str) -> bytes:
    return http(status, b'{"active": true}', "Location: /elsewhere")


def _chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


LONG = b'{"active": true, "x": "' + b"x" * 10_000_000 + b'"}'

ANSWERS: dict[str, tuple[bytes, str]] = {
    "500 JSON": (http("500 Internal Server Error", b'{"active": true}'), "500"),
    "500 HTML": (http("500 Internal Server Error", b"<h1>Oops</h1>", media_type="text/html"), "500"),
    "503": (http("503 Service Unavailable", b'{"active": true}', "Retry-After: 0"), "503"),
    "502": (http("502 Bad Gateway", b'{"active": true}'), "502"),
    "429": (http("429 Too Many Requests", b'{"active": true}'), "429"),
    "404": (http("404 Not Found", b'{"active": true}'), "404"),
    "403": (http("403 Forbidden", b'{"active": true}'), "403"),
    "401": (http("401 Unauthorized", b'{"error": "invalid_client"}', "WWW-Authenticate: Basic"), "401"),
    "407": (http("407 Proxy Authentication Required", b'{"active": true}'), "407"),
    "201": (http("201 Created", b'{"active": true}'), "201"),
    "202": (http("202 Accepted", b'{"active": true}'), "202"),
    "206": (http("206 Partial Content", b'{"active": true}'), "206"),
    "299": (http("299 Fine", b'{"active": true}'), "299"),
    "304": (http("304 Not Modified"), "304"),
    "204": (http("204 No Content"), "204"),
    "301": (_redirect("301 Moved Permanently"), "Redirects|301"),
    "302": (_redirect("302 Found"), "Redirects|302"),
    "303": (_redirect("303 See Other"), "Redirects|303"),
    "307": (_redirect("307 Temporary Redirect"), "Redirects|307"),
    "308": (_redirect("308 Permanent Redirect"), "Redirects|308"),
    "300": (_redirect("300 Multiple Choices"), "300"),
    "HTML": (http("200 OK", b"<!doctype html><title>active: true</title>", media_type="text/html"), "without JSON"),
    "HTML said to be JSON": (http("200 OK", b"<p>true</p>"), "without JSON"),
    "empty": (http("200 OK", b""), "without JSON"),
    "white space": (http("200 OK", b" \n"), "without JSON"),
    "cut JSON": (http("200 OK", b'{"active": tr'), "without JSON"),
    "two objects": (http("200 OK", b'{"active": true}{}'), "without JSON"),
    "form encoded": (http("200 OK", b"active=true&token_type=Bearer"), "without JSON"),
    "not UTF-8": (http("200 OK", b'{"active": true, "x": "\xff"}'), "without JSON"),
    "active twice": (http("200 OK", b'{"active": false, "active": true}'), "without JSON"),
    "keys twice": (http("200 OK", b'{"keys": [], "keys": []}'), "without JSON"),
    "NaN": (http("200 OK", b'{"active": true, "exp": NaN}'), "without JSON"),
    "UTF-16": (http("200 OK", '{"active": true}'.encode("utf-16")), "without JSON"),
    "byte order mark": (http("200 OK", b'\xff\xfe{"active": true}'), "without JSON"),
    "deep arrays": (http("200 OK", b"[" * 60_000), "without JSON"),
    "deep objects": (http("200 OK", b'{"a":' * 12_000), "without JSON"),
    "a number of many digits": (http("200 OK", b"9" * 60_000), "without JSON"),
    "list": (http("200 OK", b"[]"), "not an object"),
    "list of an object": (http("200 OK", b'[{"active": true}]'), "not an object"),
    "string": (http("200 OK", b'"active"'), "not an object"),
    "true": (http("200 OK", b"true"), "not an object"),
    "null": (http("200 OK", b"null"), "not an object"),
    "number": (http("200 OK", b"1"), "not an object"),
    "one octet too many": (http("200 OK", b'{"active": true}'.ljust(MAX_ANSWER + 1)), "too large"),
    "10 MB": (http("200 OK", LONG), "too large"),
    "10 MB in chunks": (_chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(LONG), LONG)), "too large"),
    "10 MB squeezed": (http("200 OK", gzip.compress(LONG), "Content-Encoding: gzip"), "too large"),
    "10 MB of error": (http("400 Bad Request", LONG), "too large"),
    "nothing at all": (b"", "does not answer"),
    "not HTTP": (b"\0\1\2\3 hello\r\n\r\n", "does not answer"),
    "another protocol": (b"220 mail.example.test ESMTP\r\n", "does not answer"),
    "a bad status": (b"HTTP/1.1 abc OK\r\n\r\n{}", "does not answer"),
    "half a status line": (b"HTTP/1.1 2", "does not answer"),
    "endless header": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "does not answer"),
    "a thousand headers": (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000, "does not answer"),
    "body cut short": (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"active": true}', "does not answer"),
    "error cut short": (b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{}", "does not answer"),
    "chunks cut short": (_chunked(b'10\r\n{"active": true}\r\n'), "does not answer"),
    "a chunk cut short": (_chunked(b'ff\r\n{"active": true}'), "does not answer"),
    "a chunk of no length": (_chunked(b'xyz\r\n{"active": true}\r\n0\r\n\r\n'), "does not answer"),
    "not gzip": (http("200 OK", b'{"active": true}', "Content-Encoding: gzip"), "does not answer"),
    "gzip cut short": (
        http("200 OK", gzip.compress(b'{"active": true}')[:-12], "Content-Encoding: gzip"),
        "does not answer|without JSON",
    ),
}


class TestAnswers:
    @pytest.mark.parametrize(("answer", "because"), ANSWERS.values(), ids=ANSWERS)
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_any_answer_but_a_whole_json_object_with_status_200_means_we_cannot_tell(
        self, place: Place, call: Callable[[IdentityProvider], Any], answer: bytes, because: str
    ) -> None:
        with answering(place, says(answer, then_closes=True)) as (idp, door):
            unanswered(idp, call, because)
        assert len(door.requests) == (1 if answer else 2)  # what was answered is not asked again; no redirect followed

    def test_an_answer_of_the_largest_size_is_read(self, place: Place) -> None:
        with answering(place, http("200 OK", b'{"active": true}'.ljust(MAX_ANSWER))) as (idp, _):
            assert idp.introspect(TOKEN) == {"active": True}

    def test_a_squeezed_answer_is_read(self, place: Place) -> None:
        squeezed = http("200 OK", gzip.compress(b'{"active": true}'), "Content-Encoding: gzip")
        with answering(place, squeezed) as (idp, _):
            assert idp.introspect(TOKEN) == {"active": True}

    def test_a_redirect_to_another_server_is_not_followed(self, place: Place) -> None:
        with Door(says(YES)) as other, answering(place, b"") as (idp, door):
            for status in ("302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
                door.answer = says(http(status, b"{}", f"Location: {other.url}/introspect"))
                for call in CALLS.values():
                    unanswered(idp, call)
        assert other.connections == 0

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"'])
    def test_an_idp_that_takes_too_long_is_not_waited_for(
        self, place: Place, call: Callable[[IdentityProvider], Any], sent: bytes
    ) -> None:
        def stall(_: bytes, connection: socket.socket) -> bool:
            connection.sendall(sent)
            connection.recv(1)  # until the client has had enough
            return False

        began = time.monotonic()
        with answering(place, stall, timeout=0.2) as (idp, _):
            unanswered(idp, call, "does not answer")
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_while_it_says_nothing_one_waits_for_it_and_the_others_are_told_at_once(
        self, place: Place, call: Callable[[IdentityProvider], Any]
    ) -> None:
        """Whether they would ask for themselves, or for the answer to what somebody else has asked."""
        asked, enough = threading.Semaphore(0), threading.Event()

        def silent(_: bytes, connection: socket.socket) -> bool:
            asked.release()
            enough.wait(5)
            return False

        with answering(place, silent, timeout=0.3) as (idp, _), ThreadPoolExecutor(1) as pool:
            unanswered(idp, call, "does not answer in time")
            assert asked.acquire(timeout=5)
            idp._settings = idp._settings.model_copy(update={"timeout": 5.0})
            one = pool.submit(unanswered, idp, call, "does not answer")
            assert asked.acquire(timeout=5)
            unanswered(idp, call, "others wait for it")
            assert not asked.acquire(blocking=False)
            enough.set()
            one.result(10)

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_a_request_that_has_had_its_time_asks_no_more(
        self, place: Place, call: Callable[[IdentityProvider], Any]
    ) -> None:
        app = flask.Flask("orders")
        audit.install(app, "orders")
        with answering(place, YES) as (idp, door), app.test_request_context():
            app.preprocess_request()
            flask.g.began -= idp._settings.budget
            unanswered(idp, call)
        assert door.requests == []

    @pytest.mark.parametrize("error", ["invalid_request", "invalid_grant"])
    def test_a_token_that_is_not_exchanged_is_our_callers_and_no_good(self, place: Place, error: str) -> None:
        no = http("400 Bad Request", json.dumps({"error": error}).encode())
        with answering(place, no) as (idp, _), pytest.raises(Unauthenticated, match=error) as refused:
            exchange(idp)
        assert refused.value.error == "invalid_token"

    @pytest.mark.parametrize("error", ["unauthorized_client", "invalid_target", "invalid_scope", None])
    def test_any_other_refusal_of_an_exchange_is_not_our_callers_fault(self, place: Place, error: str | None) -> None:
        no = http("400 Bad Request", json.dumps({"error": error}).encode())
        with answering(place, no) as (idp, _), pytest.raises(NoCredentials, match=str(error)):
            exchange(idp)

    @pytest.mark.parametrize("name", ["introspect", "keys"])
    def test_any_other_question_that_the_idp_finds_wrong_has_no_answer(self, place: Place, name: str) -> None:
        with answering(place, http("400 Bad Request", b'{"error": "invalid_request"}')) as (idp, _):
            unanswered(idp, CALLS[name])

    @pytest.mark.parametrize(
        "changes",
        [
            *({"issued_token_type": None}, {"issued_token_type": "Bearer"}, {"issued_token_type": [ACCESS_TOKEN]}),
            {"issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            {"issued_token_type": "urn:ietf:params:oauth:token-type:id_token"},
            *({"access_token": None}, {"access_token": 1}, {"access_token": ["new"]}, {"access_token": {}}),
            {"access_token": True},
        ],
        ids=str,
    )
    def test_an_exchange_answered_with_something_else_makes_no_sense(
        self, place: Place, changes: dict[str, Any]
    ) -> None:
        with answering(place, http("200 OK", json.dumps(EXCHANGED | changes).encode())) as (idp, _):
            unanswered(idp, CALLS["exchange"], "makes no sense")

    @pytest.mark.parametrize("missing", ["access_token", "issued_token_type"])
    def test_an_exchange_answered_in_part_makes_no_sense(self, place: Place, missing: str) -> None:
        said = {name: value for name, value in EXCHANGED.items() if name != missing}
        with answering(place, http("200 OK", json.dumps(said).encode())) as (idp, _):
            unanswered(idp, CALLS["exchange"], "makes no sense")


class TestConnections:
    @pytest.mark.parametrize("name", ["introspect", "exchange"])
    def test_a_kept_alive_connection_that_was_closed_is_tried_again_once(self, place: Place, name: str) -> None:
        good = {"active": True, "access_token": "new-token", "issued_token_type": ACCESS_TOKEN}
        answer, seen = http("200 OK", json.dumps(good).encode()), []

        def closing_the_second_time(_: bytes, connection: socket.socket) -> bool:
            seen.append(connection)
            if len(seen) == 2:
                return False
            connection.sendall(answer)
            return True

        with answering(place, closing_the_second_time) as (idp, _):
            assert CALLS[name](idp) == CALLS[name](idp)
        assert len(seen) == 3


class TestTransport:
    """The token and the secret go to the IdP that our CA names, or nowhere."""

    IMPOSTORS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "another CA": ("idp", {"other_ca": True}),
        "self-signed": ("idp", {"self_signed": True}),
        "another service": ("orders", {}),
        "another service under the IdP's DNS name": ("orders", {"dns": ("idp",)}),
        "the IdP's SPIFFE ID under another DNS name": ("idp", {"dns": ("evil",)}),
        "no SPIFFE ID": ("idp", {"no_uri": True}),
        "two SPIFFE IDs": ("idp", {"two_names": True}),
        "expired": ("idp", {"expired": True}),
        "not for servers": ("idp", {"client_only": True}),
    }

    def test_an_impostor_is_told_nothing(self, place: Place, tmp_path: Path) -> None:
        for name, (whose, wrong) in self.IMPOSTORS.items():
            shown = forge(place.ca, whose, into=tmp_path / name, **wrong).cert
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*shown)
            with Door(says(YES), context) as door:
                idp = IdentityProvider(place.settings(door.url))
                for call in CALLS.values():
                    unanswered(idp, call, "does not answer")
            assert door.requests == [], name
            assert door.connections >= len(CALLS), name

    def test_a_revoked_idp_is_told_nothing(self, tmp_path: Path) -> None:
        ca = CA.create(tmp_path / "ca")
        ca.issue("idp", into=tmp_path / "idp/tls")
        ca.issue("orders", into=tmp_path / "orders/tls")
        context = tls.server_context(tmp_path / "idp/tls", "none")
        ca.revoke("idp")
        ca.publish()
        made = Place(tmp_path, ca)
        with Door(says(YES), context) as door:
            idp = IdentityProvider(made.settings(door.url))
            (tmp_path / "orders/secrets/client_secret").write_text(SECRET)
            for call in CALLS.values():
                unanswered(idp, call, "does not answer: .*certificate revoked")
        assert door.requests == []

    def test_tls_older_than_ours_is_told_nothing(self, place: Place) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(place.directory / "idp/tls/leaf.pem", place.directory / "idp/tls/key.pem")
        with Door(says(YES), context) as door:
            unanswered(IdentityProvider(place.settings(door.url)), CALLS["introspect"], "does not answer")
        assert door.requests == []

    def test_a_server_without_tls_is_told_nothing(self, place: Place) -> None:
        with Door(says(YES)) as door:
            idp = IdentityProvider(place.settings(f"https://127.0.0.1:{door.port}", timeout=0.2))
            for call in CALLS.values():
                unanswered(idp, call, "does not answer")
        assert not any(TOKEN.encode() in request for request in door.requests)

    def test_nobody_at_all_does_not_answer(self, place: Place) -> None:
        with nobody() as port:
            for call in CALLS.values():
                unanswered(IdentityProvider(place.settings(f"https://127.0.0.1:{port}")), call, "NewConnectionError")

    def test_a_host_that_nobody_knows_does_not_answer(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: Any, **__: Any) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        unanswered(IdentityProvider(place.settings("https://idp.test:9443")), CALLS["introspect"], "does not answer")

    def test_without_our_own_certificate_there_is_no_exchange(self, tmp_path: Path, place: Place) -> None:
        alone = settings(tmp_path, "orders", "zerotrust", issuer="https://127.0.0.1:9")
        for name in ("bundle.pem", "crl.pem"):
            (tmp_path / "orders/tls" / name).write_bytes((place.directory / "orders/tls" / name).read_bytes())
        unanswered(IdentityProvider(alone), CALLS["exchange"], "FileNotFoundError")

    def test_without_a_trust_bundle_nobody_is_asked(self, tmp_path: Path) -> None:
        alone = settings(tmp_path, "orders", issuer="https://127.0.0.1:9")
        unanswered(IdentityProvider(alone), CALLS["keys"], "FileNotFoundError")

    def test_another_host_of_the_same_beginning_is_not_the_idp(self, place: Place) -> None:
        with answering(place, YES) as (idp, door):
            other = IdentityProvider(place.settings(door.url.replace("127.0.0.1", "127.0.0.2")))
            assert idp.introspect(TOKEN) == {"active": True}
            unanswered(other, CALLS["introspect"], "does not answer")


class TestLoggingIn:
    """Who is not the IdP is told nothing of a log-in either (ASVS 12.3.2, 12.3.4)."""

    IMPOSTORS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        **TestTransport.IMPOSTORS,
        "another service under the issuer's DNS name": ("orders", {"dns": ("idp", "localhost")}),
    }
    CALLS: ClassVar[dict[str, Callable[[RelyingParty], Any]]] = {
        "where to log in": lambda party: party.redirect(),
        "a code": lambda party: party.finish(),
        "a refresh token": lambda party: party.access_token(Session("alice", refresh_token=TOKEN)),
    }

    @pytest.fixture(scope="module")
    @classmethod
    def gateway(cls, place: Place) -> Place:
        (place.settings("https://unused").dir / "gateway/secrets").mkdir(parents=True)
        (place.directory / "gateway/secrets/client_secret").write_text(SECRET)
        place.ca.issue("gateway", into=place.directory / "gateway/tls")
        return place

    @pytest.mark.parametrize("impostor", IMPOSTORS)
    def test_an_impostor_is_told_nothing(self, gateway: Place, tmp_path: Path, impostor: str) -> None:
        whose, wrong = self.IMPOSTORS[impostor]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*forge(gateway.ca, whose, into=tmp_path / "shown", **wrong).cert)
        app = flask.Flask("gateway")
        app.secret_key = "a key for tests alone"
        with Door(says(YES), context) as door:
            issuer = door.url.replace("127.0.0.1", "localhost")
            party = RelyingParty(app, settings(gateway.directory, "gateway", "oauth2", issuer=issuer, timeout=5.0))
            for call in self.CALLS.values():
                coming_back = {"iss": issuer, "code": TOKEN, "state": "s"}
                with (
                    app.test_request_context("/callback", query_string=coming_back),
                    pytest.raises(Unavailable, match="does not answer"),
                ):
                    call(party)
        assert door.requests == []
        assert door.connections >= len(self.CALLS)

    def test_while_the_idp_says_nothing_one_waits_for_it_and_the_others_are_told_at_once(self, gateway: Place) -> None:
        asked, enough = threading.Semaphore(0), threading.Event()

        def silent(_: bytes, connection: socket.socket) -> bool:
            asked.release()
            enough.wait(5)
            return False

        app = flask.Flask("gateway")
        app.secret_key = "a key for tests alone"
        with Door(silent, tls.server_context(gateway.directory / "idp/tls", "none")) as door:
            told = settings(gateway.directory, "gateway", "oauth2", issuer=door.url, timeout=0.3)
            party = RelyingParty(app, told)

            def log_in(because: str) -> None:
                with app.test_request_context("/login"), pytest.raises(Unavailable, match=because):
                    party.redirect()

            log_in("does not answer")
            assert asked.acquire(timeout=5)
            told.__dict__["timeout"] = 5.0  # it is frozen for everybody else
            with ThreadPoolExecutor(1) as pool:
                one = pool.submit(log_in, "does not answer")
                assert asked.acquire(timeout=5)
                log_in("others wait for it")
                enough.set()
                one.result(5)
        assert len(door.requests) == 2
