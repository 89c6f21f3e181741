"""The least that Flask can be: what a start is compared with, as `gunicorn scenarios.bench.bare:app` serves it."""

from __future__ import annotations

import os

import flask

LOADED = "BENCH_LOADED"
"""The libraries that are to be loaded besides, apart by spaces."""
app = flask.Flask(__name__)
for name in os.environ.get(LOADED, "").split():
    __import__(name)


@app.get("/")
def hello() -> str:
    """Anybody is answered."""
    return "hello\n"
