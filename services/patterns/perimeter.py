"""Perimeter security: whoever has got inside is believed.

    trusts   the network
    caller   nobody in particular: any process that can reach the port
    user     whoever the caller says, in X-User
    scopes   none are seen, so nothing can be checked

The firewall is the lock, and there is only one.  Everything behind it is plain HTTP.
"""

from __future__ import annotations

import flask

from services.headers import asserted_user, asserting
from services.identity import Credentials, Identity
from services.settings import Settings


class Perimeter:
    """Nothing is asked inside; people show a name and password at the edge."""

    edge = "basic"
    challenge = None

    def __init__(self, settings: Settings) -> None:
        pass

    def listener(self) -> None:
        """Nothing: the network is trusted."""
        return None

    def authenticate(self, request: flask.Request) -> Identity:
        """Believe the caller, whoever it is."""
        return Identity(
            caller="anyone inside",
            user=asserted_user(request),
            scopes=frozenset(),
            vouched_by="network",
            checked="nothing",
        )

    def credentials_for(self, audience: str, identity: Identity) -> Credentials:
        """Say who the user is; there is nothing to prove."""
        return {"headers": asserting(identity.user)}
