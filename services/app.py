"""Where pattern, policy and views meet: no view runs before the pattern has named the caller.

create_app     an application whose every view says what it takes, guarded by the pattern in force
requires       what a view takes, as an operation of `policy.POLICY`
open_to_all    a view that takes nothing, said out loud
peers          the other services, called as ourselves for the current user
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import BadRequest, MisdirectedRequest
from werkzeug.routing import BaseConverter

from services import audit, policy, problems
from services.bounded import BoundedRequest
from services.identity import Identity
from services.patterns import Pattern, pattern
from services.peers import Peers
from services.routing import Application
from services.settings import Settings

MAX_BODY = 16 * 1024
View = TypeVar("View", bound=Callable[..., Any])


class Sku(BaseConverter):
    """The name of a thing on the shelf, in a path."""

    regex = "[a-z][a-z0-9-]{0,31}"


class Reference(BaseConverter):
    """The id of an order, a charge or a reservation, in a path."""

    regex = "[0-9a-f]{32}"


class UndeclaredView(Exception):
    """A view says neither what it requires nor that it is open to all, so the service does not start."""


def requires(operation: str) -> Callable[[View], View]:
    """Declare that a view takes `operation`; the guard checks it before the view runs."""
    policy.POLICY[operation]  # an operation that is not in the table fails at import

    def declare(view: View) -> View:
        view.requires = operation  # type: ignore[attr-defined]  # read by the guard
        return view

    return declare


def open_to_all(view: View) -> View:
    """Declare that a view answers anybody."""
    view.requires = None  # type: ignore[attr-defined]  # read by the guard
    return view


def peers() -> Peers:
    """The other services, called as ourselves for the current user."""
    found: Peers = flask.current_app.extensions["peers"]
    return found


def identity() -> Identity:
    """Who this request is from and for, as the pattern has proven it."""
    found: Identity = flask.g.identity
    return found


def create_app(
    settings: Settings,
    views: flask.Blueprint,
    ready: Callable[[], None],
    authenticate: Callable[[flask.Request], Identity] | None = None,
    challenge: str | None = None,
) -> flask.Flask:
    """The service `settings.service` with its `views`, behind the pattern `settings.pattern`.

    `ready` raises when the service could not serve.  The gateway passes its own `authenticate` and `challenge`, since
    at the edge people prove themselves; every other service asks the pattern.  Raises `UndeclaredView`.
    """
    app = Application(__name__, settings.service, static_folder=None)
    app.request_class = BoundedRequest
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, MAX_FORM_PARTS=50)
    app.url_map.converters |= {"sku": Sku, "reference": Reference}
    guard: Pattern = pattern(settings.pattern, settings)
    at_edge = settings.service == "gateway"
    audit.install(app, settings.service, trust_caller=not at_edge)
    problems.install(app, challenge if at_edge else guard.challenge)
    app.before_request(_one_host(settings))
    app.before_request(_guarded(app.view_functions, authenticate or guard.authenticate))
    app.extensions["peers"] = Peers(settings, guard)
    app.register_blueprint(views)
    users = getattr(guard, "users", None)  # under `basic`, no service can do without the user store
    _health(app, [ready, *([users.answers] if users else [])])
    app.after_request(_headers)
    _refuse_undeclared(app)
    return app


def _guarded(views: Mapping[str, Any], authenticate: Callable[[flask.Request], Identity]) -> Callable[[], None]:
    """The guard of every request: name the caller, then ask the policy; only an open view needs neither."""

    def guard() -> None:
        request = audit.request_at_hand()
        view = views.get(request.endpoint or "")
        if view is not None and view.requires is None:
            return
        flask.g._get_current_object().identity = found = authenticate(request)
        audit.note(caller=found.caller, user=found.user, vouched_by=found.vouched_by, checked=found.checked)
        if view is not None:
            audit.note(operation=view.requires, authorized_by=policy.authorize(found, view.requires))

    return guard


def _one_host(settings: Settings) -> Callable[[], None]:
    """A request names one of our hosts: 400 without (RFC 9112 §3.2), 421 for somebody else's (RFC 9110 §7.4)."""
    ours = {settings.service, "localhost", "127.0.0.1", "[::1]", urlsplit(settings.edge).hostname}

    def check() -> None:
        environ = audit.request_at_hand().environ
        host = environ.get("HTTP_HOST", "")
        if not host or "," in host:
            raise BadRequest
        target = environ.get("RAW_URI", "/")
        absolute = "" if target.startswith("/") else urlsplit(target).netloc.rpartition("@")[2]
        for named in (host, absolute or host):  # in absolute form, the target's counts (RFC 9112 §3.2.2)
            if re.sub(r":\d{1,5}\Z", "", named).lower() not in ours:
                raise MisdirectedRequest

    return check


def _health(app: flask.Flask, needed: list[Callable[[], None]]) -> None:
    """Alive, and able to serve: two different questions."""

    @app.get("/healthz")
    @open_to_all
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    @open_to_all
    def readyz() -> dict[str, str]:
        for ready in needed:
            ready()
        return {"status": "ok"}


def _headers(response: flask.Response) -> flask.Response:
    """Answers are for whoever asked, and for nobody's cache."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _refuse_undeclared(app: flask.Flask) -> None:
    undeclared = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "requires"))
    if undeclared:
        raise UndeclaredView(f"no @requires and no @open_to_all on: {', '.join(undeclared)}")
