"""Errors as the caller sees them: RFC 9457 problem documents that say little, and the challenge that a 401 owes.

The reason of a refusal goes to the audit line; the caller learns which kind of no it was.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from services import audit
from services.identity import Refusal, StoreUnavailable, Unauthenticated, Unavailable

RETRY_AFTER_SECONDS = 2
log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is an error of the shop's own, such as an order for more than there is."""

    def __init__(self, status: int, title: str, detail: str | None = None, **extra: Any) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.extra = ({"detail": detail} if detail else {}) | extra


def install(app: flask.Flask, challenge: str | None) -> None:
    """Have every error of `app` answered as a problem document; a 401 carries `challenge`."""

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> flask.Response:
        audit.note(decision="deny", reason=refusal.reason)
        response = problem(refusal.status, refusal.title)
        offered = _challenge(challenge, refusal)
        if offered:
            response.headers["WWW-Authenticate"] = offered
        if isinstance(refusal, Unavailable):
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @app.errorhandler(Problem)
    def answered(error: Problem) -> flask.Response:
        audit.note(reason=error.extra.get("detail", error.title))
        return problem(error.status, error.title, **error.extra)

    @app.errorhandler(StoreUnavailable)
    def unreadable(error: StoreUnavailable) -> flask.Response:
        return refused(Unavailable(str(error)))

    @app.errorhandler(HTTPException)
    def mistaken(error: HTTPException) -> flask.Response:
        audit.note(decision="deny" if error.code in {400, 421, 429} else "allow", reason=error.name)
        response = problem(error.code or 500, error.name)
        response.headers.extend([pair for pair in error.get_headers() if pair[0] in {"Allow", "Retry-After"}])
        return response

    @app.errorhandler(Exception)
    def broken(error: Exception) -> flask.Response:
        log.error("%s %s failed", flask.request.method, flask.request.endpoint, exc_info=error)
        audit.note(decision="error", reason=type(error).__name__)
        return problem(500, "Internal Server Error")


def problem(status: int, title: str, **extra: Any) -> flask.Response:
    """A problem document (RFC 9457 §3); without a `type` of its own, it is what its status says."""
    document = {"type": "about:blank", "title": title} | extra | {"status": status}
    return flask.Response(json.dumps(document) + "\n", status, mimetype="application/problem+json")


def _challenge(scheme: str | None, refusal: Refusal) -> str | None:
    """The WWW-Authenticate of a refusal: with each 401; with Bearer also when an error code is due (RFC 6750 §3)."""
    if scheme is None:
        return None
    bearer = scheme.startswith("Bearer")
    if not isinstance(refusal, Unauthenticated) and not (bearer and refusal.error):
        return None
    if not bearer:
        return scheme
    error = f', error="{refusal.error}"' if refusal.error else ""
    scope = f', scope="{refusal.scope}"' if refusal.scope else ""
    return scheme + error + scope
