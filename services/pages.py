"""The gateway for people: the shelf, their orders, and logging in and out.

No script at all, so the content security policy can forbid every one.  Each form carries a token that belongs to the
browser's session (OWASP CSRF Cheat Sheet, synchronizer token), and the cookie cannot be set by a neighbour (`__Host-`).
"""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path
from typing import Any

import flask
from werkzeug.wrappers import Response

from services import audit, bodies, policy
from services.api import order_for
from services.app import identity, open_to_all, peers, requires
from services.edge import Edge
from services.identity import Forbidden, Unauthenticated
from services.problems import Problem
from services.sessions import Session
from services.settings import Settings
from services.users import UserStore, WrongPassword

HERE = Path(__file__).parent
MAX_AGE_OF_STYLE = 3600
CALLBACK = "gateway.pages.callback"
views = flask.Blueprint("pages", __name__, template_folder="templates")


@views.get("/")
@open_to_all
def home() -> str | Response:
    """The front door: what this shop is, and where to log in."""
    if _edge().sessions.find(flask.session.get("id")):
        return _go("pages.shelf")
    return flask.render_template("home.html")


@views.get("/shelf")
@requires("items:read")
def shelf() -> str:
    """What there is, and a button to buy it; each form carries an Idempotency-Key of its own."""
    return flask.render_template("shelf.html", items=peers().get("inventory", "/items"), key=secrets.token_hex)


@views.post("/buy")
@requires("orders:write")
def buy() -> Response:
    """Place the order of one form."""
    form = flask.request.form
    try:
        wanted = {"sku": form.get("sku", ""), "quantity": int(form.get("quantity", ""))}
    except ValueError:
        raise Problem(422, "Unprocessable Content", "the quantity is not a number") from None
    order = peers().post("orders", "/orders", wanted, key=bodies.checked_key(form.get("key", "")))
    return _go("pages.order", order_id=order["id"])


@views.get("/orders")
@requires("orders:read")
def orders() -> str:
    """My orders."""
    return flask.render_template("orders.html", orders=peers().get("orders", "/orders"))


@views.get("/orders/<reference:order_id>")
@requires("orders:read")
def order(order_id: str) -> str:
    """One order; support finds a button to refund it."""
    return flask.render_template(
        "order.html", order=order_for(order_id), may_refund=policy.allows(identity(), "orders:refund")
    )


@views.post("/orders/<reference:order_id>/refund")
@requires("orders:refund")
def refund(order_id: str) -> Response:
    """Give the money back."""
    peers().post("orders", f"/orders/{order_id}/refund")
    return _go("pages.order", order_id=order_id)


@views.get("/login")
@open_to_all
def login() -> str | Response:
    """By form here, or at the IdP's own page."""
    relying_party = _edge().relying_party
    return relying_party.redirect() if relying_party else flask.render_template("login.html")


@views.post("/login")
@open_to_all
def log_in() -> Response | tuple[str, int]:
    """Check a name and password once, at the edge."""
    edge, form = _edge(), flask.request.form
    if edge.users is None:
        flask.abort(404)
    name, password = form.get("username", ""), form.get("password", "")
    try:
        with edge.guesses.counted(name, flask.request.remote_addr or ""):
            session = _proven(edge, edge.users, name, password)
    except Unauthenticated as refusal:
        audit.note(decision="deny", reason=refusal.reason)
        return flask.render_template("login.html", failed=True, username=name), 403  # a 401 would owe a challenge
    return _welcome(session)


@views.get("/callback")
@open_to_all
def callback() -> Response:
    """Back from the IdP with a code."""
    relying_party = _edge().relying_party
    if relying_party is None:
        flask.abort(404)
    return _welcome(relying_party.finish())


@views.post("/logout")
@open_to_all
def log_out() -> Response:
    """End the session here, and at the IdP where there is one."""
    edge = _edge()
    session = edge.sessions.close(flask.session.get("id"))
    flask.session.clear()
    there = edge.relying_party.end(session) if session and edge.relying_party else None
    return flask.redirect(there, 303) if there else _go("pages.home")


@views.get("/static/style.css")
@open_to_all
def style() -> Response:
    """How the pages look."""
    return flask.send_from_directory(HERE / "static", "style.css", max_age=MAX_AGE_OF_STYLE)


def install(app: flask.Flask, settings: Settings, edge: Edge) -> None:
    """Give `app` what the pages need: cookies, form tokens, headers, and the IdP's log-in where there is one."""
    app.secret_key = settings.secret("cookie_key")
    app.config.update(
        SESSION_COOKIE_NAME=f"__Host-shop-{settings.port}",  # cookies do not tell ports apart, so the name has to
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    if not edge.by_form:
        from services.relying_party import RelyingParty

        edge.relying_party = RelyingParty(app, settings)
    app.jinja_env.globals.update(csrf_token=_csrf_token, pattern=settings.pattern, by_form=edge.by_form)
    app.jinja_env.filters["money"] = lambda cents: f"{cents // 100:,}.{cents % 100:02d}"
    app.after_request(_page_headers(settings))
    app.after_request(_for_people)  # runs before the other: what is registered last comes first


@views.before_request
def same_browser() -> None:
    """A form counts only with the token of this browser's session."""
    if flask.request.method == "POST":
        sent, expected = flask.request.form.get("csrf", ""), flask.session.get("csrf", "")
        if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
            raise Forbidden("the form does not carry this browser's token")


def _for_people(response: flask.Response) -> flask.Response:
    """An error, as a page: whatever the API would say as a problem document, a person is shown.

    Somebody whom the shop does not know (any more) is shown the front door instead.
    """
    if response.mimetype != "application/problem+json" or flask.request.path.startswith("/api/"):
        return response
    said = json.loads(response.get_data())
    status, title, detail = said["status"], said["title"], said.get("detail", "")
    if status == 401 and flask.request.endpoint != CALLBACK:
        _edge().sessions.close(flask.session.pop("id", None))  # or the front door would lead back to where they were
        return flask.make_response(_go("pages.home"))
    if status == 401:  # a page asks for no scheme, and a 401 would have to (RFC 9110 §15.5.2)
        status, title, detail = 403, "Forbidden", "The log-in did not work."
    page = flask.make_response(flask.render_template("error.html", status=status, title=title, detail=detail), status)
    page.headers.extend([pair for pair in response.headers.items() if pair[0] in {"Allow", "Retry-After"}])
    return page


def _proven(edge: Edge, users: UserStore, name: str, password: str) -> Session:
    try:
        user = users.check(name, password)
    except WrongPassword:
        raise Unauthenticated(f"wrong name or password for {name[:64]}") from None
    kept = password if edge.settings.pattern == "basic" else None  # only `basic` needs it again: to forward it
    return Session(user.name, user.version, password=kept)


def _welcome(session: Session) -> Response:
    """Start afresh: a new session id and a new form token, so that nothing known before the log-in counts after it."""
    audit.note(user=session.user, event="log-in")
    _edge().sessions.close(flask.session.get("id"))
    flask.session.clear()
    flask.session["id"] = _edge().sessions.open(session)
    return _go("pages.shelf")


def _csrf_token() -> str:
    token: str = flask.session.setdefault("csrf", secrets.token_urlsafe(32))
    return token


def _edge() -> Edge:
    found: Edge = flask.current_app.extensions["edge"]
    return found


def _go(endpoint: str, **values: Any) -> Response:
    """See other: never repeat a POST (RFC 9700 §4.12)."""
    return flask.redirect(flask.url_for(f"gateway.{endpoint}", **values), 303)


def _page_headers(settings: Settings) -> Any:
    """No script, no frame, no form to elsewhere, but for logging out at the IdP (CSP Level 3)."""
    policy_line = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {settings.issuer}"
    )

    def headers(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = policy_line
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Frame-Options"] = "DENY"
        return response

    return headers
