"""One way to serve an application, with the server's known traps closed.

gunicorn with threads and kept-alive connections.  Its defaults trust `SCRIPT_NAME` and `X-Forwarded-*` request headers
from loopback (which walks round any path rule), open a control socket that two instances would share, build a new TLS
context for every connection, and create files for everybody to read.  None of that here.
"""

from __future__ import annotations

import gc
import resource
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import flask
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest

from services import arriving, logs, whole
from services.worker import Worker

KEEPALIVE_SECONDS = 30
MAX_CONNECTIONS = 1000
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
        "worker_class": Worker,
        "workers": workers,
        "threads": threads,
        "worker_connections": _most_connections(),
        "keepalive": KEEPALIVE_SECONDS,
        "graceful_timeout": 5,
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "proxy_allow_ips": "",
        "uwsgi_allow_ips": "",
        "control_socket_disable": True,
        "sendfile": False,  # a file's head would have to go before it
        "umask": 0o077,
        "logconfig_dict": logs.configuration(name),
        "logger_class": logs.NoAccessLog,
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # a heartbeat file, nothing secret
        "on_starting": lambda _: on_starting() if on_starting else None,
    }
    if tls is not None:
        if tls_dir is None:
            raise ValueError("TLS without the files that it reads would be plain HTTP")
        options |= {
            "certfile": str(tls_dir / "leaf.pem"),
            "keyfile": str(tls_dir / "key.pem"),
            "ssl_context": lambda _config, _default: tls(),
            "suppress_ragged_eofs": False,  # who goes away without a word has not ended what they said (RFC 8446 §6.1)
        }
    whole.install()
    gc.enable()  # whoever starts us may have put it off until all is loaded
    gc.freeze()  # what is loaded stays: the workers share it, and nobody looks for garbage there, not even at the end
    _Server(lambda: checked_framing(hanging_up(application())), options).run()
    raise SystemExit(0)


def _most_connections() -> int:
    """As many as leave half of the handles that a process may have for everything else."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if allowed == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, max(1, allowed // 2))


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


def hanging_up(app: flask.Flask, seconds: float = MAX_CONNECTION_AGE_SECONDS) -> flask.Flask:
    """Close a connection after its next answer, saying so (RFC 9112 §9.6), where there is a reason to.

    It has been open for `seconds`, or more of a body was announced than anybody here will read.
    """
    opened: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        old = connection is not None and time.monotonic() - opened.setdefault(connection, time.monotonic()) > seconds
        if old or int(environ.get("CONTENT_LENGTH") or 0) > arriving.LARGEST:
            _hang_up_after(start_response)
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application
    return app


def _hang_up_after(start_response: Callable[..., Any]) -> None:
    """gunicorn drops a Connection header of the application's, so its own response object has to be told."""
    start_response.__self__.force_close()  # type: ignore[attr-defined]  # a method bound to that object


class _Body:
    """A request's body whose broken framing is the sender's mistake, not ours."""

    def __init__(self, body: Any, start_response: Callable[..., Any]) -> None:
        self._body, self._start_response = body, start_response

    def read(self, *size: int) -> bytes:
        try:
            octets: bytes = self._body.read(*size)
        except (ParseException, NoMoreData) as error:  # where the next request begins, nobody knows
            _hang_up_after(self._start_response)
            raise BadRequest("the body's framing is broken") from error
        return octets


def checked_framing(app: flask.Flask) -> flask.Flask:
    """Answer 400 to a body whose chunks are broken (RFC 9112 §7.1); gunicorn finds out only while it is being read."""
    inner = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"], start_response)
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application
    return app
