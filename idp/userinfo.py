"""The UserInfo endpoint: what a client may know about the person (OpenID Connect Core §5.3, §5.4)."""

from __future__ import annotations

import re
from typing import Any

import flask

from idp import mtls
from idp.provider import current_provider
from idp.tokens import Token
from services import audit
from services.users import User

BEARER = re.compile(r"\ABearer ([A-Za-z0-9._~+/-]+=*)\Z", re.ASCII | re.IGNORECASE)  # RFC 6750 §2.1
CLAIMS = ["sub", "name", "preferred_username", "email"]
views = flask.Blueprint("userinfo", __name__)


@views.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> flask.Response:
    """Answer with the claims that the token's scopes open, to whoever bears it in the header, and only there.

    One that names an actor was exchanged for a service: it is for that one alone, and not for us (RFC 9068 §4).
    """
    shown = flask.request.headers.get("Authorization", "")
    if shown.partition(" ")[0].lower() != "bearer":
        return _refuse(401, None)  # RFC 6750 §3.1: no error code, since nothing was wrong but the silence
    if "access_token" in flask.request.args or "access_token" in flask.request.form:
        return _refuse(400, "invalid_request")  # RFC 6750 §2: a token comes in one way
    match = BEARER.match(shown)
    token = current_provider().tokens.find(match[1]) if match else None
    person = current_provider().users.get(token.authorization.user or "") if token else None
    if token is None or person is None or token.act is not None:
        return _refuse(401, "invalid_token")
    if token.cnf not in (None, mtls.confirmation()):  # RFC 8705 §3
        return _refuse(401, "invalid_token")
    audit.note(caller=token.client_id, user=person.name)
    if "openid" not in token.scope.split():
        return _refuse(403, "insufficient_scope")
    return flask.jsonify(claims(token, person))


def claims(token: Token, person: User) -> dict[str, Any]:
    """The claims about `person` that the scopes of `token` ask for (OpenID Connect Core §5.4)."""
    scopes, found = token.scope.split(), {"sub": person.name}
    if "profile" in scopes:
        found |= {"name": person.full_name or person.name, "preferred_username": person.name}
    if "email" in scopes and person.email:
        found["email"] = person.email
    return found


def _refuse(status: int, error: str | None) -> flask.Response:
    """A refusal with the challenge of RFC 6750 §3."""
    audit.note(decision="deny", reason=error or "no bearer token was shown")
    response = flask.jsonify({"error": error} if error else {})
    response.status_code = status
    scope = ', scope="openid"' if error == "insufficient_scope" else ""
    response.headers["WWW-Authenticate"] = 'Bearer realm="idp"' + (f', error="{error}"{scope}' if error else "")
    return response
