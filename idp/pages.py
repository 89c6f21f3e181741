"""How answers look: pages for people, JSON for clients, and the headers that keep both from being misused."""

from __future__ import annotations

import logging

import flask
from authlib.oauth2 import OAuth2Error
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from idp.answers import ALWAYS, POLICY, Answer
from idp.provider import current_provider
from services import audit
from services.identity import StoreUnavailable

log = logging.getLogger(__name__)
FOR_PEOPLE = frozenset({"authorize", "login", "logout"})
PUBLIC = frozenset({"metadata.configuration", "metadata.jwks", "static"})
"""What anybody may keep for a while; everything else is for one reader, once."""
ERRORS = {405: "invalid_request", 413: "invalid_request", 415: "invalid_request", 503: "temporarily_unavailable"}


def install(app: flask.Flask) -> None:
    """Give every answer of `app` its headers, and every failure its form."""
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _failed)
    app.register_error_handler(OAuth2Error, _refused)
    for failure in (OperationalError, InterfaceError, TimeoutError, StoreUnavailable):
        app.register_error_handler(failure, _unavailable)


def form_may_lead_to(origin: str) -> None:
    """Let this page's form end at `origin`: browsers hold the redirects after a form to `form-action` as well."""
    flask.g.form_targets = f" {origin}"


def _headers(response: flask.Response) -> flask.Response:
    """The headers of every answer; no CORS header: no script needs us (RFC 9700 §2.6).  An `Answer` has its own."""
    if not isinstance(response, Answer):
        headers, targets = response.headers, flask.g.get("form_targets", "")
        headers["Cache-Control"] = "max-age=60" if flask.request.endpoint in PUBLIC else "no-store"
        headers["Content-Security-Policy"] = POLICY.format(targets)
        headers.update(ALWAYS)
    return response


def _failed(error: HTTPException) -> flask.Response:
    """A page for a person, `{"error": …}` for a client; the text is ours, never the request's."""
    status = error.code or 500
    if status >= 400:
        audit.note(decision="deny", reason=error.description)
    if _for_a_person():
        response = flask.make_response(flask.render_template("error.html", error=error), status)
    else:
        answer = {"error": ERRORS.get(status, "invalid_request" if status < 500 else "server_error")}
        response = flask.make_response(flask.jsonify(answer | {"error_description": error.description}), status)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _for_a_person() -> bool:
    if flask.request.blueprint is None and flask.request.endpoint is None:
        return flask.request.accept_mimetypes.accept_html
    return flask.request.blueprint in FOR_PEOPLE


def _refused(error: OAuth2Error) -> flask.Response:
    """An error of the protocol: on a page where a person is looking, as RFC 6749 §5.2 has it for a client."""
    if _for_a_person():
        page = HTTPException(error.description)
        page.code = error.status_code
        return _failed(page)
    return current_provider().handle_error_response(None, error)


def _unavailable(error: Exception) -> flask.Response:
    """The store cannot answer: we cannot tell, so the answer is no, for now."""
    log.error("the store does not answer", exc_info=error)
    return _failed(ServiceUnavailable("The identity provider cannot answer just now.", retry_after=2))
