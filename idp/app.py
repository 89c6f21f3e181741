"""The identity provider's table of contents: every endpoint, every grant, every rule that holds for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import flask
import sqlalchemy as sa
from authlib.oauth2.rfc6749 import InvalidRequestError
from werkzeug.exceptions import ServiceUnavailable

from idp import authorize, introspect, login, logout, metadata, pages, revoke, userinfo
from idp.client_credentials import ClientCredentialsGrant
from idp.code import CodeGrant
from idp.door import ValuedRequest, require_form
from idp.exchange import ExchangeGrant
from idp.openid import IdToken
from idp.pkce import ProofKey
from idp.provider import Provider, current_provider
from idp.refresh import RefreshGrant
from idp.sessions import Sessions
from idp.settings import Settings
from services import audit, routing, tls


class Application(routing.Application):
    """Ours, with our requests and sessions."""

    request_class = ValuedRequest
    session_interface = Sessions()


def create_app(settings: Settings, clock: Callable[[], float] = time.time) -> flask.Flask:
    """The identity provider as `settings` describe it, once `idp.prepare` has made its keys and tables."""
    host = urlsplit(settings.issuer).netloc
    app = Application("idp", host, static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.cookie_key,
        SESSION_COOKIE_NAME=settings.cookie_name,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.extensions["idp"] = provider = _provider(settings, clock)

    for grant in (ClientCredentialsGrant, ExchangeGrant, RefreshGrant):
        provider.register_grant(grant)
    provider.register_grant(CodeGrant, [ProofKey(), IdToken()])
    provider.register_endpoint(revoke.Revocation)

    audit.install(app, "idp")
    pages.install(app)
    provider.install(app)
    login.install(app)
    for module in (authorize, login, logout, userinfo, introspect, revoke, metadata):
        app.register_blueprint(module.views)
    app.add_url_rule("/token", view_func=token, methods=["POST"])
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    return app


def _provider(settings: Settings, clock: Callable[[], float]) -> Provider:
    """The provider; one that can be managed, if a management door was asked for."""
    if settings.manage_port is None:
        return Provider(settings, clock)
    from idp.manage.levers import ManagedProvider  # not even read while the door is off

    return ManagedProvider(settings, clock)


def token() -> flask.Response:
    """Issue tokens: Authlib finds the grant by its `grant_type`, the grant does the rest (RFC 6749 §3.2)."""
    request = audit.request_at_hand()
    require_form(request)
    if "grant_type" not in request.form:
        raise InvalidRequestError("The grant_type is missing.")
    response: flask.Response = current_provider().create_token_response()
    return response


def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


def readyz() -> dict[str, str]:
    """It can serve: the stores answer and the certificate can be shown."""
    provider = current_provider()
    with provider.store.reading() as connection:
        connection.execute(sa.text("SELECT 1"))
    provider.users.get("nobody")
    try:
        tls.server_context(provider.settings.tls_dir, "none")
    except OSError as error:
        raise ServiceUnavailable("There is no certificate to show.") from error
    return {"status": "ok"}
