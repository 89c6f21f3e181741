"""The ID token: what the client may believe about the log-in (OpenID Connect Core §2, §3.1.3.6).

It is for the client alone, and says so by `aud` and by `typ`; a service that is shown one must refuse it.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from idp.code import CodeGrant
from idp.provider import current_provider
from idp.tokens import ACCESS_SECONDS


class IdToken:
    """Adds the ID token to the answer of a code grant whose scope holds `openid` (OpenID Connect Core §3.1.3.3)."""

    def __call__(self, grant: CodeGrant) -> None:
        """Take part in `grant`, as Authlib asks its extensions to."""
        grant.register_hook("after_create_token_response", self.add)

    def add(self, grant: CodeGrant, response: tuple[int, dict[str, Any], Any]) -> None:
        """Put the ID token beside the access token."""
        _, answer, _ = response
        if "openid" in answer["scope"].split():
            answer["id_token"] = self.encode(answer["access_token"], grant)

    def encode(self, access_token: str, grant: CodeGrant) -> str:
        """Who logged in, when, for whom, and to which access token it belongs (`at_hash`)."""
        provider, client, code = current_provider(), grant.request.client, grant.request.authorization_code
        now = int(provider.clock())
        claims = {
            "iss": provider.issuer,
            "aud": client.client_id,
            "sub": code.authorization.user,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
            "auth_time": code.authorization.auth_time,
            "at_hash": half_hash(access_token),
        }
        if code.nonce is not None:
            claims["nonce"] = code.nonce
        return provider.keys.sign(claims, client.signing_alg, "JWT")


def half_hash(token: str) -> str:
    """The left half of the SHA-256 of `token`, the hash of both ES256 and RS256 (OpenID Connect Core §3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
