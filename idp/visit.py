"""A person's way through the log-in page and back, as a browser and a client would go it together.

For `idp.fixture`: a test gets its token as everybody does, so what it tests is what will happen.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

if TYPE_CHECKING:
    from idp.fixture import Issuer

CSRF = re.compile(r'name="csrf"[^>]* value="([^"]+)"')
ONE_STEP: dict[str, Any] = {"timeout": 30.0, "allow_redirects": False}


class NotLoggedIn(Exception):
    """The identity provider did not give a code, or no tokens for it; the message says what it said."""


@dataclass(frozen=True, repr=False)
class Tokens:
    """What a client got for a code (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3)."""

    access_token: str
    expires_in: int
    scope: str
    id_token: str | None = None
    refresh_token: str | None = None
    token_type: str = "Bearer"


def tokens(issuer: Issuer, who: str, scope: str) -> Tokens:
    """Log `who` in at the page for `app`, and redeem the code; raises `NotLoggedIn`."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(issuer.ca_file)
        verifier = secrets.token_urlsafe(48)
        redeemed = session.post(
            f"{issuer.url}/token",
            auth=("app", issuer.secrets["app"]),
            data={
                "grant_type": "authorization_code",
                "code": _code(session, issuer, who, scope, verifier),
                "redirect_uri": issuer.redirect_uri,
                "code_verifier": verifier,
            },
            **ONE_STEP,
        )
    if redeemed.status_code != 200:
        raise NotLoggedIn(redeemed.text)
    return Tokens(**redeemed.json())


def _code(session: requests.Session, issuer: Issuer, who: str, scope: str, verifier: str) -> str:
    """The code that comes back to the redirect URI (RFC 6749 §4.1.2, RFC 7636 §4.2)."""
    asked = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": issuer.redirect_uri,
        "scope": scope,
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    answer = _onward(session, issuer, session.get(f"{issuer.url}/authorize", params=asked, **ONE_STEP))
    if shown := CSRF.search(answer.text):
        form = {"csrf": html.unescape(shown[1]), "username": who, "password": issuer.passwords.get(who, "")}
        answer = _onward(session, issuer, session.post(answer.url, data=form, **ONE_STEP))
    found = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    if "code" not in found:
        raise NotLoggedIn(found.get("error_description", [f"{who} was not let in ({answer.status_code})"])[0])
    return found["code"][0]


def _onward(session: requests.Session, issuer: Issuer, answer: requests.Response) -> requests.Response:
    """Where the redirects lead, short of the client's own address: nobody need be at home there."""
    while answer.is_redirect and not answer.headers["Location"].startswith(issuer.redirect_uri):
        answer = session.get(urljoin(answer.url, answer.headers["Location"]), **ONE_STEP)
    return answer
