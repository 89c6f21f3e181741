"""The OAuth clients that the identity provider knows under each token pattern."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from compose.topology import CALLERS, INSIDE, PEOPLE, TOKEN_PATTERNS

CODE, REFRESH = "authorization_code", "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 §2.1

LOG_IN = ("openid", "profile", "email", "offline_access")
SHOP = tuple(sorted({scope for person in PEOPLE for scope in person.scopes}))


def registrations(pattern: str, edge: str, secrets: Mapping[str, str]) -> list[dict[str, Any]]:
    """The clients under `pattern`: the gateway at `edge` and the command line for people, then the services.

    `secrets` are the client secrets in clear; only their SHA-256 is written down, which is enough for 256 random bits.
    """
    if pattern not in TOKEN_PATTERNS:
        return []
    gateway = _client(pattern, "gateway", secrets) | {
        "name": "The shop",
        "grant_types": [CODE, REFRESH, *([EXCHANGE] if pattern == "zerotrust" else [])],
        "redirect_uris": [f"{edge}/callback"],
        "post_logout_redirect_uris": [f"{edge}/"],
        "scopes": [*LOG_IN, *SHOP],
    }
    cli = _client(pattern, "cli", secrets) | {
        "name": "The command line",
        "auth_method": "none",  # a public client can keep no secret (RFC 8252 §8.5)
        "grant_types": [CODE, REFRESH],
        "redirect_uris": ["http://127.0.0.1/callback"],  # on any port (RFC 8252 §7.3)
        "scopes": [*LOG_IN, *SHOP],
        "introspect": False,
        "exchange_audiences": [],
    }
    services = [] if pattern == "jwt" else [_client(pattern, name, secrets) for name in INSIDE]
    return [gateway, cli, *services]


def _client(pattern: str, name: str, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What all clients under `pattern` have in common; a service asks and exchanges, and starts no flow of its own."""
    secret = secrets.get(name)
    exchange_audiences = [audience for audience, callers in CALLERS.items() if name in callers]
    exchanges = pattern == "zerotrust" and bool(exchange_audiences)
    return {
        "client_id": name,
        "name": name.capitalize(),
        "auth_method": "tls_client_auth" if pattern == "zerotrust" else "client_secret_basic",  # RFC 8705 §2.1
        "secret_sha256": hashlib.sha256(secret.encode()).hexdigest() if secret else None,
        "grant_types": [EXCHANGE] if exchanges else [],
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "scopes": list(SHOP) if exchanges else [],
        "audience": ["gateway"] if pattern == "zerotrust" else ["gateway", *INSIDE],
        "token_format": "opaque" if pattern == "oauth2" else "jwt",
        "signing_alg": "ES256",
        "introspect": pattern == "oauth2",
        "exchange_audiences": exchange_audiences if exchanges else [],
    }
