"""Zero trust: a certificate for the service and, for the user, a token that only this hop can use.

    trusts   the CA for services, the identity provider's signing keys for people
    caller   the one SPIFFE ID in its certificate, which the token names as its actor (act)
    user     the token's subject (sub)
    scopes   the token's, never more than the user's first one had

Each hop's token is exchanged at the IdP (RFC 8693) for one that names the next service as its only audience and is
bound to the presenter's certificate (RFC 8705): stolen, it is of no use to anybody else, nor anywhere else.
"""

from __future__ import annotations

import hmac
import ssl
from pathlib import Path

import flask

from services import access_token, tls
from services.headers import bearer_token
from services.identity import Credentials, Forbidden, Identity, NoCredentials, Unauthenticated
from services.oauth import IdentityProvider
from services.settings import Settings


class ZeroTrust:
    """Both ends proven, the user proven, and the token bound to the hop."""

    edge = "jwt"
    challenge = 'Bearer realm="shop"'  # RFC 6750 §3

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.idp = IdentityProvider(settings)

    def listener(self) -> ssl.SSLContext:
        """A certificate that our CA issued for a client, in date and not revoked (RFC 5280 §6)."""
        return tls.server_context(self.settings.tls_dir, client="required")

    def authenticate(self, request: flask.Request) -> Identity:
        """Verify the token, and that whoever presents it is the one it was issued to, by certificate and by name."""
        try:
            peer = tls.peer(request.environ)
        except tls.BadPeer as error:
            raise Forbidden(str(error)) from None
        if peer is None:
            raise Forbidden("the connection proved nobody")
        token = bearer_token(request)
        claims = access_token.verify(token, self.idp.keys, self.settings.issuer, self.settings.service)
        if claims.cnf is None or not hmac.compare_digest(claims.cnf.x5t_s256, peer.thumbprint):
            raise Unauthenticated("the token is not bound to the caller's certificate", error="invalid_token")
        if claims.client_id != peer.name or (claims.act or {}).get("sub") != peer.name:
            raise Unauthenticated("the token names another actor than the caller", error="invalid_token")
        return Identity(
            caller=peer.name,
            user=claims.user,
            scopes=claims.scopes,
            vouched_by="signature",
            checked=f"certificate; signature, typ, iss, exp, aud holds {self.settings.service}, cnf, act",
            credential=token,
            caller_proven=True,
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Exchange the user's token for one that only we can show, and only to `audience` (RFC 8693 §2).

        It is bound to the certificate that the IdP saw (RFC 8705 §3), so `audience` is shown the same one, though the
        files may have been renewed in between.
        """
        if identity.credential is None:
            raise NoCredentials("nobody gave us a token to exchange")
        try:
            certificate = tls.client_context(Path(self.settings.bundle), self.settings.leaf)
        except OSError as error:
            raise NoCredentials("we have no certificate of our own") from error
        return {
            "headers": {"Authorization": f"Bearer {self.idp.exchange(identity.credential, audience, certificate)}"},
            "cert": certificate,
            "verify": self.settings.bundle,
        }
