"""Token revocation (RFC 7009): a client takes back a token of its own.

A refresh token takes its whole family along (RFC 7009 §2.1); an access token goes alone.  A self-contained token stays
readable wherever it is: revoking it shows here, and to whoever asks here, until it expires.
"""

from __future__ import annotations

import flask
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint

from idp.clients import Client
from idp.door import require_form
from idp.provider import AUTH_METHODS, current_provider
from idp.tokens import Token

views = flask.Blueprint("revoke", __name__)


@views.post("/revoke")
def revoke() -> flask.Response:
    """Revoke a token; one that we do not know is as good as revoked (RFC 7009 §2.2)."""
    require_form(flask.request)
    response: flask.Response = current_provider().create_endpoint_response("revocation")
    return response


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """Finds the token, whichever kind it is: `token_type_hint` is a hint, and not needed."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def authenticate_token(self, request: OAuth2Request, client: Client) -> Token | None:
        """The token to revoke; another client's is refused (RFC 7009 §2.1)."""
        if "token" not in request.form:
            raise InvalidRequestError("The token is missing.")
        tokens, text = self.server.tokens, request.form["token"]
        found: Token | None = tokens.look_up(text, "refresh") or tokens.look_up(text, "access")
        if found and not found.check_client(client):
            raise InvalidGrantError("The token was issued to another client.")
        return found

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:
        """Take it back."""
        if token.kind == "refresh":
            self.server.tokens.revoke_family(token.authorization)
        else:
            self.server.tokens.revoke(token)
