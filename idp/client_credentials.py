"""The client credentials grant (RFC 6749 §4.4): a service asks for itself, with no person behind it.

Its token has the client as its subject and no `auth_time`, so it never passes for a person's (RFC 9068 §5).
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError
from authlib.oauth2.rfc6749 import grants as rfc6749

from idp import mtls, resource
from idp.clients import PROTOCOL_SCOPES
from idp.provider import PROVING_METHODS, Provider
from idp.tokens import ACCESS_SECONDS, Authorization


class ClientCredentialsGrant(rfc6749.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Issues a token to the client that asks, and no refresh token (RFC 6749 §4.4.3)."""

    TOKEN_ENDPOINT_AUTH_METHODS = PROVING_METHODS
    server: Provider

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Issue it for the scopes asked for, else for all that the client has; OpenID's are about people."""
        client = self.request.client
        asked = self.request.payload.scope or " ".join(sorted(client.scopes - PROTOCOL_SCOPES))
        scope = client.get_allowed_scope(asked)
        if scope is None or PROTOCOL_SCOPES.intersection(scope.split()):
            raise InvalidScopeError()
        audience = resource.audiences(self.request.form, client.audience) or client.audience
        expires = int(self.server.clock()) + ACCESS_SECONDS
        alone = Authorization(id=None, client_id=client.client_id, scope=scope, expires=expires)
        bound_to = mtls.confirmation() if client.auth_method == "tls_client_auth" else None
        answer = self.server.tokens.issue(client, alone, scope, audience, cnf=bound_to)
        return 200, answer, self.TOKEN_RESPONSE_HEADER
