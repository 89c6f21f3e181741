"""The headers that every answer has, and the answers to clients, which are whole when they are made."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import flask
from authlib.consts import default_json_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'"
ALWAYS = (
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
"""Nothing is framed, run or passed on (RFC 9700 §4.16, §4.2.4), nor is it kept."""
TO_A_CLIENT = [("Content-Security-Policy", POLICY.format("")), *ALWAYS]


class Answer(flask.Response):
    """JSON for a client, not to be kept.  It goes out as it is: Werkzeug would look at each header three times."""

    def __init__(
        self, body: dict[str, Any], status: int = 200, headers: Iterable[tuple[str, str]] = default_json_headers
    ) -> None:
        super().__init__(json.dumps(body), status, headers)
        if self.headers.get("Cache-Control") != "no-store":
            self.headers["Cache-Control"] = "no-store"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list() + TO_A_CLIENT)
        return self.response  # type: ignore[return-value]  # of bytes, since it was made of text
