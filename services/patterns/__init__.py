"""The patterns, side by side: five answers of the article, and two that belong beside them.

Each module answers the same three questions, in the same order:
    listener         What must a connection prove before we read a byte of HTTP?
    authenticate     Who sent this request, and for whom?
    credentials_for  What do we present, so that the next service knows us?

Two siblings are meant to be diffed: they do not inherit from each other, and the difference is the lesson.
"""

from __future__ import annotations

import importlib
import ssl
from typing import ClassVar, Protocol

import flask

from services.identity import Credentials, Identity
from services.settings import PatternName, Settings


class Pattern(Protocol):
    """What a pattern module's class offers."""

    edge: ClassVar[PatternName]
    """The pattern by which people prove themselves to the gateway; it is its own, or a sibling's."""
    challenge: ClassVar[str | None]
    """The scheme that a 401 asks for, with its realm (RFC 9110 §11.6.1)."""

    def __init__(self, settings: Settings) -> None: ...

    def listener(self) -> ssl.SSLContext | None:
        """What must a connection prove?  None: nothing, and it is plain HTTP.  Asked anew for each connection."""

    def authenticate(self, request: flask.Request) -> Identity:
        """Who sent this, for whom?  Raises a `Refusal`."""

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """What do we present to `audience`, acting for `identity`?  Raises `NoCredentials` or `Unavailable`."""


# In reading order.
PATTERNS: dict[PatternName, str] = {
    "perimeter": "Perimeter",
    "basic": "Basic",
    "subsystem": "Subsystem",
    "mtls": "Mtls",
    "oauth2": "OAuth2",
    "jwt": "Jwt",
    "zerotrust": "ZeroTrust",
}


def pattern(name: PatternName, settings: Settings) -> Pattern:
    """The pattern called `name`; only its own module is imported, since each process runs under one."""
    module = importlib.import_module(f"services.patterns.{name}")
    chosen: Pattern = getattr(module, PATTERNS[name])(settings)
    return chosen
