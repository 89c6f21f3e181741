"""A person with a program: logs in as the pattern demands, and talks to the shop's API.

Under `perimeter`, `basic`, `subsystem` and `mtls` that is a name and password with each request; under `oauth2`, `jwt`
and `zerotrust` an access token, got at the identity provider's own login page by authorization code with PKCE.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from compose.shop import Shop
from compose.topology import PEOPLE, TOKEN_PATTERNS
from scenarios.browser import forms
from scenarios.door import TIMEOUT_SECONDS, door

REDIRECT_URI = "http://127.0.0.1:8765/callback"  # RFC 8252 §7.3; nobody listens: we read the code from the redirect
SCOPE = "openid items:read orders:read orders:write orders:read:any orders:refund"
WHO_THEY_ARE = "the names and passwords are in the README; make up prints them too"


class CannotLogIn(Exception):
    """The shop or the IdP did not let the person in; the message says at which step, and `mend` what to do."""

    def __init__(self, what: str, mend: str = WHO_THEY_ARE) -> None:
        super().__init__(what)
        self.mend = mend


class Shopper:
    """One person, at the door of one shop."""

    def __init__(self, shop: Shop, who: str, password: str | None = None) -> None:
        known = {person.name: person.password for person in PEOPLE}
        self.shop = shop
        self.who = who
        self.password = known.get(who, "") if password is None else password
        self.session = door(shop)
        self._token: str | None = None
        self._renew_at = 0.0
        self._logging_in = threading.Lock()

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Call the API as this person: `path` begins with /api."""
        if self.shop.pattern in TOKEN_PATTERNS:
            presented: dict[str, Any] = {"headers": {"Authorization": f"Bearer {self.token()}"}}
        else:
            presented = {"auth": (self.who.encode(), self.password.encode())}
        presented["headers"] = {**presented.get("headers", {}), **arguments.pop("headers", {})}
        return self.session.request(
            method, self.shop.edge + path, timeout=TIMEOUT_SECONDS, allow_redirects=False, **presented, **arguments
        )

    def order(self, sku: str, quantity: int = 1, key: str | None = None) -> requests.Response:
        """Place an order, under a new Idempotency-Key unless one is given."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self.call("POST", "/api/orders", json={"sku": sku, "quantity": quantity}, headers=headers)

    def token(self) -> str:
        """An access token by the code flow, got anew when the last one is about to end; raises `CannotLogIn`."""
        with self._logging_in:  # two log-ins at once in one browser would spoil each other's form
            if self._token is None or time.monotonic() > self._renew_at:
                answer = self.tokens()
                self._token, self._renew_at = answer["access_token"], time.monotonic() + answer["expires_in"] / 2
            return self._token

    def forget(self) -> None:
        """Log in anew at the next call."""
        with self._logging_in:
            self._token = None

    def tokens(self, scope: str = SCOPE) -> dict[str, Any]:
        """What the token endpoint answers to a new log-in (RFC 6749 §4.1, RFC 7636)."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        code = self._code(verifier, state, scope)
        form = {"grant_type": "authorization_code", "client_id": "cli", "redirect_uri": REDIRECT_URI}
        form |= {"code": code, "code_verifier": verifier}
        answer = self.session.post(f"{self.shop.issuer}/token", data=form, timeout=TIMEOUT_SECONDS)
        if answer.status_code != 200:
            raise CannotLogIn(f"the token endpoint answers {answer.status_code}: {answer.text[:200]}")
        found: dict[str, Any] = answer.json()
        return found

    def _code(self, verifier: str, state: str, scope: str) -> str:
        """Walk through the IdP's pages as a browser would, to the redirect that carries the code."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {"response_type": "code", "client_id": "cli", "redirect_uri": REDIRECT_URI, "scope": scope}
        query |= {"state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        page = self._follow(self._get(f"{self.shop.issuer}/authorize", params=query))
        if not page.is_redirect:
            page = self._follow(self._fill_in(page))
        answer = parse_qs(urlsplit(page.headers.get("Location", "")).query)
        if page.status_code == 429:
            seconds = page.headers.get("Retry-After", "")  # or a date (RFC 9110 §10.2.3), but not our IdP's
            wait = f"{seconds} s" if seconds.isdecimal() else "a minute"
            what = f"the IdP does not let {self.who} in: too many wrong passwords"
            raise CannotLogIn(what, f"wait {wait}, then try again")
        if not page.is_redirect or "code" not in answer:
            why = answer.get("error", ["wrong name or password" if page.status_code in {401, 403} else page.reason])[0]
            raise CannotLogIn(f"the IdP does not let {self.who} in: {why}")
        if answer.get("state") != [state] or answer.get("iss") != [self.shop.issuer]:
            raise CannotLogIn("the answer is not to our question (state, iss)")
        return answer["code"][0]

    def _fill_in(self, page: requests.Response) -> requests.Response:
        """Send the login form of `page`, with its hidden fields."""
        [form] = forms(page.text)
        fields = {**form.fields, "username": self.who, "password": self.password}
        target = urljoin(page.url, form.action)
        return self.session.post(target, data=fields, timeout=TIMEOUT_SECONDS, allow_redirects=False)

    def _follow(self, answer: requests.Response) -> requests.Response:
        """Follow redirects within the IdP, and stop at the one that leads out of it."""
        for _ in range(8):
            there = urljoin(answer.url, answer.headers.get("Location", ""))
            if not answer.is_redirect or not there.startswith(f"{self.shop.issuer}/"):
                return answer
            answer = self._get(there)
        raise CannotLogIn("the IdP redirects in circles")

    def _get(self, url: str, **arguments: Any) -> requests.Response:
        return self.session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **arguments)
