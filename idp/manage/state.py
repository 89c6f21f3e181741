"""Where the door writes and the workers read: tables beside those of the store, made only when a door is asked for.

`numbers` is read at each request, whole: the clock, whether a fault is armed, and how often clients changed.
"""

from __future__ import annotations

import sqlalchemy as sa

from idp.store import Store
from services.store import make_tables

metadata = sa.MetaData()

numbers = sa.Table(
    "manage_numbers",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)
clients = sa.Table(
    "manage_clients",
    metadata,
    sa.Column("client_id", sa.String, primary_key=True),
    sa.Column("registration", sa.Text),  # None: a provisioned client that was removed
)
faults = sa.Table(
    "manage_faults",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("endpoint", sa.String, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("remaining", sa.Integer, nullable=False),
    sa.Column("does", sa.JSON, nullable=False),
)
journal = sa.Table(
    "manage_journal",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("trace", sa.String, nullable=False, index=True),
    sa.Column("client", sa.String),
    sa.Column("user", sa.String),
    sa.Column("method", sa.String, nullable=False),
    sa.Column("endpoint", sa.String),
    sa.Column("grant", sa.String),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("milliseconds", sa.Float, nullable=False),
    sa.Column("fault", sa.Integer),
)

AT_FIRST = {"revision": 0.0, "clock": 0.0, "clients": 0.0, "faults": 0.0}
_READ = sa.select(numbers.c.name, numbers.c.value)


def create(store: Store) -> None:
    """Make the tables, and the numbers as they are at first; what is there already stays."""
    with store.writing() as connection:
        make_tables(connection, metadata)
        known = set(connection.execute(sa.select(numbers.c.name)).scalars())
        for name in AT_FIRST.keys() - known:
            connection.execute(numbers.insert().values(name=name, value=AT_FIRST[name]))


def read(store: Store) -> dict[str, float]:
    """The numbers as they are now."""
    with store.reading() as connection:
        return {row.name: row.value for row in connection.execute(_READ)}


def put(connection: sa.Connection, name: str, value: float) -> None:
    """Set a number; the workers obey it from their next request on."""
    connection.execute(numbers.update().where(numbers.c.name == name).values(value=value))
    _revise(connection)


def raise_by(connection: sa.Connection, name: str, step: float = 1) -> None:
    """Raise a number; the same."""
    connection.execute(numbers.update().where(numbers.c.name == name).values(value=numbers.c.value + step))
    _revise(connection)


def _revise(connection: sa.Connection) -> None:
    revision = numbers.c.name == "revision"
    connection.execute(numbers.update().where(revision).values(value=numbers.c.value + 1))
