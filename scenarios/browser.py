"""A browser without a screen: it keeps cookies, follows redirects and fills in forms, and runs no script."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from compose.shop import Shop
from scenarios.door import TIMEOUT_SECONDS, door

MOST_REDIRECTS = 10


@dataclass
class Form:
    """A form of a page: where it goes, and what its fields hold."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Browser:
    """One person's browser, at one shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.session = door(shop)
        self.page = requests.Response()

    def open(self, url: str) -> requests.Response:
        """Go to `url`, an address or a path of the shop, and on to wherever it redirects."""
        return self._follow(self._send("GET", urljoin(self.shop.edge, url)))

    def submit(self, action: str, **filled_in: str) -> requests.Response:
        """Fill in the first form that leads to `action` and has these fields, and send it; `KeyError` without one."""
        for form in forms(self.page.text):
            if action in form.action and form.fields.keys() >= filled_in.keys():
                target = urljoin(self.page.url, form.action)
                return self._follow(self._send("POST", target, data={**form.fields, **filled_in}))
        raise KeyError(f"no form leads to {action}")

    def log_in(self, who: str, password: str) -> requests.Response:
        """Log in at the gateway's form, or at the IdP's page, whichever the shop shows."""
        self.open("/login")
        return self.submit("", username=who, password=password)

    def _send(self, method: str, url: str, data: dict[str, str] | None = None) -> requests.Response:
        return self.session.request(method, url, data=data, timeout=TIMEOUT_SECONDS, allow_redirects=False)

    def _follow(self, answer: requests.Response) -> requests.Response:
        for _ in range(MOST_REDIRECTS):
            if not answer.is_redirect:
                self.page = answer
                return answer
            answer = self._send("GET", urljoin(answer.url, answer.headers["Location"]))
        raise requests.TooManyRedirects(f"the redirects do not end, at {answer.url}")


def forms(page: str) -> list[Form]:
    """The forms of a page, in order."""
    reader = _FormReader()
    reader.feed(page)
    return reader.forms


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append(Form(found.get("action") or ""))
        if tag == "input" and self.forms and found.get("name"):
            self.forms[-1].fields[found["name"] or ""] = found.get("value") or ""
