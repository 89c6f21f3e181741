"""What this server offers, told to machines (RFC 8414, OpenID Connect Discovery 1.0), and the keys to check it with.

True and complete: what stands here works, and what does not stand here is refused.  A client configures itself from it,
so a flattering word would be a defect.
"""

from __future__ import annotations

from typing import Any

import flask

from idp.authorize import PROMPTS
from idp.clients import EXCHANGE, PROTOCOL_SCOPES
from idp.provider import AUTH_METHODS, PROVING_METHODS, current_provider
from idp.userinfo import CLAIMS

GRANTS = ["authorization_code", "refresh_token", "client_credentials", EXCHANGE]
views = flask.Blueprint("metadata", __name__)


@views.get("/.well-known/openid-configuration")
@views.get("/.well-known/oauth-authorization-server")
def configuration() -> flask.Response:
    """The same document at both addresses (RFC 8414 §5)."""
    return flask.jsonify(document())


@views.get("/jwks")
def jwks() -> flask.Response:
    """The public half of each signing key (RFC 7517 §5)."""
    return flask.jsonify(current_provider().keys.public)


def document() -> dict[str, Any]:
    """The metadata (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

    Of grants and methods it names those that some client is registered for: no other works, and the listener asks for a
    certificate only where a client proves itself by one.  An empty list is left out (RFC 8414 §3.2).
    """
    provider = current_provider()
    issuer, clients = provider.issuer, provider.clients.all().values()
    scopes = PROTOCOL_SCOPES.union(*(client.scopes for client in clients))
    registered = {client.auth_method for client in clients}
    methods = [method for method in AUTH_METHODS if method in registered]
    grants = [grant for grant in GRANTS if any(client.check_grant_type(grant) for client in clients)]
    told = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": sorted(scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": PROMPTS,
        "display_values_supported": ["page"],
        "ui_locales_supported": ["en"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": provider.keys.algorithms,
        "claim_types_supported": ["normal"],
        "claims_supported": ["iss", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", *CLAIMS],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [method for method in methods if method in PROVING_METHODS],
        "tls_client_certificate_bound_access_tokens": "tls_client_auth" in methods,  # RFC 8705 §3.3
        "authorization_response_iss_parameter_supported": True,  # RFC 9207 §3
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    return {name: value for name, value in told.items() if value != []}
