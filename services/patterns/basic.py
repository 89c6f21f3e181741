"""Username and password, the end user's own, on every hop.

    trusts   whoever knows the user's password
    caller   not told apart from the user
    user     the user-id of HTTP Basic authentication (RFC 7617), checked against the shared user store
    scopes   the user's own, from the user store

Every service reads the user store, and every service holds the password for as long as it has to call on.
"""

from __future__ import annotations

import ssl

import flask

from services import tls
from services.headers import basic_credentials
from services.identity import Credentials, Identity, NoCredentials, StoreUnavailable, Unauthenticated, Unavailable
from services.settings import Settings
from services.users import UserStore, WrongPassword


class Basic:
    """The user's name and password, forwarded."""

    edge = "basic"
    challenge = 'Basic realm="shop", charset="UTF-8"'  # RFC 7617 §2, §2.1

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.users = UserStore(settings.users_file)

    def listener(self) -> ssl.SSLContext:
        """Nothing of the caller; TLS keeps the password from the wire (RFC 7617 §4)."""
        return tls.server_context(self.settings.tls_dir, client="none")

    def authenticate(self, request: flask.Request) -> Identity:
        """Check the password against the shared user store, by a slow hash unless it was right a moment ago."""
        name, password = basic_credentials(request)
        try:
            user = self.users.check(name, password)
        except WrongPassword:
            raise Unauthenticated(f"wrong name or password for {name}") from None
        except StoreUnavailable as error:
            raise Unavailable(str(error)) from error
        return Identity(
            caller=user.name,
            user=user.name,
            scopes=user.scopes,
            vouched_by="password",
            checked="password against the user store (argon2id)",
            credential=password,
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Show the user's own name and password to the next service too."""
        if identity.user is None or identity.credential is None:
            raise NoCredentials("nobody gave us a password to forward")
        return {
            "auth": (identity.user.encode(), identity.credential.encode()),
            "verify": self.settings.bundle,
        }
