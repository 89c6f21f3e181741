"""The gateway and the identity provider, both real and both in this process; only the wire between them is ours."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from services.identity import Credentials
from tests.idp_support import CALLBACK, ISSUER, Idp

EDGE = "https://localhost:8443"
Pairs = list[tuple[str, str]]


@dataclass
class Wire(BaseAdapter):
    """Carries what the gateway asks to the identity provider, and remembers where it went."""

    idp: Idp
    asked: list[str] = field(default_factory=list)
    lying: dict[str, Any] = field(default_factory=dict)
    """What the answers say instead of the truth."""

    def __hash__(self) -> int:
        return id(self)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The identity provider's answer."""
        parts, headers = urlsplit(request.url or ""), dict(request.headers)
        self.asked.append(str(parts.path))
        answered = self.idp.browser().open(
            str(parts.path), method=request.method or "GET", base_url=ISSUER, headers=headers, data=request.body
        )
        said = answered.get_json()
        body = json.dumps({**said, **{name: value for name, value in self.lying.items() if name in said}})
        made = requests.Response()
        made.status_code, made.url, made.request = answered.status_code, request.url or "", request
        made.headers["Content-Type"] = answered.content_type
        made.raw = HTTPResponse(io.BytesIO(body.encode()), preload_content=False)
        return made

    def ask(self, method: str, path: str, presented: Credentials, *, headers: Any, body: Any, **_: Any) -> Any:
        """The same, asked as services ask (`calling.Callee`)."""
        shown = requests.Request(method, ISSUER + path, dict(headers), data=body, auth=presented.get("auth"))  # type: ignore[arg-type]  # octets do as well
        answer = self.send(shown.prepare())
        return answer.status_code, answer.content

    def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True)
class Place:
    """The gateway, and the identity provider that it sends people to."""

    app: flask.Flask
    idp: Idp
    wire: Wire

    def browser(self) -> Browser:
        """A browser that has never been here."""
        return Browser(self.app)

    def open(self, browser: Browser, path: str, **arguments: Any) -> TestResponse:
        """What the gateway answers."""
        return browser.open(path, base_url=EDGE, **arguments)

    def begin(self, browser: Browser) -> str:
        """Begin to log in; the address at the identity provider that the browser is led to."""
        answer = self.open(browser, "/login")
        assert answer.status_code == 303
        return str(answer.location.removeprefix(ISSUER))

    def consent(self, request: str, who: str = "alice") -> dict[str, str]:
        """What the identity provider sends the browser of `who` back with."""
        browser = self.idp.browser()
        answer = self.idp.log_in(self.idp.get(request, browser).location, browser, who)
        back = self.idp.get(answer.location, browser).location
        assert back.startswith(f"{CALLBACK}?")
        return dict(parse_qsl(urlsplit(back).query))

    def come_back(self, browser: Browser, parameters: dict[str, str] | Pairs, **arguments: Any) -> TestResponse:
        """The callback, with these parameters; what was asked of the identity provider meanwhile is in `wire`."""
        self.wire.asked.clear()
        return self.open(browser, f"/callback?{urlencode(parameters)}", **arguments)

    def is_logged_in(self, browser: Browser) -> bool:
        """Whether the front door leads on to the shelf."""
        return self.open(browser, "/").status_code == 303
