"""The refresh grant (RFC 6749 §6), with rotation (RFC 9700 §4.14.2).

A refresh token works once and is replaced.  If it comes again, one of the two who hold it is a thief, and nobody can
tell which: the whole family is taken back, access tokens included.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant

from idp import resource
from idp.clients import Client
from idp.provider import AUTH_METHODS, Provider
from idp.tokens import Token
from services import audit


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """Trades a refresh token for an access token and the next refresh token."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: Provider

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        """The live refresh token that was issued to the asking client; one used before revokes its family."""
        found = self.server.tokens.look_up(refresh_token, "refresh")
        if found is None or not found.check_client(self.request.client):
            return None
        if found.spent:
            self._reused(found)
        if found.revoked or found.authorization.revoked or found.expires <= self.server.clock():
            return None
        return found

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Use up the token and issue the next; only the access token may have less than was granted (RFC 6749 §6)."""
        old: Token = self.request.refresh_token
        authorization = old.authorization
        user = self.server.users.get(authorization.user or "")
        if user is None or user.version != authorization.user_version:
            raise InvalidGrantError("The person is not as they were when they logged in.")
        audit.note(user=user.name)
        client: Client = self.request.client
        audience = resource.narrowed(self.request.form, client.audience, authorization.audience)
        asked = dict.fromkeys((self.request.payload.scope or authorization.scope).split())
        scope = " ".join(one for one in asked if one in client.scopes)  # its registration may have lost some since
        if not scope:
            raise InvalidScopeError()  # white space is no scope (RFC 6749 §3.3)
        if not self.server.tokens.spend(old):
            self._reused(old)
        answer = self.server.tokens.issue(client, authorization, scope, audience, refresh=True)
        return 200, answer, self.TOKEN_RESPONSE_HEADER

    def _reused(self, token: Token) -> None:
        self.server.tokens.revoke_family(token.authorization)
        audit.note(event="refresh token reused")
        raise InvalidGrantError("The refresh token was used before.")
