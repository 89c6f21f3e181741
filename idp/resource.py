"""Resource indicators (RFC 8707): a client says where it is going to use a token, and the token is good only there.

A resource is a URI.  A service's is the name in its certificate, `spiffe://shop.test/orders` for the audience `orders`;
an audience that is registered as a URI is its own name.  Unlike most parameters it may come several times (§2): then
the token is good at each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from authlib.oauth2 import OAuth2Error
from werkzeug.datastructures import MultiDict

from services import tls

PARAMETER = "resource"
ABSOLUTE_URI = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*:[^#\s]+\Z", re.ASCII)
"""RFC 8707 §2: with a scheme, and with no fragment."""


class InvalidTarget(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 8707 §2, RFC 8693 §2.2.2."""

    error = "invalid_target"
    description = "This client may not have a token for that resource or audience."


def audiences(asked: MultiDict[str, str], allowed: Collection[str]) -> list[str] | None:
    """The audiences whose resources a request names, each of them `allowed`; None when it names none at all."""
    wanted = list(dict.fromkeys(map(_audience, asked.getlist(PARAMETER))))
    if not set(wanted) <= set(allowed):
        raise InvalidTarget()
    return wanted or None


def narrowed(asked: MultiDict[str, str], allowed: Sequence[str], granted: Collection[str] | None) -> list[str]:
    """Whom a token is for: of those `allowed` to its client the ones that were `granted`, or fewer (RFC 8707 §2.2).

    `granted` is what the client asked for when the person allowed it, None if it was not choosy then.
    """
    left = [audience for audience in allowed if granted is None or audience in granted]
    if not left:
        raise InvalidTarget()  # its registration has lost them all since
    return audiences(asked, left) or left


def _audience(resource: str) -> str:
    """The audience that goes by this URI."""
    if not ABSOLUTE_URI.match(resource):
        raise InvalidTarget()
    service = tls.SPIFFE_ID.match(resource)
    return service[1] if service else resource
