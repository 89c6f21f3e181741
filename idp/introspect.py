"""Token introspection (RFC 7662): a resource server asks what a token means.

Only clients that are resource servers may ask, and each only about access tokens meant for it.  Whatever else it asks
about, the answer is the same `{"active": false}`: it tells nothing about why (RFC 7662 §2.2, §4).
"""

from __future__ import annotations

from typing import Any

import flask
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from idp.clients import Client
from idp.door import require_form
from idp.provider import PROVING_METHODS, current_provider
from idp.tokens import Token
from services import audit

views = flask.Blueprint("introspect", __name__)


@views.post("/introspect")
def introspect() -> flask.Response:
    """Answer whether a token is active, and what it says."""
    require_form(flask.request)
    response: flask.Response = current_provider().create_endpoint_response("introspection")
    return response


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Authlib would answer every client that authenticates, and about refresh tokens too."""

    CLIENT_AUTH_METHODS = PROVING_METHODS

    def authenticate_token(self, request: OAuth2Request, client: Client) -> Token | None:
        """The live access token that `client` may know of; `token_type_hint` is a hint, and not needed."""
        if "token" not in request.form:
            raise InvalidRequestError("The token is missing.")
        found: Token | None = self.server.tokens.find(request.form["token"]) if client.introspect else None
        return found if found and client.client_id in (found.aud or []) else None

    def create_introspection_payload(self, token: Token | None) -> dict[str, Any]:
        """What the token says (RFC 7662 §2.2); only a person's token has a `username` and an `auth_time`."""
        if token is None:
            audit.note(active=False)
            return {"active": False}
        audit.note(active=True, user=token.authorization.user)
        answer = {
            "active": True,
            "iss": self.server.issuer,
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
