"""Ending the session (OpenID Connect RP-Initiated Logout 1.0).

A client sends the browser here with the ID token that it got: that proves whose log-in is meant.  Without one, the
person is asked first, since anybody can put a link on a page (§6).  Where to go afterwards must be registered (§3).
"""

from __future__ import annotations

from urllib.parse import urlencode

import flask
from authlib.common.urls import add_params_to_uri
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from idp import pages, sessions
from idp.authorize import origin_of
from idp.clients import Client
from idp.door import refuse_repeated, require_form
from idp.keys import BadToken
from idp.provider import current_provider
from services import audit

views = flask.Blueprint("logout", __name__)


@views.get("/logout")
def end_session() -> Response | str:
    """Log the person out if the ID token names them, else ask them."""
    asked = flask.request.args
    refuse_repeated(asked)
    subject, client = _hint(asked)
    target = _target(asked, client)
    login = sessions.current_login()
    if login is not None and login.user.name != subject:
        if target:
            pages.form_may_lead_to(origin_of(target))
        return flask.render_template("logout.html", client=client, csrf=sessions.csrf_token())
    return _ended(login, target if subject else None)


@views.post("/logout")
def confirmed() -> Response | str:
    """Log the person out: they said so on our page, whose query is the client's request.

    A client may also send its request as a form (§2).  Our cookie does not come with a form from elsewhere, so that is
    turned into a link.
    """
    require_form(flask.request)
    if "csrf" not in flask.request.form:
        return flask.redirect(f"{flask.url_for('.end_session')}?{urlencode(list(flask.request.form.items()))}", 303)
    if not sessions.csrf_token_matches():
        raise BadRequest("This form is too old, or it did not come from this page.")
    refuse_repeated(flask.request.args)
    _, client = _hint(flask.request.args)
    target = _target(flask.request.args, client)
    if target:
        pages.form_may_lead_to(origin_of(target))
    return _ended(sessions.current_login(), target)


def _ended(login: sessions.Login | None, target: str | None) -> Response | str:
    if login is not None:
        audit.note(event="logout", user=login.user.name)
        sessions.end(login)
    return flask.redirect(target, 303) if target else flask.render_template("logged_out.html")


def _hint(asked: MultiDict[str, str]) -> tuple[str | None, Client | None]:
    """Whom the ID token is about, and which client asks: an expired one tells (§2), a foreign one does not (§4)."""
    clients, client_id, subject = current_provider().clients, asked.get("client_id"), None
    if "id_token_hint" in asked:
        try:
            claims = current_provider().keys.verify(asked["id_token_hint"], "JWT")
        except BadToken:
            raise BadRequest("The application did not show an ID token of ours.") from None
        if client_id not in (None, claims["aud"]):
            raise BadRequest("The application shows another application's ID token.")
        client_id, subject = claims["aud"], claims["sub"]
    return subject, clients.get(client_id)


def _target(asked: MultiDict[str, str], client: Client | None) -> str | None:
    """Where to go afterwards: nowhere, or to a page that the client registered, with its `state` (§3)."""
    uri = asked.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None or uri not in client.post_logout_redirect_uris:
        raise BadRequest("The application wants you sent to an address that is not registered for it.")
    return str(add_params_to_uri(uri, {"state": asked["state"]})) if "state" in asked else uri
