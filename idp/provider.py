"""The authorization server itself: Authlib's frame, filled with our clients, keys, users and tokens.

Authlib decides which grant a request asks for and how errors look on the wire.  What it leaves open or does too loosely
is replaced here, once for all grants: where parameters come from, and how a client proves itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error, OAuth2Request

from idp import client_auth, keys
from idp.answers import Answer
from idp.clients import Client, Clients
from idp.door import StrictRequest
from idp.settings import Settings
from idp.store import Store
from idp.tokens import Tokens
from services import audit
from services.users import UserStore

AUTH_METHODS = ["client_secret_basic", "tls_client_auth", "none"]
"""How a client may prove itself at the token endpoint (RFC 7591 §2); `none` is for public clients."""
PROVING_METHODS = ["client_secret_basic", "tls_client_auth"]
"""The same, where only a client that did prove itself is served."""


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Everything that the endpoints share."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.settings = settings
        self.issuer = settings.issuer
        self.clock = clock
        self.store = Store(settings.data_dir / "idp.db", settings.database_url)
        self.clients = Clients(settings.clients_file)
        self.keys = keys.Keys(settings.data_dir)
        self.users = UserStore(settings.users_file, writable=True)
        self.tokens = Tokens(settings.issuer, self.store, self.keys, self.users, clock)

    def install(self, app: flask.Flask) -> None:
        """Take part in each request of `app`: nothing is to be done, unless we are managed (`idp.manage.levers`)."""

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def create_oauth2_request(self, request: Any) -> StrictRequest:
        return StrictRequest(audit.request_at_hand())

    def authenticate_client(self, request: StrictRequest, methods: list[str], endpoint: str = "token") -> Client:
        """Authlib tries one method after the other until one fits; we want one shown, and that one right."""
        client = client_auth.authenticate(request.http, self.clients, methods)
        request.auth_method = client.auth_method
        return client

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> flask.Response:
        """JSON goes to a client, anything else sends a browser somewhere."""
        return Answer(body, status, headers) if isinstance(body, dict) else flask.Response(body, status, headers)

    def handle_error_response(self, request: OAuth2Request | None, error: OAuth2Error) -> flask.Response:
        reason = getattr(error, "reason", None) or error.description
        audit.note(decision="deny", reason=f"{error.error}: {reason}")
        return cast(flask.Response, super().handle_error_response(request, error))


def current_provider() -> Provider:
    """The provider of the application that serves this request."""
    return cast(Provider, flask.current_app.extensions["idp"])
