"""Clients that prove themselves by their certificate, and tokens bound to it (RFC 8705)."""

from __future__ import annotations

import flask

from idp.clients import Client
from services import tls


def authenticate(client: Client) -> str | None:
    """Why the certificate of this connection does not prove `client`, or None when it does (RFC 8705 §2.1).

    TLS has verified its chain and the CRL.  The name that counts is its one URI SAN (RFC 8705 §2.1.2,
    `tls_client_auth_san_uri`): `spiffe://shop.test/<client_id>`.
    """
    try:
        peer = tls.peer(flask.request.environ)
    except tls.BadPeer as error:
        return str(error)
    if peer is None:
        return "no certificate was shown"
    return None if peer.name == client.client_id else f"the certificate names {peer.name}"


def confirmation() -> str | None:
    """The thumbprint `x5t#S256` of the certificate behind this request, to bind a token to (RFC 8705 §3.1)."""
    try:
        peer = tls.peer(flask.request.environ)
    except tls.BadPeer:
        return None
    return peer.thumbprint if peer else None
