"""The ID token: what the client may believe about the log-in (OpenID Connect Core §2, §3.1.3.6).

It is for the client alone, and says so by `aud` and by `typ`; a service that is shown one must refuse it.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oidc.core.grants.code import OpenIDToken
from authlib.oidc.core.util import create_half_hash

from idp.provider import current_provider
from idp.tokens import ACCESS_SECONDS


class IdToken(OpenIDToken):  # type: ignore[misc]  # Authlib has no types
    """Adds the ID token to the answer of a code grant whose scope holds `openid`."""

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        """Who logged in, when, for whom, and to which access token it belongs (`at_hash`, §3.1.3.6)."""
        provider, client, code = current_provider(), request.client, request.authorization_code
        now = int(provider.clock())
        claims = {
            "iss": provider.issuer,
            "aud": client.client_id,
            "sub": code.authorization.user,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
            "auth_time": code.authorization.auth_time,
            "at_hash": create_half_hash(token["access_token"], client.signing_alg).decode(),
        }
        if code.nonce is not None:
            claims["nonce"] = code.nonce
        return provider.keys.sign(claims, client.signing_alg, "JWT")
