"""The log-in page: where a person proves who they are, to us and to nobody else.

It is shown on the way to a client and leads back to that client's request, never anywhere else: the page keeps the
request as its own query, so there is no address in it that could be swapped (RFC 9700 §4.11).
"""

from __future__ import annotations

from urllib.parse import urlencode

import flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from idp import pages, sessions
from idp.authorize import destination, origin_of
from idp.clients import Client
from idp.door import refuse_repeated, require_form
from idp.provider import current_provider
from services import audit
from services.users import WrongPassword

WRONG = 403
PER_PERSON = "5 per minute"
PER_ADDRESS = "30 per minute"
TOO_MANY = "Too many wrong passwords. Please wait a minute and try again."

views = flask.Blueprint("login", __name__)
# Demo: each worker counts for itself, so the limits are at most doubled here; production counts in one place (Redis).
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=True)


def _person_and_address() -> str:
    """Whom the guesses are about, and where they come from: they do not lock out the owner elsewhere (ASVS 6.3.1)."""
    return f"{flask.request.form.get('username', '')[:256].casefold()} {get_remote_address()}"


def _was_wrong(response: flask.Response) -> bool:
    return response.status_code == WRONG


@views.get("/login")
def show() -> str:
    """Ask who is there, for the client whose request is in the query."""
    return _page(_client())


@views.post("/login")
@limiter.limit(PER_PERSON, key_func=_person_and_address, deduct_when=_was_wrong, error_message=TOO_MANY)
@limiter.limit(PER_ADDRESS, deduct_when=_was_wrong, error_message=TOO_MANY)
def log_in() -> Response | tuple[str, int]:
    """Check name and password, and go back to the request: 303, as 307 sends the password on (RFC 9700 §4.12)."""
    require_form(flask.request)
    client, form = _client(), flask.request.form
    if not sessions.csrf_token_matches():
        raise BadRequest("This form is too old, or it did not come from this page.")
    audit.note(event="login", caller=client.client_id)
    try:
        user = current_provider().users.check(form.get("username", ""), form.get("password", ""))
    except WrongPassword:
        user = None
    if user is None or current_provider().clients.get(user.name):  # a client is never a person (RFC 9700 §4.15)
        audit.note(decision="deny", reason="wrong name or password")
        return _page(client, "That is not a name and password that we know. Please try again."), WRONG
    audit.note(user=user.name)
    sessions.begin(user)
    # a fresh log-in is what these two asked for: with them, the request would lead back here for ever
    asked = [(name, value) for name, value in flask.request.args.items(multi=True) if name not in {"prompt", "max_age"}]
    return flask.redirect(f"{flask.url_for('authorize.authorize')}?{urlencode(asked)}", 303)


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
