"""Serves one service of the shop, or says in one sentence why it cannot."""

from __future__ import annotations

import importlib
import ssl
import sys
from collections.abc import Callable

import flask

from services import server, tls
from services.app import UndeclaredView
from services.identity import StoreUnavailable
from services.patterns import pattern
from services.settings import BadSettings, Settings, from_environ

NAMES = ("gateway", "orders", "inventory", "billing")


def serve(arguments: list[str]) -> None:
    """Serve the service named in `arguments`; exits with 2 and a sentence when it cannot be started."""
    if len(arguments) != 1 or arguments[0] not in NAMES:
        raise SystemExit(f"usage: python -m services {'|'.join(NAMES)}")
    try:
        settings = from_environ(arguments[0])
        module = importlib.import_module(f"services.{settings.service}")
        listener = _listener(settings)
        _close(module.application(settings))  # so that what would refuse to start refuses here, in one sentence
    except (BadSettings, UndeclaredView, StoreUnavailable, OSError) as error:
        print(f"{arguments[0]} does not start: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    server.serve(
        lambda: module.application(settings),
        name=settings.service,
        host=settings.host,
        port=settings.port,
        tls=listener,
        tls_dir=settings.tls_dir,
    )


def _close(app: flask.Flask) -> None:
    """Close the store again: a database connection must not be carried into the server's worker by fork."""
    engine = app.extensions.get("engine")
    if engine is not None:
        engine.dispose()


def _listener(settings: Settings) -> Callable[[], ssl.SSLContext] | None:
    """What a connection must prove: HTTPS at the edge in every pattern; inside, the pattern decides."""
    if settings.service == "gateway":
        return lambda: tls.server_context(settings.tls_dir, client="none")
    listener = pattern(settings.pattern, settings).listener
    return listener if listener() is not None else None  # type: ignore[return-value]  # not None, as just seen
