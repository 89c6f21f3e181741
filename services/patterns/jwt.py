"""Self-contained JWT: a signed bearer token that each service verifies by itself.

    trusts   the identity provider's signing keys
    caller   the client that the token was issued to (client_id)
    user     the token's subject (sub)
    scopes   the token's

No question to the IdP, only its public keys now and then.  The price: a token works until it expires, revoked or not.
"""

from __future__ import annotations

import ssl

import flask

from services import access_token, tls
from services.headers import bearer_token
from services.identity import Credentials, Identity, NoCredentials, Unauthenticated
from services.oauth import IdentityProvider
from services.settings import Settings


class Jwt:
    """A bearer token that carries its own proof (RFC 9068)."""

    edge = "jwt"
    challenge = 'Bearer realm="shop"'  # RFC 6750 §3

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.idp = IdentityProvider(settings)

    def listener(self) -> ssl.SSLContext:
        """Nothing of the caller; TLS keeps the token from the wire (RFC 6750 §5.2)."""
        return tls.server_context(self.settings.tls_dir, client="none")

    def authenticate(self, request: flask.Request) -> Identity:
        """Verify the token's signature and validate its claims (RFC 9068 §4)."""
        token = bearer_token(request)
        claims = access_token.verify(token, self.idp.keys, self.settings.issuer, self.settings.service)
        if claims.cnf is not None:  # bound to a certificate that we do not ask for here (RFC 8705 §3)
            raise Unauthenticated("the token is bound to a certificate", error="invalid_token")
        return Identity(
            caller=claims.client_id,
            user=claims.user,
            scopes=claims.scopes,
            vouched_by="signature",
            checked=f"signature, typ, iss, exp, aud holds {self.settings.service}",
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
