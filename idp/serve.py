"""Serves the identity provider with several workers, and opens the management door beside it if one was asked for."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import NoReturn

import flask

from idp.app import create_app
from idp.clients import Clients
from idp.settings import Settings
from services import server, tls


def serve(settings: Settings) -> NoReturn:
    """Serve, once `idp.prepare` has made what there has to be, until a signal ends the process.

    A certificate is asked for only while a client proves itself by one.
    """
    clients = Clients(settings.clients_file, look_every=0)  # at each connection
    let_go = _open_the_door(settings)

    def application() -> flask.Flask:
        let_go()
        return create_app(settings)

    def context() -> ssl.SSLContext:
        by_certificate = any(client.auth_method == "tls_client_auth" for client in clients.all().values())
        return tls.server_context(settings.tls_dir, "optional" if by_certificate else "none")

    server.serve(
        application,
        name="idp",
        host=settings.host,
        port=settings.port,
        tls=context,
        tls_dir=settings.tls_dir,
        workers=settings.workers,
    )


def _open_the_door(settings: Settings) -> Callable[[], None]:
    """Open the management door, if one was asked for; returns how a worker lets go of it."""
    if settings.manage_port is None:
        return lambda: None
    from idp.manage import process  # not even read while the door is off

    return process.start(settings)
