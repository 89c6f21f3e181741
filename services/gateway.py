"""The gateway: the one door of the shop, with an API for programs and pages for people.

It authenticates at the edge, decides what a person may do in every pattern, and calls the services for them.
"""

from __future__ import annotations

import flask

from services import api, pages, shares
from services.app import create_app
from services.edge import Edge
from services.settings import Settings


def application(settings: Settings) -> flask.Flask:
    """The gateway."""
    edge = Edge(settings)
    views = flask.Blueprint("gateway", __name__)
    views.register_blueprint(api.views)
    views.register_blueprint(pages.views)
    app = create_app(settings, views, edge.ready, edge.authenticate, edge.guard.challenge)
    shares.install(app)
    app.extensions |= {"settings": settings, "edge": edge}
    pages.install(app, settings, edge)
    return app
