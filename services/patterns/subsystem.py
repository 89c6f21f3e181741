"""Username and password as a trusted subsystem: each service has a name and password of its own.

    trusts   the services that may call, each by its password
    caller   the user-id of HTTP Basic authentication (RFC 7617), checked against the callers known here
    user     whoever the caller says, in X-User
    scopes   none are seen; the caller's grants decide

The user's password stays at the edge.  The price: a service that is broken into may speak for anybody.
"""

from __future__ import annotations

import json
import ssl

import flask
from argon2.exceptions import InvalidHashError, VerificationError

from services import tls
from services.headers import asserted_user, asserting, basic_credentials
from services.identity import Credentials, Identity, NoCredentials, Unauthenticated, Unavailable
from services.settings import Settings
from services.users import HASHER, decoy


class Subsystem:
    """One credential per service."""

    edge = "basic"
    challenge = 'Basic realm="shop services", charset="UTF-8"'  # RFC 7617 §2, §2.1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def listener(self) -> ssl.SSLContext:
        """Nothing of the caller; TLS keeps the password from the wire (RFC 7617 §4)."""
        return tls.server_context(self.settings.tls_dir, client="none")

    def authenticate(self, request: flask.Request) -> Identity:
        """Check the caller's own password; an unknown caller costs a hash too."""
        caller, password = basic_credentials(request)
        known = self._callers().get(caller)
        try:
            HASHER.verify(known or decoy(), password)
        except (VerificationError, InvalidHashError):
            known = None
        if not known:
            raise Unauthenticated(f"wrong name or password for service {caller}")
        return Identity(
            caller=caller,
            user=asserted_user(request),
            scopes=frozenset(),
            vouched_by="caller",
            checked="the caller's password (argon2id)",
            caller_proven=True,
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Show our own name and password, and say who the user is."""
        try:
            password = self.settings.secret("password")
        except OSError as error:
            raise NoCredentials("we have no password of our own") from error
        return {
            "headers": asserting(identity.user),
            "auth": (self.settings.service.encode(), password.encode()),
            "verify": self.settings.bundle,
        }

    def _callers(self) -> dict[str, str]:
        """The hash of each caller's password that we accept, as it is now."""
        try:
            found: dict[str, str] = json.loads(self.settings.secret("callers.json"))
        except (OSError, ValueError) as error:
            raise Unavailable("the list of callers cannot be read") from error
        return found
