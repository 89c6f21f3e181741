"""OAuth 2.0 and OpenID Connect: an opaque bearer token, of which each service asks the identity provider.

    trusts   the identity provider, asked each time
    caller   the client that the token was issued to (client_id)
    user     the token's subject (sub)
    scopes   the token's

A revoked token is refused at the very next request.  The price: a question to the IdP on every hop.  Both hold unless
`cache_seconds` has answers used again: then it asks less, and learns of a revocation so much later.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import flask
from pydantic import ValidationError

from services import tls
from services.headers import bearer_token
from services.identity import Credentials, Identity, NoCredentials, Unauthenticated, Unavailable
from services.introspection import Introspection
from services.oauth import IdentityProvider
from services.settings import Settings


class OAuth2:
    """A bearer token that means nothing until the IdP says what it means."""

    edge = "oauth2"
    challenge = 'Bearer realm="shop"'  # RFC 6750 §3

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.idp = IdentityProvider(settings)
        self._age = f" up to {settings.cache_seconds:g} s ago" if settings.cache_seconds else ""

    def listener(self) -> ssl.SSLContext:
        """Nothing of the caller; TLS keeps the token from the wire (RFC 6750 §5.2)."""
        return tls.server_context(self.settings.tls_dir, client="none")

    def authenticate(self, request: flask.Request) -> Identity:
        """Ask the IdP whether the token is active, and whether it is meant for us (RFC 7662 §2)."""
        token = bearer_token(request)
        found = self._active(self.idp.introspect(token))
        if self.settings.service not in found.audiences:
            raise Unauthenticated(f"the token is meant for {found.aud}", error="invalid_token")
        return Identity(
            caller=found.client_id,
            user=found.user,
            scopes=found.scopes,
            vouched_by="idp",
            checked=f"introspection{self._age}: active, aud holds {self.settings.service}",
            credential=token,
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Pass on the token that we were shown: it serves every hop."""
        if identity.credential is None:
            raise NoCredentials("nobody gave us a token to pass on")
        return {
            "headers": {"Authorization": f"Bearer {identity.credential}"},
            "verify": self.settings.bundle,
        }

    def _active(self, answer: Mapping[str, Any]) -> Introspection:
        """What the IdP says of an active access token; `active` counts only as the JSON value true (RFC 7662 §2.2)."""
        if answer.get("active") is False:
            raise Unauthenticated("the IdP says that the token is not active", error="invalid_token")
        try:
            found = Introspection.model_validate(answer)
        except ValidationError:
            raise Unavailable("the IdP's answer about the token makes no sense") from None
        if found.iss != self.settings.issuer:
            raise Unavailable("the IdP's answer is about another issuer's token")
        if found.exp <= time.time():
            raise Unauthenticated("the token has expired", error="invalid_token")
        if found.cnf is not None:  # bound to a certificate that we do not ask for here (RFC 8705 §3)
            raise Unauthenticated("the token is bound to a certificate", error="invalid_token")
        return found
