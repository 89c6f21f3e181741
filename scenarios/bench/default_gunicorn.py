"""gunicorn as its documentation has it for mutual TLS: threads, kept-alive connections, and all else by default.

So it makes a TLS context for every connection, reads the bundle again for it, speaks TLS 1.2 as well, and hands out
session tickets.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, NoReturn

import flask
from gunicorn.app.base import BaseApplication

from services.settings import Settings


def serve(application: Callable[[], flask.Flask], settings: Settings) -> NoReturn:
    """Serve until a signal ends the process."""
    options = {
        "bind": f"{settings.host}:{settings.port}",
        "worker_class": "gthread",
        "threads": 8,
        "keepalive": 30,
        "certfile": str(settings.tls_dir / "leaf.pem"),
        "keyfile": str(settings.tls_dir / "key.pem"),
        "ca_certs": settings.bundle,
        "cert_reqs": ssl.CERT_REQUIRED,
        "control_socket_disable": True,  # or it would leave one in the home directory
    }
    _Server(application, options).run()
    raise SystemExit(0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's documented way to be embedded."""

    def __init__(self, application: Callable[[], Any], options: dict[str, Any]) -> None:
        self.application = application
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self.options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        return self.application()
