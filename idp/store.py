"""What the identity provider keeps: authorizations, and everything that hangs on one.

    authorizations      what a person allowed a client, or a client got for itself
    ├── codes           how the client fetches it, once
    └── tokens          what the client fetched: access and refresh tokens
    logins              browsers that have proven who sits before them

An authorization is the family of its tokens: to revoke the row is to revoke them all, at once and for every worker,
whatever is being issued at that moment.  A token that a client got for itself stands alone, and has no family until it
is exchanged for another.  Of a secret only its SHA-256 is kept: it has 256 random bits, so there is
nothing to guess, and a stolen store opens nothing.
"""

from __future__ import annotations

import functools
import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from idp.changes import Changes
from idp.prepared import Connections, Prepared, Statement
from idp.sweeping import Sweep
from services.store import keep_a_wal, make_tables

metadata = sa.MetaData()
Step = tuple[Statement, Mapping[str, Any]]
"""A statement with its parameters."""


def _family(*, nullable: bool) -> sa.Column[str]:
    return sa.Column("authorization", sa.ForeignKey("authorizations.id", ondelete="CASCADE"), nullable=nullable)


def _by_family(table: sa.Table) -> sa.Index:
    """An index of those in `table` that are of a family: to write a row to an index costs as much as to write it."""
    column = table.c.authorization
    return sa.Index(f"ix_{table.name}_authorization", column, sqlite_where=column.is_not(None))


authorizations = sa.Table(
    "authorizations",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("user", sa.String),  # None: the client acts for itself
    sa.Column("user_version", sa.Integer),
    sa.Column("auth_time", sa.BigInteger),
    sa.Column("login", sa.String, index=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("audience", sa.JSON(none_as_null=True)),  # None: all that the client is registered for
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False, default=False),
)
codes = sa.Table(
    "codes",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    _family(nullable=False),
    sa.Column("redirect_uri", sa.String, nullable=False),
    sa.Column("code_challenge", sa.String, nullable=False),
    sa.Column("nonce", sa.String),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("spent", sa.Boolean, nullable=False, default=False),
)
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    _family(nullable=True),  # None: it stands alone
    sa.Column("kind", sa.String, nullable=False),  # "access" or "refresh": one never passes for the other
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("jti", sa.String),
    sa.Column("aud", sa.JSON(none_as_null=True)),
    sa.Column("act", sa.JSON(none_as_null=True)),
    sa.Column("may_act", sa.String),
    sa.Column("cnf", sa.String),
    sa.Column("spent", sa.Boolean, nullable=False, default=False),
    sa.Column("revoked", sa.Boolean, nullable=False, default=False),
    sqlite_with_rowid=False,  # a row is in one place, and written once: under its digest
)
_by_family(codes)
_by_family(tokens)
logins = sa.Table(
    "logins",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("user", sa.String, nullable=False),
    sa.Column("user_version", sa.Integer, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
)


def new_secret() -> str:
    """A code, token or session id that nobody can guess: 256 random bits (RFC 6749 §10.10 asks for 128)."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The name under which a secret is kept."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


NEW_AUTHORIZATION, NEW_CODE, NEW_TOKEN = authorizations.insert(), codes.insert(), tokens.insert()


class Store:
    """The tables, in SQLite at `path` or in PostgreSQL at `url`; several workers may share it."""

    def __init__(self, path: Path, url: str | None = None) -> None:
        self._connections: Connections | None = None
        self._changes: Changes | None = None
        if url is None:
            place = sa.URL.create("sqlite", database=str(path))
            self._engine = sa.create_engine(place, connect_args={"timeout": 5}, hide_parameters=True)
            sa.event.listen(self._engine, "connect", _sqlite_connect)
            sa.event.listen(self._engine, "begin", _sqlite_begin)
            self._connections = Connections(lambda: _sqlite_open(path))
            self._changes = Changes(path.with_name(f"{path.name}-changes"))  # as SQLite names what lies beside it
        else:
            self._engine = sa.create_engine(
                sa.make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True
            )
        self._reader = self._engine.execution_options(read_only=True)
        self._sweeps = [Sweep(table) for table in (authorizations, tokens, logins)]
        self._prepared = functools.lru_cache(64)(lambda statement: Prepared(statement, self._engine.dialect))

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One atomic step: all of it happens, or nothing does."""
        with self._changing(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A look that waits for no writer."""
        with self._reader.connect() as connection:
            yield connection

    def run(self, steps: Sequence[Step], only_if: Step | None = None) -> bool:
        """Do `steps` as one atomic step if `only_if` finds a row; whether it does.  The quick way, on SQLite.

        They add rows, and change none that is there.
        """
        if self._connections is None:
            with self.writing() as connection:
                if only_if and connection.execute(*only_if).first() is None:
                    return False
                for statement, values in steps:
                    connection.execute(statement, values)
            return True
        with self._connections.one() as driver:

            def does(statement: Statement, values: Mapping[str, Any]) -> sqlite3.Cursor:
                prepared = self._prepared(statement)
                return driver.execute(prepared.text, prepared.parameters(values))

            alone = len(steps) == 1 and only_if is None  # it happens or does not
            if not alone:
                driver.execute("BEGIN IMMEDIATE")
            met = only_if is None or does(*only_if).fetchone() is not None
            for step in steps if met else ():
                does(*step)
            if not alone:
                driver.execute("COMMIT")
        return met

    def look(self, statement: sa.Select[Any], values: Mapping[str, Any]) -> Sequence[Any] | None:
        """The one row that `statement` finds, or None; the quick way, on SQLite."""
        if self._connections is None:
            with self.reading() as connection:
                return connection.execute(statement, values).one_or_none()
        prepared = self._prepared(statement)
        with self._connections.one() as driver:
            row = driver.execute(prepared.text, prepared.parameters(values)).fetchone()
        return prepared.read(row) if row else None

    def create(self) -> None:
        """Make the tables that are not there yet; several processes may try at once."""
        with self.writing() as connection:
            make_tables(connection, metadata)

    def sweep(self, now: int) -> None:
        """Go through some rows of each table, and forget what has expired; a family goes with all that hangs on it."""
        for sweep in self._sweeps:
            sweep.go_on(self, now)

    def forget(self, step: Step) -> None:
        """Take rows away; from then on no worker remembers them."""
        with self._changing():
            self.run([step])

    def state(self) -> bytes | None:
        """What is in the store is as it was, new rows apart, while this stays the same; None is never the same.

        Nobody tells us what is changed in PostgreSQL: there it is always None.
        """
        return self._changes.state() if self._changes else None

    def _changing(self) -> AbstractContextManager[None]:
        return self._changes.change() if self._changes else nullcontext()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
        if self._connections is not None:
            self._connections.close()
        if self._changes is not None:
            self._changes.close()


def _sqlite_open(path: Path) -> sqlite3.Connection:
    """A connection that is our own; whichever thread needs one takes it."""
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    _sqlite_connect(connection)
    return connection


def _sqlite_connect(connection: Any, _: Any = None) -> None:
    """Readers beside one writer, and real transactions, begun by us rather than guessed by the driver."""
    connection.isolation_level = None
    keep_a_wal(connection)
    for pragma in (
        "synchronous = NORMAL",  # a power cut may lose the last step, never half of one
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: sa.Connection) -> None:
    """Take the write lock first: a transaction that reads and then writes would else fail half-way under load."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
