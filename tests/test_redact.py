"""What is shown of a request and an answer holds no secret, and still says what was wrong with it."""

from __future__ import annotations

import base64

import pytest

from scenarios import redact
from tests.support import Issuer, basic

SECRET = "s3cret-and-long-enough-to-be-found"


@pytest.mark.parametrize(
    "said",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization:Bearer {SECRET}",
        f"Authorization: {SECRET}",
        f"Proxy-Authorization: Basic {SECRET}",
        f"Cookie: __Host-session={SECRET}; other=1",
        f"set-cookie: id={SECRET}; Secure",
        f'{{"access_token": "{SECRET}", "expires_in": 300}}',
        f'{{"refresh_token":"{SECRET}"}}',
        f'{{"password" : "{SECRET}"}}',
        f"GET /orders?access_token={SECRET}&x=1 HTTP/1.1",
        f"grant_type=authorization_code&code={SECRET}",
        f"subject_token={SECRET}&audience=billing",
        f"client_secret={SECRET}",
        f"GET https://alice:{SECRET}@localhost/orders",
    ],
)
def test_a_secret_is_shown_nowhere(said: str) -> None:
    assert SECRET not in redact.text(said)


def test_of_a_password_not_even_base64_is_shown() -> None:
    header = basic("alice", "wonderland")["Authorization"]
    shown = redact.request({"method": "GET", "url": "https://shop/", "headers": [("Authorization", header)]})
    assert header.partition(" ")[2] not in shown
    assert "Basic alice:***" in shown


def test_a_raw_request_is_shown_without_its_secret_too() -> None:
    raw = base64.b64encode(f"GET / HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode()).decode()
    assert SECRET not in redact.request({"raw": raw, "headers": []})


def test_what_a_forged_token_says_of_itself_can_be_read_and_the_token_not_be_used() -> None:
    token = Issuer().token({"alg": "none"})
    for said in (f"Authorization: Bearer {token}", f"the token {token} is no good", f"access_token={token}"):
        shown = redact.text(said)
        assert '"alg": "none"' in shown
        assert token.split(".")[1] not in shown
        assert token.split(".")[2] not in shown


def test_what_is_no_secret_stays_as_it_is() -> None:
    said = 'HTTP 401\nwww-authenticate: Bearer realm="shop", error="invalid_token"\n\n{"title": "Unauthorized"}'
    assert redact.text(said) == said


def test_a_long_body_is_cut_and_says_how_long_it_was() -> None:
    shown = redact.answer(200, {}, "x" * 5000)
    assert len(shown) < 900
    assert "(5000 characters)" in shown
