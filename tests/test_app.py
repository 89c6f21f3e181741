"""Where pattern, policy and views meet: nothing runs unguarded, and a refusal says what its RFC asks for, no more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import flask
import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import TooManyRequests
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

import certs
from certs.forge import forge
from services import audit, tls
from services.app import UndeclaredView, create_app, identity, open_to_all, requires
from services.identity import (
    Forbidden,
    Identity,
    Malformed,
    NoCredentials,
    Refusal,
    StoreUnavailable,
    Unauthenticated,
    Unavailable,
)
from services.problems import Problem
from services.settings import PatternName, ServiceName
from tests import support
from tests.support import basic, bearer

ALICE = Identity("gateway", "alice", frozenset({"orders:read"}), "signature", "a token", "s3cret")
BASIC, BEARER = 'Basic realm="shop", charset="UTF-8"', 'Bearer realm="shop"'
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
Authenticate = Callable[[flask.Request], Identity]


def toy(ran: list[str]) -> flask.Blueprint:
    """Views that tell when they run, and fail in every way."""
    views = flask.Blueprint("toy", __name__)

    @views.get("/orders")
    @requires("orders:read")
    def show() -> dict[str, str | None]:
        ran.append("show")
        return {"user": identity().user}

    @views.post("/orders")
    @requires("orders:write")
    def write() -> dict[str, int]:
        ran.append("write")
        return {"length": len(flask.request.get_data())}

    @views.get("/open")
    @open_to_all
    def everybodys() -> dict[str, bool]:
        ran.append("open")
        return {"identity": "identity" in flask.g}

    @views.get("/fails/<how>")
    @open_to_all
    def fails(how: str) -> str:
        raise FAILURES[how]

    return views


FAILURES: dict[str, Exception] = {
    "problem": Problem(409, "Conflict", "there is not enough", left=1),
    "store": StoreUnavailable("the store does not answer"),
    "bug": RuntimeError("password=hunter2 in /srv/app.py"),
    "guesses": TooManyRequests("secret reason", retry_after=7),
    "downstream": NoCredentials("billing does not accept what we present"),
}


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def app(tmp_path: Path, ran: list[str]) -> Callable[..., flask.Flask]:
    """Makes a service of the toy views, behind a guard that sees whom it is told to."""

    def made(
        found: Identity | Exception = ALICE,
        pattern: PatternName = "perimeter",
        service: ServiceName = "orders",
        challenge: str | None = None,
        ready: Callable[[], None] = lambda: None,
    ) -> flask.Flask:
        def authenticate(_: flask.Request) -> Identity:
            ran.append("authenticate")
            if isinstance(found, Exception):
                raise found
            return found

        return create_app(support.settings(tmp_path, service, pattern), toy(ran), ready, authenticate, challenge)

    return made


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The audit lines since the last time, each of them one JSON object on one line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


Lines = Callable[[], list[dict[str, Any]]]
Make = Callable[..., flask.Flask]


def send(app: flask.Flask, environ: dict[str, Any]) -> flask.Response:
    """The answer to exactly this, without the tidying that a well-meaning test client does."""
    body, status, headers = run_wsgi_app(app, environ, buffered=True)
    return flask.Response(body, status, headers)


def get(
    app: flask.Flask, path: str = "/orders", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> flask.Response:
    path, _, query = path.partition("?")
    environ = EnvironBuilder("/", "http://orders", headers=Headers(headers or {})).get_environ()
    return send(app, environ | {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query})


def with_host(app: flask.Flask, host: str | None) -> flask.Response:
    """The answer to a request whose Host line holds exactly this."""
    environ = EnvironBuilder("/open").get_environ()
    del environ["HTTP_HOST"]
    return send(app, environ if host is None else environ | {"HTTP_HOST": host.encode().decode("latin-1")})


class TestTheGuard:
    @pytest.mark.parametrize("pattern", ["perimeter", "mtls", "jwt"])
    def test_a_view_that_declares_nothing_keeps_the_service_from_starting(
        self, tmp_path: Path, ran: list[str], pattern: PatternName
    ) -> None:
        views = toy(ran)
        views.add_url_rule("/forgotten", "forgotten", lambda: "secret")
        with pytest.raises(UndeclaredView, match=r"on: toy\.forgotten"):
            create_app(support.settings(tmp_path, pattern=pattern), views, lambda: None)

    def test_a_view_cannot_require_what_is_not_in_the_table(self) -> None:
        with pytest.raises(KeyError):
            requires("orders:eat")

    def test_there_are_no_files_to_serve(self, app: Make) -> None:
        assert "static" not in app().view_functions

    def test_the_view_runs_after_the_caller_is_named(self, app: Make, ran: list[str]) -> None:
        assert get(app()).json == {"user": "alice"}
        assert ran == ["authenticate", "show"]

    @pytest.mark.parametrize("refusal", [Unauthenticated("no"), Malformed("no"), Forbidden("no"), Unavailable("no")])
    def test_no_view_runs_for_whom_the_pattern_refuses(self, app: Make, ran: list[str], refusal: Refusal) -> None:
        assert get(app(refusal)).status_code == refusal.status
        assert ran == ["authenticate"]

    def test_no_view_runs_for_whom_the_policy_refuses(self, app: Make, ran: list[str]) -> None:
        assert get(app(), method="POST").status_code == 403
        assert ran == ["authenticate"]

    def test_no_view_runs_when_the_guard_itself_fails(self, app: Make, ran: list[str]) -> None:
        assert get(app(ValueError("a bug"))).status_code == 500
        assert ran == ["authenticate"]

    def test_an_open_view_asks_nobody(self, app: Make, ran: list[str]) -> None:
        assert get(app(Unauthenticated("no")), "/open").json == {"identity": False}
        assert ran == ["open"]

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_methods_that_flask_adds_are_guarded_too(self, app: Make, ran: list[str], method: str) -> None:
        assert get(app(Unauthenticated("no")), method=method).status_code == 401
        assert ran == ["authenticate"]

    @pytest.mark.parametrize(
        "path", ["/missing", "/fails//problem", "/orders/", "/./orders", "/Orders", "/orders;a=b", "/static/a"]
    )
    def test_a_path_that_leads_nowhere_says_so_only_to_whom_is_known(self, app: Make, path: str) -> None:
        assert get(app(Unauthenticated("no")), path).status_code == 401
        assert get(app(), path).status_code == 404

    @pytest.mark.parametrize("path", ["//orders", "///orders"])
    def test_slashes_before_a_path_lead_round_nothing(self, app: Make, ran: list[str], path: str) -> None:
        """Werkzeug takes them away, here and in `request.path`: it is the same view, behind the same guard."""
        assert get(app(Unauthenticated("no")), path).status_code == 401
        assert ran == ["authenticate"]
        assert get(app(), path).json == {"user": "alice"}

    @pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "BREW"])
    def test_a_method_that_is_not_offered_is_405_with_those_that_are(self, app: Make, method: str) -> None:
        assert get(app(Unauthenticated("no")), method=method).status_code == 401
        answer = get(app(), method=method)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_a_header_does_not_change_the_method(self, app: Make, ran: list[str], name: str) -> None:
        assert get(app(), headers={name: "POST"}).status_code == 200
        assert ran == ["authenticate", "show"]

    @pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL"])
    def test_a_header_does_not_change_the_path(self, app: Make, ran: list[str], name: str) -> None:
        assert get(app(), "/open", {name: "/orders"}).status_code == 200
        assert ran == ["open"]

    @pytest.mark.parametrize("pattern", ["basic", "subsystem", "oauth2", "jwt"])
    def test_without_a_guard_told_the_pattern_asks(self, tmp_path: Path, ran: list[str], pattern: PatternName) -> None:
        made = create_app(support.settings(tmp_path, pattern=pattern), toy(ran), lambda: None)
        answer = get(made)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith(("Basic realm=", "Bearer realm="))
        assert ran == []


class TestTheHost:
    @pytest.mark.parametrize(
        "host",
        ["orders", "orders:8101", "ORDERS", "localhost", "localhost:8443", "127.0.0.1:8101", "[::1]:8101", "[::1]"],
    )
    def test_a_request_for_us_is_served(self, app: Make, host: str) -> None:
        assert with_host(app(), host).status_code == 200

    @pytest.mark.parametrize(
        ("target", "status"), [("http://evil.test/a", 421), ("http://orders:8101/a", 200), ("//evil.test/a", 200)]
    )
    def test_in_absolute_form_the_targets_host_counts(self, app: Make, target: str, status: int) -> None:
        told = app().test_client().get("/healthz", headers={"Host": "orders"}, environ_overrides={"RAW_URI": target})
        assert told.status_code == status

    @pytest.mark.parametrize("host", [None, "", "orders,orders", "orders, evil.test", "evil.test,orders"])
    def test_a_request_without_exactly_one_host_is_400(self, app: Make, host: str | None) -> None:
        assert with_host(app(), host).status_code == 400

    @pytest.mark.parametrize(
        "host",
        [
            "evil.test",
            "orders.evil.test",
            "xorders",
            "billing",
            "orders.",
            "127.0.0.2",
            "localhost.evil.test",
            "169.254.169.254",
        ],
    )
    def test_a_request_for_somebody_else_is_misdirected(self, app: Make, host: str) -> None:
        assert with_host(app(), host).status_code == 421

    @pytest.mark.parametrize(
        "host",
        [
            "orders:",
            "orders:x",
            "orders:123456",
            "orders:80:80",
            "orders\n",
            "orders:80\n",
            "[::1",
            "a b",
            "user@orders",
            "ö",
            "/",
        ],
    )
    def test_a_host_that_is_none_is_refused_and_breaks_nothing(self, app: Make, host: str) -> None:
        assert with_host(app(), host).status_code in {400, 421}

    @pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "Forwarded"])
    def test_no_other_header_names_the_host(self, app: Make, name: str) -> None:
        assert get(app(), "/open", {name: "evil.test"}).status_code == 200

    def test_a_foreign_host_is_refused_before_anybody_is_asked(self, app: Make, ran: list[str]) -> None:
        assert Client(app()).get("/orders", headers={"Host": "evil.test"}).status_code == 421
        assert ran == []


WANTED: dict[str, tuple[PatternName, Exception, int, str | None]] = {
    # RFC 6750 §3.1: no error code when no credential was shown
    "Bearer, none shown": ("jwt", Unauthenticated("r"), 401, BEARER),
    "Bearer, bad": ("jwt", Unauthenticated("r", error="invalid_token"), 401, f'{BEARER}, error="invalid_token"'),
    "Bearer, two": ("jwt", Malformed("r", error="invalid_request"), 400, f'{BEARER}, error="invalid_request"'),
    "Bearer, malformed otherwise": ("jwt", Malformed("r"), 400, None),
    "Bearer, scope": (
        "jwt",
        Forbidden("r", error="insufficient_scope", scope="orders:read"),
        403,
        f'{BEARER}, error="insufficient_scope", scope="orders:read"',
    ),
    "Bearer, not granted": ("jwt", Forbidden("r"), 403, None),
    "Bearer, outage": ("jwt", Unavailable("r"), 503, None),
    # RFC 7617 §2: always realm and charset, never an error code
    "Basic, none shown": ("basic", Unauthenticated("r"), 401, BASIC),
    "Basic, bad": ("basic", Unauthenticated("r", error="invalid_token"), 401, BASIC),
    "Basic, two": ("basic", Malformed("r", error="invalid_request"), 400, None),
    "Basic, scope": ("basic", Forbidden("r", error="insufficient_scope", scope="orders:read"), 403, None),
    "services' Basic": ("subsystem", Unauthenticated("r"), 401, 'Basic realm="shop services", charset="UTF-8"'),
    "mTLS": ("mtls", Forbidden("r"), 403, None),
    "mTLS, 401": ("mtls", Unauthenticated("r"), 401, None),
    "downstream": ("jwt", NoCredentials("r"), 502, None),
}


@pytest.mark.parametrize(("pattern", "refusal", "status", "challenge"), WANTED.values(), ids=WANTED)
def test_a_refusal_carries_exactly_the_challenge_that_is_due(
    app: Make, pattern: PatternName, refusal: Refusal, status: int, challenge: str | None
) -> None:
    answer = get(app(refusal, pattern))
    assert answer.status_code == status
    assert answer.headers.getlist("WWW-Authenticate") == ([challenge] if challenge else [])


def test_the_gateway_challenges_as_its_edge_does(app: Make) -> None:
    made = app(Unauthenticated("r"), "mtls", "gateway", challenge=BASIC)
    assert Client(made).get("/orders", base_url="https://localhost:8443").headers["WWW-Authenticate"] == BASIC


class TestProblemDocuments:
    @pytest.mark.parametrize(
        ("status", "answer"),
        [
            (401, lambda app: get(app(Unauthenticated("r")))),
            (403, lambda app: get(app(Forbidden("r")))),
            (404, lambda app: get(app(), "/missing")),
            (405, lambda app: get(app(), method="DELETE")),
            (409, lambda app: get(app(), "/fails/problem")),
            (421, lambda app: with_host(app(), "evil.test")),
            (429, lambda app: get(app(), "/fails/guesses")),
            (500, lambda app: get(app(), "/fails/bug")),
            (502, lambda app: get(app(), "/fails/downstream")),
            (503, lambda app: get(app(), "/fails/store")),
        ],
    )
    def test_every_error_is_one(self, app: Make, status: int, answer: Callable[[Make], flask.Response]) -> None:
        got = answer(app)
        document = got.get_json(force=True)
        assert got.status_code == document["status"] == status
        assert got.mimetype == "application/problem+json"
        assert document["type"] == "about:blank"
        assert document["title"] == {401: "Unauthorized"}.get(status, document["title"])
        assert "Werkzeug" not in str(got.headers)

    def test_the_reason_of_a_refusal_stays_with_us(self, app: Make, lines: Lines) -> None:
        answer = get(app(Unauthenticated("the token is meant for billing")))
        assert answer.get_json(force=True) == {"type": "about:blank", "title": "Unauthorized", "status": 401}
        assert lines()[0]["reason"] == "the token is meant for billing"

    def test_a_bug_is_told_to_the_log_and_to_nobody_else(
        self, app: Make, lines: Lines, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = get(app(), "/fails/bug")
        assert answer.get_json(force=True) == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
        assert [record.exc_info is not None for record in caplog.records] == [True]
        line = lines()[0]
        assert (line["decision"], line["reason"], line["status"]) == ("error", "RuntimeError", 500)
        assert "hunter2" not in json.dumps(line)

    def test_an_error_of_the_shop_says_what_it_is(self, app: Make, lines: Lines) -> None:
        document = get(app(), "/fails/problem").get_json(force=True)
        assert (document["title"], document["detail"], document["left"]) == ("Conflict", "there is not enough", 1)
        assert lines()[0]["reason"] == "there is not enough"

    @pytest.mark.parametrize("how", ["store", "outage"])
    def test_an_outage_says_when_to_come_back(self, app: Make, how: str) -> None:
        answer = get(app(), "/fails/store") if how == "store" else get(app(Unavailable("r")))
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"

    def test_nothing_else_does(self, app: Make) -> None:
        assert "Retry-After" not in get(app(Unauthenticated("r"))).headers
        assert get(app(), "/fails/guesses").headers["Retry-After"] == "7"

    def test_an_oversized_body_is_413(self, app: Make) -> None:
        writer = Identity("gateway", "alice", frozenset({"orders:write"}), "signature", "")
        client = Client(app(writer))
        assert client.post("/orders", data=b"x" * 16 * 1024, base_url="http://orders").status_code == 200
        answer = client.post("/orders", data=b"x" * (16 * 1024 + 1), base_url="http://orders")
        assert answer.status_code == 413
        assert answer.mimetype == "application/problem+json"

    @pytest.mark.parametrize(("length", "status"), [(16 * 1024, 200), (16 * 1024 + 1, 413), (20_000, 413)])
    def test_a_body_of_untold_length_is_not_cut_off(self, app: Make, length: int, status: int) -> None:
        """Nor is more of it read than it takes to see that there is more."""
        writer = Identity("gateway", "alice", frozenset({"orders:write"}), "signature", "")
        body = io.BytesIO(b"x" * length)
        environ = EnvironBuilder("/orders", "http://orders", method="POST", input_stream=body).get_environ()
        del environ["CONTENT_LENGTH"]
        answer = send(app(writer), environ | {"wsgi.input_terminated": True})
        assert answer.status_code == status
        assert body.tell() <= 16 * 1024 + 1

    @pytest.mark.parametrize(("came", "status"), [(5, 200), (4, 400), (0, 400)])
    def test_a_body_that_ends_early_is_not_obeyed(self, app: Make, came: int, status: int) -> None:
        """RFC 9112 §8: whoever closes the connection before all of it was sent has not sent it."""
        writer = Identity("gateway", "alice", frozenset({"orders:write"}), "signature", "")
        environ = EnvironBuilder("/orders", "http://orders", method="POST", data=b"x" * 5).get_environ()
        body = {"wsgi.input": io.BytesIO(b"x" * came), "wsgi.input_terminated": True}
        assert send(app(writer), environ | body).status_code == status

    @pytest.mark.parametrize("path", ["/orders", "/missing", "/open", "/fails/bug", "/healthz"])
    def test_no_answer_is_kept_by_a_cache_or_guessed_at(self, app: Make, path: str) -> None:
        headers = get(app(), path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


class TestHealth:
    def test_alive_and_ready_are_open_to_all(self, app: Make, ran: list[str]) -> None:
        made = app(Unauthenticated("no"))
        assert get(made, "/healthz").json == get(made, "/readyz").json == {"status": "ok"}
        assert ran == []

    def test_a_service_whose_store_is_away_is_alive_and_not_ready(self, app: Make) -> None:
        def ready() -> None:
            raise StoreUnavailable("away")

        made = app(ready=ready)
        assert get(made, "/healthz").status_code == 200
        assert get(made, "/readyz").status_code == 503

    def test_neither_makes_an_audit_line(self, app: Make, lines: Lines) -> None:
        for path in ("/healthz", "/readyz"):
            get(app(), path)
        assert lines() == []


JOINED = f"00-{TRACE}-{PARENT}-01"
NOT_JOINED = {
    "none": "",
    "zero trace": f"00-{'0' * 32}-{PARENT}-01",
    "zero parent": f"00-{TRACE}-{'0' * 16}-01",
    "capitals": JOINED.upper(),
    "another version": "01" + JOINED[2:],
    "forbidden version": "ff" + JOINED[2:],
    "more after it": JOINED + "-00",
    "a line feed after it": JOINED + "\n",
    "a space before it": " " + JOINED,
    "no flags": JOINED[:-3],
    "too short": JOINED[1:],
    "two": f"{JOINED},{JOINED}",
    "no hex": JOINED.replace("a", "g"),
    "Arabic digits": JOINED.replace("0", "\u0660"),
    "injection": '00-"}\n{"decision":"allow-01',
    "huge": "0" * 100_000,
}


class TestTheTrace:
    def test_a_valid_one_is_joined(self, app: Make, lines: Lines) -> None:
        answer = get(app(), headers={"traceparent": JOINED})
        line = lines()[0]
        assert (line["trace"], line["parent"]) == (TRACE, PARENT)
        assert line["span"] not in {PARENT, None}
        assert "traceresponse" not in answer.headers

    @pytest.mark.parametrize("value", NOT_JOINED.values(), ids=NOT_JOINED)
    def test_anything_else_is_not(self, app: Make, lines: Lines, value: str) -> None:
        environ = EnvironBuilder("/orders", "http://orders").get_environ()
        environ["HTTP_TRACEPARENT"] = value.encode().decode("latin-1")
        assert send(app(), environ).status_code == 200
        line = lines()[0]
        assert line["parent"] is None
        assert line["trace"] != TRACE
        assert audit.TRACEPARENT.match(f"00-{line['trace']}-{line['span']}-00")

    def test_at_the_edge_none_is_joined_and_the_answer_names_ours(self, app: Make, lines: Lines) -> None:
        made = app(service="gateway")
        answer = Client(made).get("/orders", headers={"traceparent": JOINED}, base_url="https://localhost:8443")
        line = lines()[0]
        assert line["trace"] != TRACE
        assert line["parent"] is None
        assert answer.headers["traceresponse"] == f"00-{line['trace']}-{line['span']}-00"

    def test_each_request_has_its_own(self, app: Make, lines: Lines) -> None:
        made = app()
        for _ in range(3):
            get(made)
        assert len({line["trace"] for line in lines()}) == 3


class TestTheAuditLine:
    def test_it_says_who_asked_for_what_and_why_it_was_granted(self, app: Make, lines: Lines) -> None:
        get(app())
        (line,) = lines()
        told = {name: line[name] for name in ("service", "method", "route", "decision", "status", "caller", "user")}
        assert told == {
            "service": "orders",
            "method": "GET",
            "route": "/orders",
            "decision": "allow",
            "status": 200,
            "caller": "gateway",
            "user": "alice",
        }
        assert (line["vouched_by"], line["checked"]) == ("signature", "a token")
        assert (line["operation"], line["authorized_by"]) == ("orders:read", "scope orders:read")

    @pytest.mark.parametrize(
        "refusal",
        [Unauthenticated("why"), Malformed("why"), Forbidden("why"), Unavailable("why"), NoCredentials("why")],
    )
    def test_every_refusal_makes_one(self, app: Make, lines: Lines, refusal: Refusal) -> None:
        get(app(refusal))
        (line,) = lines()
        assert (line["decision"], line["reason"], line["status"]) == ("deny", "why", refusal.status)

    def test_what_the_policy_refuses_is_there_with_whom_it_refused(self, app: Make, lines: Lines) -> None:
        get(app(), method="POST")
        (line,) = lines()
        assert (line["decision"], line["user"], line["reason"]) == ("deny", "alice", "orders:write needs orders:write")

    @pytest.mark.parametrize(
        ("shown", "presented"),
        [
            (basic("alice", "s3cret"), ["Basic alice:***"]),
            (basic("alice", "a:s3cret"), ["Basic alice:***"]),
            ({"Authorization": "basic " + basic("alice", "s3cret")["Authorization"][6:]}, ["Basic alice:***"]),
            (bearer("s3cret"), [f"Bearer {audit.fingerprint('s3cret')}"]),
            ({"Authorization": "Bearer s3cret s3cret"}, [f"Bearer {audit.fingerprint('s3cret s3cret')}"]),
            ({"Authorization": "Basic s3cret"}, ["Basic ?:***"]),
            ({"Authorization": "Basic czNjcmV0"}, ["Basic ?:***"]),
            ({"Authorization": "Basic s\u00e9cr\u00e9t"}, ["Basic ?:***"]),
            ({"Authorization": "s3cret"}, ["Authorization: ***"]),
            ({"Authorization": "DPoP s3cret"}, ["Authorization: ***"]),
            ({"X-User": "alice"}, ["X-User: alice"]),
            ({"Cookie": "session=s3cret"}, ["session cookie"]),
            ({"Cookie": "other=s3cret"}, []),
            ({}, []),
        ],
        ids=repr,
    )
    def test_it_says_what_was_presented_and_never_the_secret(
        self, app: Make, capsys: pytest.CaptureFixture[str], shown: dict[str, str], presented: list[str]
    ) -> None:
        get(
            app(), "/orders?access_token=s3cret&password=s3cret", shown | {"User-Agent": "s3cret", "Referer": "/s3cret"}
        )
        out = capsys.readouterr().out
        assert json.loads(out)["presented"] == presented
        assert "s3cret" not in out
        assert "czNjcmV0" not in out

    def test_the_same_token_has_the_same_fingerprint_and_another_another(self) -> None:
        one, same, other = (audit.fingerprint(secret) for secret in ("a" * 43, b"a" * 43, "b" * 43))
        assert one == same != other
        assert len(one) == len("sha256:") + 8

    @pytest.mark.parametrize(
        "hostile",
        [
            'x\n{"decision": "allow", "user": "admin"}',
            "x\r\nINFO admin logged in",
            "\x1b[2J\x1b[31mred",
            "\u2028\u2029\x85",
            '"}, {"',
            "x" * 1_000_000,
        ],
        ids=["line feed", "CRLF", "terminal", "Unicode lines", "quotes", "huge"],
    )
    def test_whatever_is_sent_stays_inside_its_one_line(
        self, app: Make, capsys: pytest.CaptureFixture[str], hostile: str
    ) -> None:
        environ = EnvironBuilder("/orders", "http://orders").get_environ()
        octets = hostile.encode().decode("latin-1")
        environ |= {"HTTP_X_USER": octets, "HTTP_USER_AGENT": octets, "PATH_INFO": "/" + octets, "HTTP_COOKIE": octets}
        environ["HTTP_AUTHORIZATION"] = basic(hostile, "s3cret")["Authorization"]
        send(app(Unauthenticated(f"wrong name or password for {hostile}")), environ)
        out = capsys.readouterr().out
        assert out.count("\n") == len(out.splitlines()) == 1
        assert out.strip().isprintable()
        assert json.loads(out)["decision"] == "deny"
        assert len(max(json.loads(out)["presented"], key=len)) < 100

    def test_the_path_is_told_by_its_rule_and_not_by_what_was_sent(self, app: Make, lines: Lines) -> None:
        get(app(), "/fails/problem?a=s3cret")
        get(app(), "/s3cret")
        assert [line["route"] for line in lines()] == ["/fails/<how>", None]

    def test_outside_of_a_request_there_is_no_line_to_add_to(self) -> None:
        audit.note(caller="nobody")


def test_a_connection_whose_certificate_names_nobody_is_in_the_line(
    app: Make, lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = certs.CA.create(tmp_path / "ca")
    odd_peer = forge(ca, "gateway", into=tmp_path / "odd", common_name_only=True).der

    def peer(_: Mapping[str, Any]) -> None:
        tls.peer_of(odd_peer)

    monkeypatch.setattr(tls, "peer", peer)
    get(app())
    assert lines()[0]["presented"] == ["a certificate that may not name anyone"]
