"""Two-way SSL: both ends of every connection prove who they are with a certificate of our own CA.

    trusts   the CA
    caller   the one SPIFFE ID in its certificate (X509-SVID), proven by its private key
    user     whoever the caller says, in X-User
    scopes   none are seen; the caller's grants decide

The private key never travels, so there is nothing on the wire to steal.  But it names services, not people.
"""

from __future__ import annotations

import ssl

import flask

from services import tls
from services.headers import asserted_user, asserting
from services.identity import Credentials, Forbidden, Identity
from services.settings import Settings


class Mtls:
    """A certificate on both ends; the handshake is the pattern."""

    edge = "basic"
    challenge = None  # what is asked for, the handshake has asked for already

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def listener(self) -> ssl.SSLContext:
        """A certificate that our CA issued for a client, in date and not revoked (RFC 5280 §6)."""
        return tls.server_context(self.settings.tls_dir, client="required")

    def authenticate(self, request: flask.Request) -> Identity:
        """Read the caller's name from the certificate that the handshake verified."""
        try:
            peer = tls.peer(request.environ)
        except tls.BadPeer as error:
            raise Forbidden(str(error)) from None
        if peer is None:
            raise Forbidden("the connection proved nobody")
        return Identity(
            caller=peer.name,
            user=asserted_user(request),
            scopes=frozenset(),
            vouched_by="caller",
            checked="certificate: chain, dates, CRL, one SPIFFE ID",
            caller_proven=True,
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Prove ourselves by our private key, and say who the user is."""
        return {
            "headers": asserting(identity.user),
            "cert": self.settings.leaf,
            "verify": self.settings.bundle,
        }
