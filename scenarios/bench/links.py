"""The links of a chain, as processes: small services that do nothing but call the next one.

    python -m scenarios.bench.links '[{"settings": {…}, "age": seconds or null}, …]'

Each is a real service of the shop's making: `create_app` with its guard, its policy and its audit line, `peers()` for
calling on, and `server.serve`.  Only what it is for is missing, so what is left is the cost of hops.  All come from one
process that has imported everything already; each serves in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

import flask

from compose.topology import INSIDE
from services import policy, server
from services.app import create_app, peers, requires
from services.patterns import pattern
from services.server import hanging_up
from services.settings import Settings

NEXT = dict(zip(INSIDE, (*INSIDE[1:], INSIDE[0]), strict=True))
"""Who comes after whom, in a ring: a chain may be longer than there are services."""
GRANT = policy.Rule("items:read", frozenset({"gateway", *INSIDE}))


def main(links: list[dict[str, Any]]) -> None:
    """Serve all of them until they are ended."""
    policy.POLICY["chain:pass"] = GRANT
    for link in links:
        if os.fork() == 0:
            serve(Settings(**link["settings"]), link["age"])
    for _ in links:
        os.wait()


def serve(settings: Settings, age: float | None) -> NoReturn:
    """Serve one link; it closes connections at `age`, or at the age at which the shop's services do."""

    def application() -> flask.Flask:
        app = create_app(settings, views(NEXT.get(settings.service, "orders")), ready=lambda: None)
        return app if age is None else hanging_up(app, age)

    listener = pattern(settings.pattern, settings).listener
    server.serve(
        application,
        name=settings.service,
        host=settings.host,
        port=settings.port,
        tls=listener if listener() is not None else None,  # type: ignore[arg-type]  # not None, as just seen
        tls_dir=settings.tls_dir,
    )


def views(following: str) -> flask.Blueprint:
    """What a link can be asked."""
    blueprint = flask.Blueprint("link", __name__)

    @blueprint.get("/chain/<int:further>")
    @requires("chain:pass")
    def go_on(further: int) -> dict[str, int]:
        if further == 0:
            return {"hops": 1}
        return {"hops": 1 + peers().get(following, f"/chain/{further - 1}")["hops"]}

    @blueprint.post("/chain")
    @requires("chain:pass")
    def take() -> dict[str, int]:
        return {"octets": len(flask.request.get_data())}

    return blueprint


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
