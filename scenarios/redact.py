"""What was said, fit to be shown: every secret in it replaced by a fingerprint, and nothing else changed.

Of a JWT the header stays readable, since what is wrong with a forged one can mostly be seen there; without payload and
signature it is of no use to anybody.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from services import audit

MOST = 600
"""Characters of a body; more of it teaches nothing."""
TELLING = ("www-authenticate", "content-type", "retry-after", "location", "allow", "connection")
_JWT = re.compile(r"\b(eyJ[\w-]*)\.([\w.-]*)")
_MEMBER = re.compile(r'("(?:\w*_token|token|password|client_secret|code|code_verifier|assertion)"\s*:\s*")([^"]*)')
_FIELD = re.compile(r"\b(\w*_token|token|password|client_secret|code|code_verifier|assertion)=([^&\s]+)")
_HEADER = re.compile(r"(?im)^(authorization|proxy-authorization|cookie|set-cookie)(\s*:\s*)([^\r\n]*)")
_USERINFO = re.compile(r"(https?://)[^/@\s]+@")


def text(said: str) -> str:
    """Any text, its secrets replaced."""
    said = _HEADER.sub(lambda found: found[1] + found[2] + _header(found[1], found[3]), said)
    said = _MEMBER.sub(lambda found: found[1] + _secret(found[2]), said)
    said = _FIELD.sub(lambda found: f"{found[1]}={_secret(found[2])}", said)
    said = _USERINFO.sub(r"\1***@", said)
    return _JWT.sub(lambda found: _jwt(found[0]), said)


def request(wanted: Mapping[str, Any]) -> str:
    """A request as the probe is told to send it."""
    if wanted.get("raw"):
        return text(_shortened(base64.b64decode(wanted["raw"]).decode("latin-1")))
    headers = [*wanted.get("headers", [])]
    return message(f"{wanted.get('method', 'GET')} {wanted['url']}", headers, wanted.get("body") or "")


def prepared(request: requests.PreparedRequest) -> str:
    """A request that `requests` has sent."""
    body = request.body or ""
    told = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    own = {"user-agent", "accept-encoding", "accept", "connection", "content-length"}
    headers = [(name, str(value)) for name, value in request.headers.items() if name.lower() not in own]
    return message(f"{request.method} {request.url}", headers, told)


def answer(status: int, headers: Mapping[str, str], body: str) -> str:
    """An answer: its status, the headers that tell something, and the beginning of its body."""
    told = [(name, headers[name]) for name in TELLING if name in headers]
    return message(f"HTTP {status}", told, body)


def message(start: str, headers: Iterable[tuple[str, str]], body: str) -> str:
    """A message of a start line, headers and a body."""
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    return text("\n".join(map(_shortened, lines)) + (f"\n\n{_shortened(body)}" if body else ""))


def _shortened(said: str) -> str:
    return said if len(said) <= MOST else f"{said[:MOST]}… ({len(said)} characters)"


def _header(name: str, value: str) -> str:
    if name.lower() == "authorization" and (jwt := _JWT.search(value)):
        return f"{value[: jwt.start()]}{_jwt(jwt[0])}"
    return audit.redacted(value) if name.lower().endswith("authorization") else f"{value.partition('=')[0]}=***"


def _secret(value: str) -> str:
    return _jwt(value) if _JWT.match(value) else audit.fingerprint(value)


def _jwt(token: str) -> str:
    """The header of a JWT, as it is written in it, and a fingerprint of the whole."""
    head = token.partition(".")[0]
    try:
        header = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()
    except (binascii.Error, ValueError):
        header = "?"
    return f"JWT {header[:160]} {audit.fingerprint(token)}"
