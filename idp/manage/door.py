"""The management door: whom it lets in, and how what it is asked becomes what is done.

It asks nobody who they are, so it is careful where they come from: only from this machine, and from no page that a
browser shows.  A name that an attacker points at 127.0.0.1 is not ours (DNS rebinding); a form on a page cannot send
JSON, a script on it cannot hide its origin.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import flask
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, MisdirectedRequest, UnsupportedMediaType

from idp.manage import clients, clock, faults, journal, keys, people, reset, revoke
from idp.manage.levers import ManagedProvider
from idp.manage.operations import OPERATIONS, PARAMETER, CannotDo, Operation, document
from services import strict_json
from services.bounded import BoundedRequest

OFFERED = (people, clients, faults, keys, clock, journal, revoke, reset)
OURS = re.compile(r"\A(127\.0\.0\.1|localhost)(:[0-9]{1,5})?\Z", re.ASCII)
POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


# Demo: production would ask who comes, by a certificate for example, and would have no faults to arm.
def create_door(provider: ManagedProvider) -> flask.Flask:
    """The door to what `provider` is."""
    app = flask.Flask("idp", static_folder="static", template_folder="templates")
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.before_request(_come_from_here)
    app.after_request(_headers)
    app.register_error_handler(CannotDo, lambda error: _problem(error.status, error.detail))
    app.register_error_handler(HTTPException, lambda error: _problem(error.code or 500, error.description or ""))
    app.add_url_rule("/", "page", lambda: flask.render_template("manage.html", operations=OPERATIONS))
    app.add_url_rule("/openapi.json", "openapi", lambda: flask.jsonify(document()))
    one_at_a_time = threading.Lock()
    for each in OPERATIONS:
        rule = PARAMETER.sub(r"<\1>", each.path)
        app.add_url_rule(rule, each.name, _view(each, provider, one_at_a_time), methods=[each.method])
    return app


def _view(operation: Operation, provider: ManagedProvider, one_at_a_time: threading.Lock) -> Callable[..., Any]:
    """What Flask calls: it reads what the operation takes, and writes what it answers."""
    body, query, answer = operation.body, operation.query, operation.answer

    def view(**arguments: str) -> flask.Response:
        asked: dict[str, Any] = dict(arguments)
        try:
            if body:
                asked["body"] = body.model_validate(_json())
            if query:
                asked["query"] = query.model_validate(flask.request.args.to_dict())
        except ValidationError as error:
            raise CannotDo(422, _what_is_wrong(error)) from None
        with one_at_a_time:
            provider.look()
            done = operation.does(provider, **asked)
        return flask.Response(answer.dump_json(done) + b"\n", mimetype="application/json")

    return view


def _json() -> Any:
    try:
        return strict_json.loads(flask.request.get_data() or b"{}")
    except ValueError:
        raise BadRequest("The body is not JSON, or has a member twice.") from None


def _what_is_wrong(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in found)


def _come_from_here() -> None:
    """Let in who comes from this machine, and from no page."""
    request = flask.request
    host = request.headers.get("Host", "")
    if not OURS.match(host):
        raise MisdirectedRequest("This door has no such name.")
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        raise Forbidden("This door is not for pages of another origin.")
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Forbidden("This door is not for pages of another site.")
    if request.method not in {"GET", "HEAD", "OPTIONS"} and request.mimetype != "application/json":
        raise UnsupportedMediaType("Send application/json.")


def _headers(response: flask.Response) -> flask.Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _problem(status: int, detail: str) -> flask.Response:
    """A problem document (RFC 9457 §3)."""
    response = flask.jsonify(title="Not done", status=status, detail=detail)
    response.status_code, response.mimetype = status, "application/problem+json"
    return response
