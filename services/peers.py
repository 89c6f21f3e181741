"""Calling the other services: as ourselves, for the current user, within a size, and a time for all calls of a request.

Nothing about a user is kept with the connections that all threads share: what we present goes with the one call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from services import audit, strict_json
from services.bulkhead import Bulkhead, Full
from services.calling import Callee, Failed, TooSlow, Unproven
from services.identity import Forbidden, NoCredentials, Unavailable
from services.patterns import Pattern
from services.problems import Problem
from services.settings import Settings

MAX_ANSWER = 1024 * 1024
JSON = {"Content-Type": "application/json"}
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
        self._callees: dict[str, Callee] = {name: Callee(url, name) for name, url in settings.peers.items()}
        self._places = {name: Bulkhead(TooSlow, settings.budget) for name in self._callees}

    def get(self, audience: str, path: str) -> Any:
        """GET `path` of `audience`: what its JSON answer holds.  Raises `Problem` or a `Refusal`."""
        return self._call("GET", audience, path)

    def post(self, audience: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Any:
        """POST `body` as JSON, under the Idempotency-Key `key`; our posts are all safe to repeat."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", audience, path, json.dumps(body or {}).encode(), headers | JSON)

    def delete(self, audience: str, path: str) -> Any:
        """DELETE `path` of `audience`."""
        return self._call("DELETE", audience, path)

    def _call(
        self, method: str, audience: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        presented = self._pattern.credentials_for(audience, flask.g.identity)
        deadline = audit.deadline(self._settings.budget)
        try:
            with self._places[audience].place(deadline):
                flask.g.calls += 1
                status, answer = self._callees[audience].ask(
                    method,
                    path,
                    presented,
                    headers={**(headers or {}), "traceparent": audit.traceparent()},
                    body=body,
                    deadline=deadline,
                    most=MAX_ANSWER,
                )
        except Unproven as error:
            raise Unavailable(f"{audience} did not prove that it is {audience}") from error
        except TooSlow as error:
            raise TooLate from error
        except Full as error:
            raise Unavailable(f"{audience} is slow, and others wait for it") from error
        except Failed as error:
            raise Unavailable(f"{audience} does not answer") from error
        return _read(audience, status, answer)


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
    if status == 503:
        raise Unavailable(f"{audience} cannot tell")
    if status == 504:
        raise TooLate
    raise NoCredentials(f"{audience} answers {status}, which makes no sense to us")


def _json(audience: str, body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except ValueError:
        raise NoCredentials(f"{audience} answers without proper JSON") from None
