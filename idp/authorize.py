"""The authorization endpoint: a browser comes with a client's request and leaves with a code, or with an error.

Who cannot be told apart from an attacker is shown a page and never redirected: an unknown client, or a redirect URI
that is not registered (RFC 6749 §4.1.2.1, RFC 9700 §4.11.2).  Every other answer goes to that URI, and says which
server gave it (RFC 9207).
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

import flask
from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from idp import resource
from idp.clients import Client
from idp.door import refuse_repeated, require_form
from idp.keys import BadToken
from idp.provider import current_provider
from idp.sessions import Login, current_login
from services import audit

PROMPTS = ["none", "login"]
SECONDS = re.compile(r"\A[0-9]{1,9}\Z", re.ASCII)
views = flask.Blueprint("authorize", __name__)


@views.post("/authorize")
def authorize_by_form() -> Response:
    """Turn a form into the same request as a link (OpenID Connect Core §3.1.2.1): our cookie comes with links only."""
    require_form(flask.request)
    return flask.redirect(f"{flask.url_for('.authorize')}?{urlencode(list(flask.request.form.items(multi=True)))}", 303)


@views.get("/authorize")
def authorize() -> Response:
    """Answer a request for a code (RFC 6749 §4.1.1); without a log-in, ask for one first.

    There is no page to consent on: all clients are the shop's own.
    """
    provider, asked = current_provider(), flask.request.args
    client, redirect_uri = destination(asked)
    audit.note(caller=client.client_id)
    try:
        refuse_repeated(asked)
        check(asked)
        resource.audiences(asked, client.audience)
        login = current_login()
        grant = provider.get_consent_grant(end_user=login)
        if login is None or must_log_in_again(asked, login):
            if asked.get("prompt") == "none":
                raise OAuth2Error("The log-in that is asked for is not there.", error="login_required")
            return flask.redirect(f"{flask.url_for('login.show')}?{urlencode(list(asked.items(multi=True)))}", 303)
        audit.note(user=login.user.name)
        response = provider.create_authorization_response(grant_user=login, grant=grant)
    except OAuth2Error as error:
        error.redirect_uri, error.state = redirect_uri, asked.get("state")
        response = provider.handle_error_response(None, error)
    response.location = add_params_to_uri(response.location, {"iss": provider.issuer})  # RFC 9207 §2: with errors too
    return response  # type: ignore[no-any-return]  # Authlib has no types


def destination(asked: MultiDict[str, str]) -> tuple[Client, str]:
    """The client that asks and the redirect URI it may be answered at; a 400 page when either is not registered."""
    client_ids, redirect_uris = asked.getlist("client_id"), asked.getlist("redirect_uri")
    client = current_provider().clients.get(client_ids[0]) if len(client_ids) == 1 else None
    if client is None:
        raise BadRequest("No application that we know sent you here.")
    if len(redirect_uris) != 1 or not client.check_redirect_uri(redirect_uris[0]):
        raise BadRequest("The application wants you sent to an address that is not registered for it.")
    return client, redirect_uris[0]


def origin_of(uri: str) -> str:
    """Scheme, host and port of `uri`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def check(asked: MultiDict[str, str]) -> None:
    """Refuse what we do not offer, rather than do something else than was asked for.

    Only who asks for `claims` one by one gets those that the scopes open: to leave them out is no error, not even when
    they are called essential (OpenID Connect Core §5.5, §5.5.1).
    """
    if "request" in asked:
        raise OAuth2Error("Requests as JWTs are not taken.", error="request_not_supported")  # OpenID Connect Core §6.1
    if "request_uri" in asked:
        raise OAuth2Error("Requests by reference are not taken.", error="request_uri_not_supported")
    if "response_type" not in asked:
        raise InvalidRequestError("response_type is missing.")
    if asked["response_type"] != "code":  # no implicit grant (RFC 9700 §2.1.2)
        raise OAuth2Error("Only response_type=code is offered.", error="unsupported_response_type")
    if asked.get("response_mode", "query") != "query":
        raise InvalidRequestError("Only response_mode=query is offered.")
    if asked.get("prompt", "login") not in PROMPTS:
        raise InvalidRequestError("prompt is neither none nor login.")
    if not SECONDS.match(asked.get("max_age", "0")):
        raise InvalidRequestError("max_age is not a number of seconds.")


def must_log_in_again(asked: MultiDict[str, str], login: Login) -> bool:
    """Whether this log-in is not the one that the client asks for (OpenID Connect Core §3.1.2.1)."""
    if asked.get("prompt") == "login":
        return True
    if "max_age" in asked:
        age = current_provider().clock() - login.auth_time
        if age > int(asked["max_age"]) or int(asked["max_age"]) == 0:
            return True
    if "id_token_hint" in asked:
        try:
            return current_provider().keys.verify(asked["id_token_hint"], "JWT").get("sub") != login.user.name
        except BadToken:
            raise InvalidRequestError("id_token_hint is not an ID token of ours.") from None
    return False
