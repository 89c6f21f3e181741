"""Proof Key for Code Exchange (RFC 7636): only who asked for the code can redeem it.

S256, and for every client: a code stolen on its way is worthless to a confidential client's attacker too (RFC 9700
§2.1.1).  Authlib would ask public clients only, and accept `plain`.
"""

from __future__ import annotations

import hmac
import re

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge

from idp.code import CodeGrant

CHALLENGE = re.compile(r"\A[A-Za-z0-9_-]{43}\Z", re.ASCII)
"""The base64url of a SHA-256 (RFC 7636 §4.2)."""
VERIFIER = re.compile(r"\A[A-Za-z0-9._~-]{43,128}\Z", re.ASCII)
"""RFC 7636 §4.1."""


class ProofKey(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """Asks for the challenge with each code, and for its verifier with each redemption."""

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Give no code without an S256 challenge (RFC 7636 §4.4.1)."""
        asked = grant.request.payload.data
        if asked.get("code_challenge_method") != "S256" or not CHALLENGE.match(asked.get("code_challenge", "")):
            raise InvalidRequestError("A code_challenge with code_challenge_method=S256 is required.")

    def validate_code_verifier(self, grant: CodeGrant, result: None) -> None:
        """Redeem nothing without the verifier whose hash is the challenge (RFC 7636 §4.6)."""
        verifier = grant.request.form.get("code_verifier", "")
        if not VERIFIER.match(verifier):
            raise InvalidGrantError("The code_verifier is missing or malformed.")
        expected = grant.request.authorization_code.code_challenge
        if not hmac.compare_digest(create_s256_code_challenge(verifier), expected):
            raise InvalidGrantError("The code_verifier does not fit.")
