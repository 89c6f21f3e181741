"""One way to serve an application, with the server's known traps closed.

gunicorn with threads and kept-alive connections.  Its defaults trust `SCRIPT_NAME` and `X-Forwarded-*` request headers
from loopback (which walks round any path rule), open a control socket that two instances would share, build a new TLS
context for every connection, and create files for everybody to read.  None of that here.
"""

from __future__ import annotations

import json
import logging
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import flask
from gunicorn.app.base import BaseApplication

KEEPALIVE_SECONDS = 30
MAX_CONNECTION_AGE_SECONDS = 60
"""A revoked certificate keeps what it has already opened, so nothing stays open for longer than this."""


def serve(
    application: Callable[[], flask.Flask],
    *,
    name: str,
    host: str,
    port: int,
    tls: Callable[[], ssl.SSLContext] | None,
    tls_dir: Path | None,
    workers: int = 1,
    threads: int = 8,
    on_starting: Callable[[], None] | None = None,
) -> NoReturn:
    """Serve what `application` returns until a signal ends the process.

    `tls` is asked for a context at each new connection, so renewed certificates and CRLs count at once; None serves
    plain HTTP.  `tls_dir` holds the files that gunicorn wants to see named before it speaks TLS at all.
    """
    options: dict[str, Any] = {
        "bind": f"{host}:{port}",
        "proc_name": name,
        "worker_class": "gthread",
        "workers": workers,
        "threads": threads,
        "keepalive": KEEPALIVE_SECONDS,
        "graceful_timeout": 5,
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "proxy_allow_ips": "",
        "uwsgi_allow_ips": "",
        "control_socket_disable": True,
        "umask": 0o077,
        "logconfig_dict": _logging(name),
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # a heartbeat file, nothing secret
        "on_starting": lambda _: on_starting() if on_starting else None,
    }
    if tls is not None and tls_dir is not None:
        options |= {
            "certfile": str(tls_dir / "leaf.pem"),
            "keyfile": str(tls_dir / "key.pem"),
            "ssl_context": lambda _config, _default: tls(),
        }
    _Server(lambda: bounded_age(application()), options).run()
    raise SystemExit(0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, told everything by us and nothing by a file or the environment."""

    def __init__(self, application: Callable[[], Any], options: dict[str, Any]) -> None:
        self.application = application
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self.options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        return self.application()


def bounded_age(app: flask.Flask, seconds: float = MAX_CONNECTION_AGE_SECONDS) -> flask.Flask:
    """Ask the peer to close a connection that has been open for `seconds` (RFC 9112 §9.6)."""
    opened: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        since = opened.setdefault(connection, time.monotonic()) if connection is not None else time.monotonic()

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if time.monotonic() - since > seconds:
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *rest)

        return inner(environ, start)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application
    return app


class JsonLines(logging.Formatter):
    """A log record as one JSON object on one line, whatever it holds."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "service": self.service,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace_back"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _logging(service: str) -> dict[str, Any]:
    """Everything on stdout, a JSON object a line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines, "service": service}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["stdout"], "propagate": False},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }
