"""Serves one small endpoint as the shop's services are served: the ground on which a lock is measured.

    python -m scenarios.bench.served                 behind the pattern in force, and open beside it
    python -m scenarios.bench.served others          and behind what a Flask user would otherwise pick
    python -m scenarios.bench.served others default  with a TLS context as gunicorn makes one by default

It is told by its environment what `orders` is told.  Every view answers the same, so what differs is the lock.
"""

from __future__ import annotations

import gc
import sys

gc.disable()  # as `services.__main__` does: nothing that is loaded is garbage

import flask  # noqa: E402  # after that

from services import server  # noqa: E402
from services.app import create_app, open_to_all, requires  # noqa: E402
from services.patterns import pattern  # noqa: E402
from services.settings import Settings, from_environ  # noqa: E402

BODY = {"status": "ok"}
OPERATION = "orders:read"
views = flask.Blueprint("bench", __name__)


@views.get("/guarded")
@requires(OPERATION)
def guarded() -> dict[str, str]:
    """The endpoint, behind the pattern."""
    return BODY


@views.get("/open")
@open_to_all
def opened() -> dict[str, str]:
    """The same, for anybody."""
    return BODY


def application(settings: Settings, others: bool) -> flask.Flask:
    """The service; with the `others`, their views too."""
    app = create_app(settings, views, ready=lambda: None)
    if others:
        from scenarios.bench.others import install  # brings libraries that ours does without

        install(app, settings)
    return app


def main(arguments: list[str]) -> None:
    """Serve until a signal ends the process."""
    settings = from_environ("orders")
    if "default" in arguments:
        from scenarios.bench.default_gunicorn import serve

        serve(lambda: application(settings, "others" in arguments), settings)
    server.serve(
        lambda: application(settings, "others" in arguments),
        name="orders",
        host=settings.host,
        port=settings.port,
        tls=None if settings.pattern == "perimeter" else pattern(settings.pattern, settings).listener,  # type: ignore[arg-type]  # only `perimeter` listens in the clear
        tls_dir=settings.tls_dir,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
