"""How a client proves who it is: by exactly one method, the one it is registered for (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus

import flask
from authlib.oauth2.rfc6749 import InvalidClientError

from idp import mtls
from idp.clients import Client, Clients
from services import audit


class ClientNotAuthenticated(InvalidClientError):  # type: ignore[misc]  # Authlib has no types
    """We do not know which client this is.  The reason goes to the audit line: the caller may be guessing."""

    status_code = 401
    description = "Client authentication failed."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def get_headers(self) -> list[tuple[str, str]]:
        """With the challenge that a 401 needs (RFC 6749 §5.2, RFC 7617 §2)."""
        return [
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("WWW-Authenticate", 'Basic realm="idp", charset="UTF-8"'),
        ]


def authenticate(request: flask.Request, clients: Clients, methods: list[str]) -> Client:
    """The client that `request` proves to come from, by the one of `methods` it is registered for, or a refusal."""
    shown = _methods_shown(request)
    if shown not in ([], ["client_secret_basic"]):
        raise ClientNotAuthenticated(f"showed {', '.join(shown)}: more than one thing, or one that is not offered")
    client_id, secret = _basic(request) if shown else (request.form.get("client_id"), None)
    client = clients.get(client_id)
    if client is None:
        raise ClientNotAuthenticated("no such client")
    audit.note(caller=client.client_id)
    if request.form.get("client_id", client.client_id) != client.client_id:
        raise ClientNotAuthenticated("the body names another client than the credentials")
    if client.auth_method not in methods:
        raise ClientNotAuthenticated(f"{client.auth_method} is not enough here")
    if (client.auth_method == "client_secret_basic") != (secret is not None):
        raise ClientNotAuthenticated(f"registered for {client.auth_method}, showed {shown or 'no secret'}")
    if secret is not None:
        _check_secret(client, secret)
    if client.auth_method == "tls_client_auth" and (reason := mtls.authenticate(client)):
        raise ClientNotAuthenticated(reason)
    return client


def _check_secret(client: Client, secret: str) -> None:
    """Refuse a wrong one; while two of them count, note which was shown, so that one sees when the older can go."""
    which = client.which_secret(secret)
    if which is None:
        raise ClientNotAuthenticated("wrong secret")
    if len(client.digests) > 1:
        audit.note(checked=f"the {'older' if which else 'newer'} of the client's two secrets")


def _methods_shown(request: flask.Request) -> list[str]:
    """Every way in which the request tries to prove something, those included that we do not offer."""
    places = {
        "client_secret_basic": "HTTP_AUTHORIZATION" in request.environ,
        "client_secret_post": "client_secret" in request.form,
        "a secret in the query": "client_secret" in request.args,
        "client_assertion": "client_assertion" in request.form,
    }
    return [method for method, there in places.items() if there]


def _basic(request: flask.Request) -> tuple[str, str]:
    """Client id and secret of HTTP Basic, each form-encoded on its own (RFC 6749 §2.3.1)."""
    scheme, _, encoded = request.environ["HTTP_AUTHORIZATION"].partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except ValueError:  # not base64, not even ASCII, or not UTF-8
        raise ClientNotAuthenticated("the Basic credentials are malformed") from None
    if scheme.lower() != "basic":
        raise ClientNotAuthenticated("the credentials are not Basic")
    return unquote_plus(client_id), unquote_plus(secret)
