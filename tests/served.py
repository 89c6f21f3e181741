"""A process that serves what it is asked, through `services.server.serve`: what the tests of the server talk to.

    python -m tests.served TLS_DIR|plain CLIENT SECONDS HEAD LINGER

It listens on a free port, which its log tells, and closes connections once they are SECONDS old.  A client has HEAD
seconds to say what it wants, and twice as many with a body; those who say nothing when it is to end have LINGER.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import flask
from gunicorn.workers import gthread

from services import arriving, audit, server, tls


def application() -> flask.Flask:
    """Views that tell what the server made of a request."""
    app = flask.Flask(__name__)
    audit.install(app, "served")

    @app.get("/admin")
    def admin() -> str:
        return "admin"

    @app.get("/much/<int:octets>")
    def much(octets: int) -> str:
        return "x" * octets

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("two\nlines")

    @app.route("/<path:anything>", methods=["GET", "POST"])
    def tell(anything: str) -> dict[str, Any]:
        peer = tls.peer(flask.request.environ)
        environ = flask.request.environ
        names = (
            "PATH_INFO",
            "SCRIPT_NAME",
            "REMOTE_ADDR",
            "REMOTE_USER",
            "wsgi.url_scheme",
            "HTTP_X_USER",
            "HTTP_HOST",
        )
        told = {name: environ.get(name) for name in names}
        return {"peer": peer and peer.name, "body": flask.request.get_data().decode("latin-1")} | told

    return server.hanging_up(app, float(sys.argv[3]))


if __name__ == "__main__":
    directory = None if sys.argv[1] == "plain" else Path(sys.argv[1])
    client = sys.argv[2]
    arriving.HEAD_SECONDS = float(sys.argv[4])  # so that a test need not wait for long, or may take its time
    arriving.REQUEST_SECONDS = 2 * arriving.HEAD_SECONDS
    gthread.STOP_KEEPALIVE_LINGER = float(sys.argv[5])
    server.serve(
        application,
        name="served",
        host="127.0.0.1",
        port=0,
        tls=(lambda: tls.server_context(directory, client)) if directory else None,  # type: ignore[arg-type]
        tls_dir=directory,
        on_starting=lambda: audit.write({"event": "starting"}),
    )
