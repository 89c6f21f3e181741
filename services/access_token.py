"""A self-contained access token, believed only after every check of RFC 9068 §4 and RFC 8725.

The library verifies the signature.  Around it stands what libraries let pass: loose base64url, duplicate members, a
missing or foreign `typ`, critical extensions, claims of the wrong type.  That a key verifies a token stays true, so it
is found out once; whether the key is still published, and what the claims mean to us now, is asked each time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from functools import cached_property
from typing import Any

import jwt as pyjwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services import strict_json
from services.identity import Unauthenticated
from services.keys import Keys, Proven

LEEWAY = 10
"""Seconds by which the IdP's clock and ours may differ (RFC 7519 §4.1.4)."""
SHAPE = re.compile(r"\A[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,3072}\.[A-Za-z0-9_-]{1,1024}\Z", re.ASCII)
TYPES = frozenset({"at+jwt", "application/at+jwt"})  # RFC 9068 §4
SIGNATURES = pyjwt.PyJWS(options={"enforce_minimum_key_length": True})  # RFC 7518 §3.3
HEADER = frozenset({"alg", "kid", "typ"})
Text = Field(min_length=1, max_length=256, pattern=r"\A[!-~]+\z")


class Confirmation(BaseModel):
    """The key that the token is bound to; anything but a certificate is more than we can check (RFC 7800 §3.1)."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    x5t_s256: str = Field(alias="x5t#S256", pattern=r"\A[A-Za-z0-9_-]{43}\z")


class Statement(BaseModel):
    """What the IdP says of an access token, in the token itself or when asked: each claim of its specified type."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    iss: str
    aud: str | list[str]
    sub: str = Text
    client_id: str = Text
    exp: int = Field(ge=0, lt=2**53)
    scope: str = Field(default="", max_length=1024, pattern=r"\A([!#-\[\]-~]+( [!#-\[\]-~]+)*)?\z")  # RFC 6749 §3.3

    @cached_property
    def audiences(self) -> list[str]:
        """Whom the token is meant for."""
        return [self.aud] if isinstance(self.aud, str) else self.aud

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes, compared whole and case-sensitively (RFC 6749 §3.3)."""
        return frozenset(self.scope.split(" ")) - {""}

    @property
    def user(self) -> str | None:
        """The person the token is about; None for a client's own token, where `sub` is the client (RFC 9068 §2.2)."""
        return None if self.sub == self.client_id else self.sub


class Claims(Statement):
    """The claims of a self-contained access token (RFC 9068 §2.2)."""

    jti: str = Text
    iat: int = Field(ge=0, lt=2**53)
    nbf: int | None = Field(default=None, ge=0, lt=2**53)
    cnf: Confirmation | None = None
    act: dict[str, Any] | None = None


def verify(token: str, keys: Keys, issuer: str, audience: str) -> Claims:
    """The claims of `token`, once proven to be the `issuer`'s and meant for `audience`; else `Unauthenticated`."""
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    known = keys.proven.get(digest)
    if known is None or keys.find(known.key_id) is not known.key:  # or it verifies, but by a key that is gone
        known = _proven(token, keys)
        keys.proven.put(digest, known)
    _validate(known.claims, issuer, audience)
    return known.claims


def _proven(token: str, keys: Keys) -> Proven[Claims]:
    """What `token` says, and the key by which it is signed; else `Unauthenticated`."""
    if not SHAPE.match(token):
        raise _invalid("the token does not have the shape of a signed JWT")
    header, payload, _ = (_decode(part) for part in token.split("."))
    fields = _object(header)
    if not HEADER.issuperset(fields):  # no crit, b64, jwk, jku, x5u: nothing that changes the rules (RFC 7515 §4.1)
        raise _invalid("the token's header asks for more than we do")
    if not all(isinstance(value, str) for value in fields.values()):
        raise _invalid("the token's header is malformed")
    if fields.get("typ", "").lower() not in TYPES:
        raise _invalid("the token is not an access token (typ)")
    key_id = fields.get("kid", "")
    key = keys.find(key_id)
    if fields.get("alg") != key.algorithm_name:
        raise _invalid("the token's algorithm is not the key's")
    try:
        SIGNATURES.decode(token, key, algorithms=[key.algorithm_name])
    except pyjwt.PyJWTError as error:
        raise _invalid(f"the token does not verify: {error}") from None
    return Proven(key_id, key, _read(payload))


def _read(payload: bytes) -> Claims:
    """The claims that a payload holds, each of its specified type (RFC 9068 §2.2)."""
    try:
        return Claims.model_validate(_object(payload))
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
        raise _invalid(f"missing or malformed claims: {wrong}") from None


def _validate(claims: Claims, issuer: str, audience: str) -> None:
    """Check the claims of a token whose signature is good (RFC 9068 §4)."""
    if claims.iss != issuer:
        raise _invalid("the token is another issuer's (iss)")
    if audience not in claims.audiences:
        raise _invalid(f"the token is meant for {claims.aud} (aud)")
    now = time.time()
    if claims.exp <= now - LEEWAY:
        raise _invalid("the token has expired (exp)")
    if max(claims.iat, claims.nbf or 0) > now + LEEWAY:
        raise _invalid("the token is not valid yet (iat, nbf)")


def _decode(part: str) -> bytes:
    """Base64url without padding, in its one canonical spelling (RFC 7515 §2)."""
    try:
        octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise _invalid("the token is not base64url") from None
    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != part:
        raise _invalid("the token is not canonical base64url")
    return octets


def _object(octets: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 whose member names are all different (RFC 7519 §4)."""
    try:
        found = strict_json.loads(octets)
    except ValueError:
        raise _invalid("the token does not hold proper JSON") from None
    if not isinstance(found, dict):
        raise _invalid("the token does not hold a JSON object")
    return found


def _invalid(reason: str) -> Unauthenticated:
    return Unauthenticated(reason, error="invalid_token")
