"""The store of one service: SQLite in its own file, or PostgreSQL where DATABASE_URL says so.

The same tables, statements and tests for both.  SQLite's default of a deferred BEGIN lets two writers read first and
then find each other's lock; with BEGIN IMMEDIATE each waits for its turn.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import flask
import sqlalchemy as sa

from services.identity import StoreUnavailable

if TYPE_CHECKING:
    from services.settings import Settings

BUSY_SECONDS = 5
TRIES = 3
MAKING_TABLES = 0x1D9
"""The number of the lock that is held meanwhile, a word that all of them know."""
Result = TypeVar("Result")


def open_store(settings: Settings, metadata: sa.MetaData) -> sa.Engine:
    """The engine for `settings.service`, with its tables in place."""
    if settings.database_url:
        engine = sa.create_engine(_with_driver(settings.database_url), pool_pre_ping=True, hide_parameters=True)
    else:
        engine = sqlite_engine(settings.data_dir / f"{settings.service}.db")
    try:
        with engine.begin() as connection:
            make_tables(connection, metadata)
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable("the store cannot be opened") from error
    return engine


def make_tables(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Make the tables that are not there yet; several processes may try at once, in transactions that write.

    In SQLite there is one such transaction at a time.  In PostgreSQL two would look, and then both make them.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MAKING_TABLES)))
    metadata.create_all(connection)


def sqlite_engine(path: Path) -> sa.Engine:
    """SQLite at `path`, in WAL mode, each transaction begun as a writer's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    url, connect = sa.URL.create("sqlite", database=str(path)), {"timeout": BUSY_SECONDS, "isolation_level": None}
    engine = sa.create_engine(url, connect_args=connect, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        keep_a_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a commit that was acknowledged survives a power cut too
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def keep_a_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode, if nobody has yet.

    SQLite does that only while nobody else is at a new file, and here, unlike elsewhere, does not wait by itself.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # another process is at it: there is nothing to wait on but the next try


def transact(engine: sa.Engine, work: Callable[[sa.Connection], Result]) -> Result:
    """Do `work` in one transaction, and again when another one got in first; `StoreUnavailable` when the store fails.

    SQLite lets one writer in at a time.  In PostgreSQL two can both find a row missing and both insert it: the second
    fails on the unique key, and finds the row when it tries again.
    """
    for _ in range(TRIES):
        try:
            with engine.begin() as connection:
                return work(connection)
        except sa.exc.IntegrityError:
            continue
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            raise StoreUnavailable("the store does not answer") from error
    raise StoreUnavailable("the store stays contended")


def engine() -> sa.Engine:
    """The store of the service at hand."""
    found: sa.Engine = flask.current_app.extensions["engine"]
    return found


def answers(engine: sa.Engine) -> None:
    """Return when the store answers; `StoreUnavailable` when it does not."""
    transact(engine, lambda connection: connection.execute(sa.select(sa.literal(1))))


def _with_driver(url: str) -> sa.URL:
    """PostgreSQL is spoken through psycopg 3, whatever short form the URL has."""
    parsed = sa.make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername in {"postgres", "postgresql"} else parsed
