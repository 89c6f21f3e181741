"""What is tried with the identity provider's answers: framing them, reading them from elsewhere, having words run."""

from __future__ import annotations

import base64
import functools
import hmac
import json
from collections.abc import Callable
from html import escape
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from idp import key_files
from tests.idp_support import CALLBACK, ISSUER, Idp, basic, csrf

pytest_plugins = ("tests.idp_fixtures",)

EVIL = {"Origin": "https://evil.test", "Accept": "text/html", "Sec-Fetch-Site": "cross-site"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def idp(shared: Idp) -> Idp:
    """One for all: only bob's password is guessed wrongly, and until nobody looks at the guesses any more."""
    return shared


def ask(idp: Idp, path: str, method: str = "GET", browser: Browser | None = None, **arguments: Any) -> TestResponse:
    """What a page of another site, or one that frames ours, would be answered."""
    headers = {**EVIL, **arguments.pop("headers", {})}
    return (browser or idp.browser()).open(
        path, method=method, base_url=ISSUER, headers=headers, buffered=True, **arguments
    )


def page(idp: Idp) -> str:
    """The address of a log-in page."""
    return str(idp.get(idp.request()).location)


def logged_in(idp: Idp) -> Browser:
    """A browser in which alice is logged in."""
    browser = idp.browser()
    idp.authorize(browser=browser)
    return browser


def filled_in(idp: Idp, who: str, password: str, token: str | None = None) -> TestResponse:
    """What comes of the log-in form."""
    browser, there = idp.browser(), page(idp)
    form = {"username": who, "password": password, "csrf": token or csrf(idp.get(there, browser))}
    return ask(idp, there, "POST", browser, data=form)


def too_many(idp: Idp) -> TestResponse:
    """What comes of the sixth wrong password, or the seventh."""
    for guess in range(5):
        filled_in(idp, "bob", f"guess {guess}")
    return filled_in(idp, "bob", "builder")


def failing(idp: Idp, failure: Exception, path: str) -> TestResponse:
    """What is answered when a look at the clients ends in `failure`."""
    with mock.patch.object(idp.provider.clients, "get", side_effect=failure):
        return ask(idp, path)


def userinfo(idp: Idp, scope: str) -> TestResponse:
    """What UserInfo says to a token for `scope`."""
    return ask(idp, "/userinfo", headers={"Authorization": f"Bearer {idp.tokens(scope=scope)['access_token']}"})


OWN, X = {"grant_type": "client_credentials"}, {"token": "x"}
GONE = OperationalError("", None, Exception("disk I/O error"))
ANSWERS: dict[str, tuple[int, Callable[[Idp], TestResponse]]] = {
    "the log-in page": (200, lambda idp: ask(idp, page(idp))),
    "a log-in": (303, lambda idp: filled_in(idp, "alice", "wonderland")),
    "a wrong password": (403, lambda idp: filled_in(idp, "nobody", "wrong")),
    "too many wrong passwords": (429, too_many),
    "a forged form": (400, lambda idp: filled_in(idp, "alice", "wonderland", "forged")),
    "a form that is none": (415, lambda idp: ask(idp, page(idp), "POST", json={})),
    "a form that is too large": (413, lambda idp: ask(idp, page(idp), "POST", data={"username": "x" * 70_000})),
    "no client at the log-in": (400, lambda idp: ask(idp, "/login")),
    "another method at the log-in": (405, lambda idp: ask(idp, "/login", "PUT")),
    "a head of the log-in page": (200, lambda idp: ask(idp, page(idp), "HEAD")),
    "a request without a log-in": (303, lambda idp: ask(idp, idp.request())),
    "a request as a form": (303, lambda idp: ask(idp, "/authorize", "POST", data={"client_id": "gateway"})),
    "a code": (302, lambda idp: ask(idp, idp.request(), browser=logged_in(idp))),
    "an error for the client": (302, lambda idp: ask(idp, idp.request(prompt="none"))),
    "an unknown client": (400, lambda idp: ask(idp, idp.request("nobody"))),
    "an unregistered address": (400, lambda idp: ask(idp, idp.request(redirect_uri="https://evil.test"))),
    "a failure of ours": (500, lambda idp: failing(idp, RuntimeError("a bug"), idp.request())),
    "a failure of ours at the log-in": (500, lambda idp: failing(idp, RuntimeError("a bug"), "/login?client_id=x")),
    "a store that does not answer": (503, lambda idp: failing(idp, GONE, idp.request())),
    "the log-out page": (200, lambda idp: ask(idp, "/logout", browser=logged_in(idp))),
    "a log-out": (200, lambda idp: ask(idp, "/logout")),
    "a forged log-out": (400, lambda idp: ask(idp, "/logout", "POST", data={"csrf": "forged"})),
    "a log-out with a false proof": (400, lambda idp: ask(idp, "/logout?id_token_hint=x")),
    "a page that is not there": (404, lambda idp: ask(idp, "/nowhere")),
    "a page that is not there, in a style": (404, lambda idp: ask(idp, "/static/nothing.css")),
    "the style": (200, lambda idp: ask(idp, "/static/idp.css")),
    "tokens": (200, lambda idp: ask(idp, "/token", "POST", data=OWN, headers=basic("gateway"))),
    "a token request of nobody": (401, lambda idp: ask(idp, "/token", "POST", data={"grant_type": "refresh_token"})),
    "a token request of no kind": (400, lambda idp: ask(idp, "/token", "POST", data={"scope": "x"})),
    "a token request by GET": (405, lambda idp: ask(idp, "/token")),
    "a token request as JSON": (415, lambda idp: ask(idp, "/token", "POST", json={})),
    "a token request that is too large": (413, lambda idp: ask(idp, "/token", "POST", data={"scope": "x" * 70_000})),
    "an introspection": (200, lambda idp: ask(idp, "/introspect", "POST", data=X, headers=basic("gateway"))),
    "an introspection of nobody": (401, lambda idp: ask(idp, "/introspect", "POST", data=X)),
    "a revocation": (200, lambda idp: ask(idp, "/revoke", "POST", data=X, headers=basic("gateway"))),
    "a person's claims": (200, lambda idp: userinfo(idp, "openid profile")),
    "claims for nobody": (401, lambda idp: ask(idp, "/userinfo")),
    "claims that were not asked for": (403, lambda idp: userinfo(idp, "items:read")),
    "the metadata": (200, lambda idp: ask(idp, "/.well-known/openid-configuration")),
    "the keys": (200, lambda idp: ask(idp, "/jwks")),
    "that it is alive": (200, lambda idp: ask(idp, "/healthz")),
    "a preflight at the log-in": (200, lambda idp: ask(idp, "/login", "OPTIONS", headers=PREFLIGHT)),
    "a preflight at a request": (200, lambda idp: ask(idp, "/authorize", "OPTIONS", headers=PREFLIGHT)),
    "a preflight at the token endpoint": (200, lambda idp: ask(idp, "/token", "OPTIONS", headers=PREFLIGHT)),
    "a preflight at UserInfo": (200, lambda idp: ask(idp, "/userinfo", "OPTIONS", headers=PREFLIGHT)),
    "a preflight at the keys": (200, lambda idp: ask(idp, "/jwks", "OPTIONS", headers=PREFLIGHT)),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(idp: Idp) -> Callable[[str], TestResponse]:
    """Each of these answers, which is made once."""
    return functools.cache(lambda what: ANSWERS[what][1](idp))


class TestFraming:
    """OAS-22: no answer can be put into a frame, to be clicked unseen; errors are pages too (RFC 9700 §4.16)."""

    @pytest.mark.parametrize("what", ANSWERS)
    def test_it_is_shown_in_no_frame_and_runs_nothing(self, made: Callable[[str], TestResponse], what: str) -> None:
        answer = made(what)
        assert answer.status_code == ANSWERS[what][0]
        policy = answer.headers.getlist("Content-Security-Policy")
        assert len(policy) == 1
        said = policy[0].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "style-src 'self'"} <= set(said)
        assert not [each for each in said if "unsafe" in each or each.startswith("script-src")]
        assert answer.headers.getlist("X-Frame-Options") == ["DENY"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Server-Timing" not in answer.headers

    @pytest.mark.parametrize("what", [what for what, (status, _) in ANSWERS.items() if status >= 400])
    def test_no_error_is_kept_or_tells_of_our_insides(self, made: Callable[[str], TestResponse], what: str) -> None:
        answer = made(what)
        if "style" not in what:
            assert answer.headers["Cache-Control"] == "no-store"
        for inside in ("Traceback", "a bug", "disk I/O", "site-packages", "werkzeug"):
            assert inside not in answer.text


class TestReadingFromElsewhere:
    """OAS-24: no script of another site reads an answer of ours (RFC 9700 §2.6)."""

    @pytest.mark.parametrize("what", ANSWERS)
    def test_no_other_origin_is_let_in(self, made: Callable[[str], TestResponse], what: str) -> None:
        answer = made(what)
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
        assert "evil.test" not in str(answer.headers)

    @pytest.mark.parametrize("origin", ["null", ISSUER, "https://localhost:8443", "https://localhost:9443.evil.test"])
    def test_nor_is_any_that_says_to_be_ours(self, idp: Idp, origin: str) -> None:
        for path in (idp.request(), "/jwks", "/userinfo"):
            answer = idp.get(path, headers={"Origin": origin})
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


class TestReflectedInput:
    """OAS-26: no answer repeats what it was sent in a way that could be run; prompt=none (ASVS 1.2.1)."""

    MARKUP: ClassVar[dict[str, str]] = {
        "a script": "<script>alert(1)</script>",
        "out of an attribute": '"><img src=x onerror=alert(1)>',
        "out of an attribute, in single quotes": "'><svg onload=alert(1)>",
        "a template": "{{7*7}}{% raw %}",
        "a link": "javascript:alert(1)",
        "a comment": "--><script>",
    }
    PLACES: ClassVar[dict[str, str]] = {
        "client_id": "/authorize?{}",
        "redirect_uri": "/authorize?client_id=gateway&{}",
        "id_token_hint": "/logout?{}",
        "post_logout_redirect_uri": "/logout?client_id=gateway&{}",
        "path": "/nowhere/{}",
    }

    @pytest.mark.parametrize("markup", MARKUP)
    @pytest.mark.parametrize("place", PLACES)
    def test_a_page_does_not_repeat_it(self, idp: Idp, place: str, markup: str) -> None:
        text = self.MARKUP[markup]
        answer = ask(idp, self.PLACES[place].format(urlencode({place: text})))
        assert answer.status_code in {400, 404}
        for said in (text, escape(text), "49"):
            assert said not in answer.text

    REQUEST = (
        *("response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce", "prompt", "max_age"),
        *("login_hint", "response_mode", "ui_locales", "acr_values", "claims", "request", "display", "resource"),
        *("username", "password", "csrf", "problem", "client", "unknown"),
    )

    @pytest.mark.parametrize("markup", MARKUP)
    @pytest.mark.parametrize("page", ["/login", "/logout"])
    def test_nor_does_one_that_is_shown_whatever_else_was_asked(self, idp: Idp, page: str, markup: str) -> None:
        """The log-in page has the whole request in its address, and looks at two parameters of it."""
        asked = dict.fromkeys(self.REQUEST, f"{self.MARKUP[markup]}attacker")
        query = urlencode(asked | {"client_id": "gateway", "redirect_uri": CALLBACK})
        answer = ask(idp, f"{page}?{query}", browser=logged_in(idp))
        assert answer.status_code == 200
        assert "The gateway" in answer.text
        assert "attacker" not in answer.text + str(answer.headers)

    @pytest.mark.parametrize("markup", MARKUP)
    def test_a_name_that_was_typed_is_shown_as_text(self, idp: Idp, markup: str) -> None:
        typed = self.MARKUP[markup]
        answer = filled_in(idp, typed, "wrong")
        assert answer.status_code == 403
        assert escape(typed).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in answer.text
        if escape(typed) != typed:
            assert typed not in answer.text

    @pytest.mark.parametrize("markup", MARKUP)
    @pytest.mark.parametrize("name", ["grant_type", "scope", "code", "client_id", "token_type_hint", "unknown"])
    def test_nor_does_an_answer_to_a_client(self, idp: Idp, name: str, markup: str) -> None:
        form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK, name: self.MARKUP[markup]}
        answer = idp.post("/token", "gateway", **form)
        assert answer.status_code in {400, 401}
        assert answer.content_type.startswith("application/json")
        assert self.MARKUP[markup] not in answer.text

    STATES = ("\r\nSet-Cookie: a=b", "#x=", "&code=mallorys", "&iss=https://attacker.test", "é\u2028", "%0d%0a", "+ ")

    @pytest.mark.parametrize("state", STATES, ids=repr)
    def test_a_state_comes_back_as_one_parameter(self, idp: Idp, state: str) -> None:
        answer = idp.authorize(None, state=state, prompt="none")
        pairs = parse_qsl(urlsplit(answer.response.location).query, keep_blank_values=True)
        assert [value for name, value in pairs if name == "state"] == [state]
        assert [value for name, value in pairs if name == "iss"] == [ISSUER]
        assert "code" not in dict(pairs)
        assert "Set-Cookie" not in answer.response.headers

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({}, "login_required"),
            ({"max_age": "0"}, "login_required"),
            ({"scope": "admin"}, "invalid_scope"),
            ({"code_challenge": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ],
        ids=str,
    )
    def test_who_asks_without_a_page_gets_an_error_and_no_page(
        self, idp: Idp, changes: dict[str, Any], error: str
    ) -> None:
        answer = idp.authorize(None, prompt="none", **changes)
        assert answer.parameters["error"] == error
        assert "<form" not in answer.response.text


class TestWhatIsPublished:
    """OAS-27: what all may read holds no private and no symmetric key, and offers nothing weak (RFC 7517 §9)."""

    PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_key_is_the_public_half_of_one_for_signatures(self, idp: Idp, number: int) -> None:
        key = idp.get("/jwks").get_json()["keys"][number]
        assert not self.PRIVATE & set(key)
        assert (key["kty"], key["alg"]) in {("EC", "ES256"), ("RSA", "RS256")}
        assert key["use"] == "sig"
        assert not {"x5u", "jku", "x5c"} & set(key)

    def test_no_octet_of_a_private_key_is_in_what_is_published(self, idp: Idp) -> None:
        published = idp.get("/jwks").text + idp.get("/.well-known/openid-configuration").text
        for file in key_files.found(idp.provider.settings.data_dir):
            private = file.read().as_dict(private=True)
            for name in self.PRIVATE & set(private):
                assert str(private[name]) not in published

    WEAK = (
        "none",
        "HS256",
        "HS384",
        "HS512",
        "RS1",
        "plain",
        "implicit",
        "password",
        "token",
        "id_token",
        "code token",
    )

    @pytest.mark.parametrize("weak", WEAK)
    def test_the_metadata_offers_nothing_weak(self, idp: Idp, weak: str) -> None:
        document = idp.get("/.well-known/openid-configuration").get_json()
        about = ("_alg_values_supported", "grant_types_supported", "response_types_supported", "methods_supported")
        offered = {name: value for name, value in document.items() if name.endswith(about)}
        public_clients = {name for name in offered if name.endswith("auth_methods_supported")}  # whose method is `none`
        assert not [name for name, value in offered.items() if weak in value and name not in public_clients]

    def test_every_address_in_it_is_ours_and_https(self, idp: Idp) -> None:
        document = idp.get("/.well-known/openid-configuration").get_json()
        addresses = [value for value in document.values() if isinstance(value, str)]
        assert all(value == ISSUER or value.startswith(f"{ISSUER}/") for value in addresses)

    @pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Prefix"])
    def test_no_header_changes_what_it_says(self, idp: Idp, header: str) -> None:
        document = idp.get("/.well-known/openid-configuration")
        assert idp.get("/.well-known/openid-configuration", headers={header: "evil.test"}).data == document.data

    @pytest.mark.parametrize(
        "path",
        [
            *("/data/signing-ES256.pem", "/idp.db", "/secrets/clients.json", "/clients", "/keys", "/manage", "/faults"),
            *("/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2f..%2fcookie_key", "/.git/config"),
            *("/static//etc/passwd", "/.well-known/../data/idp.db", "/register", "/console", "/metrics"),
        ],
    )
    def test_nothing_else_is_served(self, idp: Idp, path: str) -> None:
        assert ask(idp, path).status_code == 404

    def test_a_token_forged_with_what_is_published_is_none(self, idp: Idp) -> None:
        """RFC 8725 §2.1: the public key as the secret of an HMAC, for a reader that goes by the header."""
        published = json.dumps(idp.get("/jwks").get_json()["keys"][0]).encode()
        _, payload, _ = idp.tokens(client="portal")["access_token"].split(".")
        header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"at+jwt"}').rstrip(b"=").decode()
        mac = hmac.digest(published, f"{header}.{payload}".encode(), "sha256")
        forged = f"{header}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert idp.introspect(forged) == {"active": False}
        assert idp.userinfo(forged).status_code == 401
