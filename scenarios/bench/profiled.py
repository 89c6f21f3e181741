"""Serves what `served` does, with a clock at each border that a request crosses, and tells what they show.

    python -m scenarios.bench.profiled

Between what belongs to whom stand hooks: Flask's list of what to do before and after a request, the application that
gunicorn calls, and the connection that it reads and writes.  Each of them is replaced by itself with a clock around it
(`ledger`).  `/spent` answers with the nanoseconds of each part so far.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import flask

from scenarios.bench import served
from scenarios.bench.ledger import AUDIT, CHECKS, FLASK, GUARD, GUNICORN, KEEPING, LOOP, PARTS, WIRE, Ledger
from services.app import open_to_all
from services.settings import Settings

HOOKS = {
    "install.<locals>.begin": AUDIT,
    "install.<locals>.end": AUDIT,
    "_one_host.<locals>.check": CHECKS,
    "_guarded.<locals>.guard": GUARD,
    "_headers": CHECKS,
}
"""What Flask calls of ours for each request."""
READS_AND_WRITES = ("recv", "recv_into", "send", "sendall")
ledger = Ledger()


@served.views.get("/spent")
@open_to_all
def spent() -> dict[str, float]:
    """The CPU nanoseconds of each part, and of the thread that waits for connections."""
    main = threading.main_thread().ident
    assert main is not None  # it runs
    loop = time.clock_gettime_ns(time.pthread_getcpuclockid(main))
    return {part: ledger.spent[part] for part in (*PARTS, KEEPING)} | {LOOP: loop}


def watched(app: flask.Flask) -> flask.Flask:
    """The application with a clock around each hook, and around all of it."""
    for hooks in (app.before_request_funcs[None], app.after_request_funcs[None]):
        hooks[:] = [ledger.within(HOOKS[hook.__qualname__], hook) for hook in hooks]
    inner = ledger.within(FLASK, app.wsgi_app)

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return inner(environ, ledger.within(GUNICORN, start_response))

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application
    return app


def watch_wire() -> None:
    """A clock around what is read from connections that we serve, and written to them."""
    for kind in (socket.socket, ssl.SSLSocket):
        for name in READS_AND_WRITES:
            setattr(kind, name, _of_served(getattr(kind, name)))


def _of_served(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method`, watched: but where it is we who called, what that costs is on the account of who did it."""
    timed = ledger.within(WIRE, method)

    def either(self: socket.socket, *args: Any) -> Any:
        calling = isinstance(self, ssl.SSLSocket) and not self.server_side
        return method(self, *args) if calling else timed(self, *args)

    return either


def main() -> None:
    """Serve until a signal ends the process."""
    watch_wire()
    application = served.application
    flask.Flask.__call__ = ledger.within(CHECKS, flask.Flask.__call__)  # type: ignore[method-assign]  # all between gunicorn and Flask is ours

    def with_clocks(settings: Settings, others: bool) -> flask.Flask:
        return watched(application(settings, others))

    served.application = with_clocks
    served.main([])


if __name__ == "__main__":
    main()
