"""One JSON line per decision: who asked for what, who vouched for them, what was checked, and what came of it.

The lines of one request carry one trace id through every service (W3C Trace Context), so the story of an order can be
told hop by hop.  A credential is never written: what was presented appears with its secret replaced by a fingerprint.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any, TextIO

import flask
from werkzeug.routing import Rule

from services import tls

TRACEPARENT = re.compile(r"\A00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}\Z", re.ASCII)
UNLOGGED = frozenset({"healthz", "readyz"})
_encode = json.JSONEncoder(default=str).encode
_one_line_at_a_time = threading.Lock()


def install(app: flask.Flask, service: str, *, trust_caller: bool = True) -> None:
    """Give `app` a trace per request and a line per answer.

    A valid incoming `traceparent` is joined when `trust_caller`; at the edge it is not (W3C Trace Context §7.1), and
    the answer names the trace instead.
    """

    @app.before_request
    def begin() -> None:
        g, request = flask.g._get_current_object(), request_at_hand()
        known = TRACEPARENT.match(request.environ.get("HTTP_TRACEPARENT", "")) if trust_caller else None
        made = f"{random.getrandbits(192):048x}"  # names, not secrets: it is enough that no two are the same
        g.trace, g.parent = known.groups() if known else (made[:32], None)
        g.span = made[32:]
        g.began = time.monotonic()
        g.record = {"presented": presented(request)}
        g.calls = g.idp_calls = 0

    @app.after_request
    def end(response: flask.Response) -> flask.Response:
        g, request = flask.g._get_current_object(), request_at_hand()
        if "record" not in g or request.endpoint in UNLOGGED:
            return response
        rule: Rule | None = request.url_rule
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "trace": g.trace,
            "span": g.span,
            "parent": g.parent,
            "service": service,
            "method": request.method,
            "route": rule.rule if rule else None,
            "decision": "deny" if response.status_code in {401, 403, 503} else "allow",
            "status": response.status_code,
            "calls": g.calls,
            "idp_calls": g.idp_calls,
            "duration_ms": round((time.monotonic() - g.began) * 1000, 1),
        }
        write(line | g.record)
        if not trust_caller:
            response.headers["traceresponse"] = f"00-{g.trace}-{g.span}-00"
        return response


def request_at_hand() -> flask.Request:
    """The request itself: not Flask's proxy, which looks it up at each use."""
    request: flask.Request = flask.request._get_current_object()  # type: ignore[attr-defined]  # a proxy has it
    return request


def note(**fields: Any) -> None:
    """Add `fields` to the line of the request at hand; outside of a request there is no line to add to."""
    try:
        record = flask.g._get_current_object().get("record")
    except RuntimeError:
        return
    if record is not None:
        record.update(fields)


def write(line: dict[str, Any], stream: TextIO | None = None) -> None:
    """Write one JSON object as one line, whole, whatever its values hold."""
    text = _encode(line) + "\n"
    with _one_line_at_a_time:
        out = stream or sys.stdout
        out.write(text)
        out.flush()


def traceparent() -> str:
    """The `traceparent` of a call that this request makes (W3C Trace Context §3.2)."""
    return f"00-{flask.g.trace}-{flask.g.span}-00"


def deadline(budget: float) -> float:
    """When the request at hand has had `budget` seconds, on the monotonic clock; without one, so long from now."""
    began: float = flask.g.get("began", time.monotonic()) if flask.has_request_context() else time.monotonic()
    return began + budget


def fingerprint(secret: str | bytes) -> str:
    """What a secret may be called in a log: enough to see that two are the same, useless otherwise.

    Only for secrets with entropy of their own, such as tokens: the hash of a password could be guessed.
    """
    octets = secret.encode(errors="surrogateescape") if isinstance(secret, str) else secret
    return f"sha256:{hashlib.sha256(octets).hexdigest()[:8]}"


def presented(request: flask.Request) -> list[str]:
    """What the request shows for itself, with every secret taken out."""
    environ = request.environ
    shown = [redacted(environ["HTTP_AUTHORIZATION"])] if "HTTP_AUTHORIZATION" in environ else []
    if "HTTP_X_USER" in environ:
        shown.append(f"X-User: {environ['HTTP_X_USER'][:64]}")
    if "HTTP_COOKIE" in environ and flask.current_app.config["SESSION_COOKIE_NAME"] in request.cookies:
        shown.append("session cookie")
    return [*_certificate(request), *shown]


def _certificate(request: flask.Request) -> list[str]:
    try:
        peer = tls.peer(request.environ)
    except tls.BadPeer:
        return ["a certificate that may not name anyone"]
    return [f"certificate of {peer.spiffe_id}"] if peer else []


def redacted(value: str) -> str:
    """What an Authorization header may be called in a log: its scheme, and no secret."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return f"Bearer {fingerprint(rest)}"
    if scheme.lower() == "basic":
        return f"Basic {_user_id(rest)}:***"
    return "Authorization: ***"


def _user_id(encoded: str) -> str:
    """The user-id of Basic credentials (RFC 7617 §2), or `?` when they are not well-formed."""
    try:
        user_id, colon, _ = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # not base64, not even ASCII, or not UTF-8
        return "?"
    return user_id[:64] if colon else "?"
