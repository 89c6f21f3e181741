"""Journal: each request that the identity provider answered, and what came of it.  Never anything secret.

It holds routes, not what was asked for; ids of clients and names of people only where they were found to be right; of a
reason its code.  The oldest entries go when there are too many.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import flask
import sqlalchemy as sa
from pydantic import Field
from werkzeug.exceptions import HTTPException

from idp.manage import state
from idp.manage.operations import Query, operation
from idp.manage.shapes import Counts, Entry
from idp.metadata import GRANTS
from idp.provider import Provider
from idp.store import Store
from services import audit

BOUND, EVERY = 10_000, 256
"""How many entries are kept, and how often somebody looks for those that are too many."""
LONGEST = 200
log = logging.getLogger(__name__)
_journal = state.journal


class Filter(Query):
    """Which entries are meant: those that fit everything said."""

    trace: str | None = Field(default=None, pattern=r"\A[0-9a-f]{32}\z")
    endpoint: str | None = None
    client: str | None = None
    after: int = 0
    """Only entries with a higher id."""


class Page(Filter):
    """The same, and how many: the latest."""

    limit: int = Field(default=1000, ge=1, le=BOUND)


@operation("GET", "/journal")
def read(provider: Provider, query: Page) -> list[Entry]:
    """The requests, in the order of their answers."""
    latest = sa.select(_journal).where(*_meant(query)).order_by(_journal.c.id.desc()).limit(query.limit)
    with provider.store.reading() as connection:
        return [Entry(**row) for row in connection.execute(latest).mappings()][::-1]


@operation("GET", "/journal/counts")
def count(provider: Provider, query: Filter) -> Counts:
    """How many requests there were."""
    c = _journal.c
    with provider.store.reading() as connection:

        def by(column: sa.Column[Any]) -> dict[str, int]:
            rows = connection.execute(sa.select(column, sa.func.count()).where(*_meant(query)).group_by(column))
            return {str(value): number for value, number in rows if value is not None}

        total = connection.execute(sa.select(sa.func.count()).where(*_meant(query), c.id > 0)).scalar_one()
        return Counts(total, by(c.endpoint), by(c.client), by(c.status))


def write(store: Store, response: flask.Response) -> None:
    """Write down the request at hand and its answer."""
    if flask.request.endpoint in audit.UNLOGGED or "record" not in flask.g:
        return
    try:
        with store.writing() as connection:
            made = connection.execute(_journal.insert().values(_entry(response))).inserted_primary_key
            if made and made[0] % EVERY == 0:
                connection.execute(_journal.delete().where(_journal.c.id <= made[0] - BOUND))
    except sa.exc.SQLAlchemyError:
        log.exception("the journal lacks an entry")


def reset(connection: sa.Connection) -> None:
    """Forget it all."""
    connection.execute(_journal.delete())


def _entry(response: flask.Response) -> dict[str, Any]:
    record, rule = flask.g.record, flask.request.url_rule
    reason = str(record.get("reason") or "").partition(":")[0][:LONGEST]
    denied = response.status_code >= 400
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "trace": flask.g.trace,
        "client": record.get("caller"),
        "user": record.get("user"),
        "method": flask.request.method,
        "endpoint": rule.rule if rule else None,
        "grant": _grant(),
        "outcome": record.get("decision", "deny" if denied else "allow"),
        "reason": reason or None,
        "status": response.status_code,
        "milliseconds": round((time.monotonic() - flask.g.began) * 1000, 1),
        "fault": flask.g.get("fault_id"),
    }


def _grant() -> str | None:
    """The grant that was asked for, if it is one; a body that was refused, for its size perhaps, asked for none."""
    with suppress(HTTPException):
        asked = flask.request.form.get("grant_type") if flask.request.method == "POST" else None
        return asked if asked in GRANTS else None
    return None


def _meant(query: Filter) -> list[sa.ColumnElement[bool]]:
    said = {_journal.c.trace: query.trace, _journal.c.endpoint: query.endpoint, _journal.c.client: query.client}
    return [_journal.c.id > query.after, *(column == value for column, value in said.items() if value is not None)]
