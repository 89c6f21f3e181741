"""A person's browser: it keeps cookies, follows redirects, and logs in where a page asks for it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import requests

from scenarios.browser import forms

MOST_STEPS = 12
TIMEOUT_SECONDS = 20


class Browser:
    """One person at it, who trusts the CA in the file `bundle` and knows one name and password."""

    def __init__(self, bundle: str, who: str, password: str) -> None:
        self.person = {"username": who, "password": password}
        self.page = requests.Response()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = bundle

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def visit(self, url: str, *origins: str) -> str:
        """Go to `url` and on from there, while it stays at `origins`; where it ended.

        Elsewhere nobody listens: a client's redirect URI is an address to be read, not to be opened.
        """
        for _ in range(MOST_STEPS):
            parts = urlsplit(url)
            if f"{parts.scheme}://{parts.netloc}" not in origins:
                return url
            self.page = self._send("GET", url)
            if not self.page.is_redirect and (form := self._log_in_form()) is not None:
                self.page = self._send("POST", url, form | self.person)
            if not self.page.is_redirect:
                return url
            url = urljoin(url, self.page.headers["Location"])
        raise requests.TooManyRedirects(f"the redirects do not end, at {url}")

    def _log_in_form(self) -> dict[str, str] | None:
        found = (form.fields for form in forms(self.page.text) if form.fields.keys() >= self.person.keys())
        return next(found, None)

    def _send(self, method: str, url: str, form: dict[str, str] | None = None) -> requests.Response:
        return self._session.request(method, url, data=form, timeout=TIMEOUT_SECONDS, allow_redirects=False)
