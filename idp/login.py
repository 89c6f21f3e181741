"""The log-in page: where a person proves who they are, to us and to nobody else.

It is shown on the way to a client and leads back to that client's request, never anywhere else: the page keeps the
request as its own query, so there is no address in it that could be swapped (RFC 9700 §4.11).
"""

from __future__ import annotations

from urllib.parse import urlencode

import flask
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from idp import pages, sessions
from idp.authorize import destination, origin_of
from idp.clients import Client
from idp.door import refuse_repeated, require_form
from idp.provider import current_provider
from services import audit
from services.guesses import Guesses
from services.users import User, WrongPassword

WRONG = 403
PER_PERSON = 5
"""Wrong passwords a minute for one person from one address; the owner elsewhere is not locked out (ASVS 6.3.1)."""
PER_ADDRESS = 30

views = flask.Blueprint("login", __name__)


def install(app: flask.Flask) -> None:
    """Have `app` count wrong passwords.  # Demo: each worker counts for itself; production counts in one place."""
    app.extensions["guesses"] = Guesses(per_name=PER_PERSON, per_address=PER_ADDRESS)


@views.get("/login")
def show() -> str:
    """Ask who is there, for the client whose request is in the query."""
    return _page(_client())


@views.post("/login")
def log_in() -> Response | tuple[str, int]:
    """Check name and password, and go back to the request: 303, as 307 sends the password on (RFC 9700 §4.12)."""
    require_form(flask.request)
    client, form = _client(), flask.request.form
    if not sessions.csrf_token_matches():
        raise BadRequest("This form is too old, or it did not come from this page.")
    audit.note(event="login", caller=client.client_id)
    guesses: Guesses = flask.current_app.extensions["guesses"]
    try:
        with guesses.counted(form.get("username", ""), flask.request.remote_addr or ""):
            user = _proven(form.get("username", ""), form.get("password", ""))
    except WrongPassword:
        audit.note(decision="deny", reason="wrong name or password")
        return _page(client, "That is not a name and password that we know. Please try again."), WRONG
    audit.note(user=user.name)
    sessions.begin(user)
    # a fresh log-in is what these two asked for: with them, the request would lead back here for ever
    asked = [(name, value) for name, value in flask.request.args.items(multi=True) if name not in {"prompt", "max_age"}]
    if "id_token_hint" in flask.request.args:  # whoever it means was here now or was not: no second page changes that
        asked.append(("prompt", "none"))
    return flask.redirect(f"{flask.url_for('authorize.authorize')}?{urlencode(asked)}", 303)


def _proven(name: str, password: str) -> User:
    """The person whose name and password these are; a client is never a person (RFC 9700 §4.15)."""
    user = current_provider().users.check(name, password)
    if current_provider().clients.get(user.name):
        raise WrongPassword
    return user


def _client() -> Client:
    """The client whose request is in the query; the page's form may lead on to its redirect URI."""
    client, redirect_uri = destination(flask.request.args)
    refuse_repeated(flask.request.args)
    pages.form_may_lead_to(origin_of(redirect_uri))
    return client


def _page(client: Client, problem: str | None = None) -> str:
    username = flask.request.form.get("username", "")[:256]
    return flask.render_template(
        "login.html", client=client, problem=problem, username=username, csrf=sessions.csrf_token()
    )
