"""Username and password as a trusted subsystem: each service has a name and password of its own.

    trusts   the services that may call, each by its password
    caller   the user-id of HTTP Basic authentication (RFC 7617), checked against the callers known here
    user     whoever the caller says, in X-User
    scopes   none are seen; the caller's grants decide

The user's password stays at the edge.  The price: a service that is broken into may speak for anybody.
"""

from __future__ import annotations

import ssl
from typing import Annotated

import flask
from pydantic import ConfigDict, Field, TypeAdapter

from services import passwords, tls
from services.following import Following
from services.headers import asserted_user, asserting, basic_credentials
from services.identity import Credentials, Identity, NoCredentials, Unauthenticated, Unavailable
from services.settings import Settings

Hashes = str | Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
"""Of a caller's password; of two, the newer first, while the one takes the other's place."""
_CALLERS = TypeAdapter(dict[str, Hashes], config=ConfigDict(hide_input_in_errors=True))


class Subsystem:
    """One credential per service."""

    edge = "basic"
    challenge = 'Basic realm="shop services", charset="UTF-8"'  # RFC 7617 §2, §2.1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._callers = Following(settings.secret_file("callers.json"), _read_callers)
        self._passwords = passwords.Passwords()

    def listener(self) -> ssl.SSLContext:
        """Nothing of the caller; TLS keeps the password from the wire (RFC 7617 §4)."""
        return tls.server_context(self.settings.tls_dir, client="none")

    def authenticate(self, request: flask.Request) -> Identity:
        """Check the caller's own password, of which there are two while it is being changed."""
        caller, password = basic_credentials(request)
        which = self._which_password(caller, password)
        if which is None:
            raise Unauthenticated(f"wrong name or password for service {caller}")
        return Identity(
            caller=caller,
            user=asserted_user(request),
            scopes=frozenset(),
            vouched_by="caller",
            checked=f"the caller's {'older ' if which else ''}password (argon2id)",
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

    def _which_password(self, caller: str, password: str) -> int | None:
        """Which of the passwords of `caller` it is, 0 for the newest, or None for none of them.

        Whoever the caller is, a wrong one costs as many hashes as anybody has, so that time tells nothing of who is
        known, nor of whose password is being changed.
        """
        try:
            known = self._callers.now()
        except (OSError, ValueError) as error:
            raise Unavailable("the list of callers cannot be read") from error
        theirs = known.get(caller, ())
        missing = max(map(len, known.values()), default=1) - len(theirs)
        for number, stored in enumerate([*theirs, *[passwords.decoy()] * missing]):
            if self._passwords.match(stored, password):
                return number
        return None


def _read_callers(octets: bytes) -> dict[str, tuple[str, ...]]:
    """The hashes of each caller's passwords that we accept, the newest first."""
    found = _CALLERS.validate_json(octets)
    return {caller: (hashes,) if isinstance(hashes, str) else hashes for caller, hashes in found.items()}
