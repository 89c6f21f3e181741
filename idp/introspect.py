"""Token introspection (RFC 7662): a resource server asks what a token means.

Only clients that are resource servers may ask, and each only about access tokens meant for it.  Whatever else it asks
about, the answer is the same `{"active": false}`: it tells nothing about why (RFC 7662 §2.2, §4).
"""

from __future__ import annotations

from typing import Any

import flask
from authlib.oauth2.rfc6749 import InvalidRequestError

from idp import client_auth
from idp.answers import Answer
from idp.clients import Client
from idp.door import require_form
from idp.provider import PROVING_METHODS, current_provider
from idp.tokens import Token, Tokens
from services import audit

views = flask.Blueprint("introspect", __name__)


@views.post("/introspect")
def introspect() -> Answer:
    """Answer whether a token is active, and what it says."""
    request: flask.Request = flask.request._get_current_object()  # type: ignore[attr-defined]  # not its proxy
    provider = current_provider()
    require_form(request)
    client = client_auth.authenticate(request, provider.clients, PROVING_METHODS)
    if "token" not in request.form:
        raise InvalidRequestError("The token is missing.")
    found = known_to(client, provider.tokens, request.form["token"])
    if found is None:
        audit.note(active=False)
        return Answer({"active": False})
    audit.note(active=True, user=found.authorization.user)
    return Answer(told(found, provider.issuer))


def known_to(client: Client, tokens: Tokens, text: str) -> Token | None:
    """The live access token that `client` may know of; `token_type_hint` is a hint, and not needed."""
    found = tokens.find(text) if client.introspect else None
    return found if found and client.client_id in (found.aud or []) else None


def told(token: Token, issuer: str) -> dict[str, Any]:
    """What the token says (RFC 7662 §2.2); only a person's token has a `username` and an `auth_time`."""
    answer = {
        "active": True,
        "iss": issuer,
        "sub": token.authorization.subject,
        "aud": token.aud,
        "client_id": token.client_id,
        "scope": token.scope,
        "token_type": "Bearer",
        "iat": token.issued,
        "exp": token.expires,
        "jti": token.jti,
        "username": token.authorization.user,
        "auth_time": token.authorization.auth_time,
        "act": token.act,
        "may_act": {"sub": token.may_act} if token.may_act else None,
        "cnf": {"x5t#S256": token.cnf} if token.cnf else None,
    }
    return {name: value for name, value in answer.items() if value is not None}
