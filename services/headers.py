"""What the identity headers of a request say, read strictly: one header, one meaning, or a refusal.

Repeated header lines reach us joined, with a comma between (PEP 3333 leaves no other way), and neither Basic nor Bearer
credentials can hold a comma: so two credentials never pass for one (RFC 9110 §5.3, RFC 6750 §3.1).
"""

from __future__ import annotations

import base64
import binascii
import re

from flask import Request

from services.identity import Malformed, Unauthenticated
from services.users import plausible

TOKEN68 = re.compile(r"\A[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)  # RFC 9110 §11.2, RFC 6750 §2.1
USER = re.compile(r"\A[a-z][a-z0-9-]{0,62}\Z", re.ASCII)
MAX_CREDENTIAL = 4096


def bearer_token(request: Request) -> str:
    """The access token in the `Authorization` header, the only place where we look for one (RFC 6750 §2.1)."""
    if request.query_string and "access_token" in request.args:
        raise Malformed("a token in the query ends up in logs (RFC 9700 §4.3.2)", error="invalid_request")
    token = _credential(request, "bearer")
    if len(token) > MAX_CREDENTIAL:
        raise Unauthenticated("the token is larger than any we accept", error="invalid_token")
    return token


def basic_credentials(request: Request) -> tuple[str, str]:
    """The user-id and password of HTTP Basic authentication (RFC 7617 §2), in UTF-8."""
    encoded = _credential(request, "basic")
    try:
        octets = base64.b64decode(encoded, validate=True)
        user_id, colon, password = octets.decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("the Basic credentials are not base64 of UTF-8") from None
    if base64.b64encode(octets).decode() != encoded:  # one pair, one spelling (RFC 4648 §3.5)
        raise Unauthenticated("the Basic credentials are not canonical base64")
    if not colon or not plausible(user_id) or not plausible(password):
        raise Unauthenticated("the Basic credentials are not user-id:password without control characters")
    return user_id, password


def asserted_user(request: Request) -> str | None:
    """The user whom the caller claims to act for, in `X-User`; believing it is the pattern's decision."""
    value = request.headers.get("X-User")
    if value is None:
        return None
    if not USER.match(value):
        raise Malformed("X-User is not one user name")
    return value


def asserting(user: str | None) -> dict[str, str]:
    """The headers that assert `user`, if there is one."""
    return {} if user is None else {"X-User": user}


def _credential(request: Request, scheme: str) -> str:
    """What follows `scheme` in the one `Authorization` header."""
    value: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if value is None:
        raise Unauthenticated("no credential was shown")
    if "," in value:
        raise Malformed("more than one credential was shown", error="invalid_request")
    shown, _, credential = value.partition(" ")
    if shown.lower() != scheme:
        raise Unauthenticated(f"the credential shown is not {scheme.capitalize()}")
    if not TOKEN68.match(credential):
        raise Unauthenticated(f"the {scheme.capitalize()} credential is malformed", error="invalid_token")
    return credential
