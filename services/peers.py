"""Calling the other services: as ourselves, for the current user, within a time and a size.

Nothing about a user is kept on the session that all threads share: what we present goes with the one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError
from werkzeug.exceptions import HTTPException

from services import answers, audit, calling, strict_json
from services.identity import Forbidden, NoCredentials, Unavailable
from services.patterns import Pattern
from services.problems import Problem
from services.settings import Settings

MAX_ANSWER = 1024 * 1024
PASSED_ON = frozenset({400, 402, 404, 409, 422})
"""Answers that are about the shop, and so our caller's business too."""


class TooLate(HTTPException):
    """The other service did not answer in time (RFC 9110 §15.6.5)."""

    code = 504
    description = "another service did not answer in time"


class Peers:
    """The other services, each reached at its URL and held to its own name."""

    def __init__(self, settings: Settings, pattern: Pattern) -> None:
        self._settings = settings
        self._pattern = pattern
        self._session = calling.session({url: name for name, url in settings.peers.items()})

    def get(self, audience: str, path: str) -> Any:
        """GET `path` of `audience`: what its JSON answer holds.  Raises `Problem` or a `Refusal`."""
        return self._call("GET", audience, path)

    def post(self, audience: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
        """POST `body` as JSON, under the Idempotency-Key `key`; our posts are all safe to repeat."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", audience, path, json=body or {}, headers=headers)

    def delete(self, audience: str, path: str) -> Any:
        """DELETE `path` of `audience`."""
        return self._call("DELETE", audience, path)

    def _call(self, method: str, audience: str, path: str, **arguments: Any) -> Any:
        presented = self._pattern.credentials_for(audience, flask.g.identity)
        headers = {**arguments.pop("headers", {}), **presented.get("headers", {}), "traceparent": audit.traceparent()}
        flask.g.calls += 1
        url = self._settings.peers[audience] + path  # type: ignore[index]  # audiences are service names
        arguments |= {**presented, "headers": headers, "timeout": self._settings.timeout, "allow_redirects": False}
        return _read(audience, *self._send(method, audience, url, arguments))

    def _send(self, method: str, audience: str, url: str, arguments: dict[str, Any]) -> tuple[int, bytes]:
        """One answer: its status and its body."""

        def ask() -> tuple[int, bytes]:
            with self._session.request(method, url, stream=True, **arguments) as response:
                return response.status_code, answers.read(response, MAX_ANSWER, self._settings.timeout)

        try:
            return calling.answered(ask)
        except requests.exceptions.SSLError as error:
            raise Unavailable(f"{audience} did not prove that it is {audience}") from error
        except (requests.Timeout, ReadTimeoutError) as error:
            raise TooLate from error
        except (requests.RequestException, HTTPError, OSError) as error:  # reading the body, urllib3 speaks for itself
            raise Unavailable(f"{audience} does not answer") from error


def _read(audience: str, status: int, body: bytes) -> Any:
    """What the answer means for us: its JSON, or the error to raise."""
    if status in {200, 201, 204} and len(body) <= MAX_ANSWER:
        return _json(audience, body) if body else None
    if status in PASSED_ON:
        document = _json(audience, body)
        if isinstance(document, dict) and isinstance(document.get("title"), str):
            raise Problem(status, document["title"], document.get("detail"))
    if status == 403:
        raise Forbidden(f"{audience} says no")
    if status == 401:
        raise NoCredentials(f"{audience} does not accept what we present")
    if status in {503, 504}:
        raise Unavailable(f"{audience} cannot tell")
    raise NoCredentials(f"{audience} answers {status}, which makes no sense to us")


def _json(audience: str, body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except ValueError:
        raise NoCredentials(f"{audience} answers without proper JSON") from None
