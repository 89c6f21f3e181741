"""Statements that every token needs: SQLAlchemy writes them once, and from then on SQLite's own driver runs them.

What SQLAlchemy does around a statement (a pool, a transaction, events, a cache of what it compiled) costs ten times as
much as the statement itself.  The tables stay SQLAlchemy's, and so do the text, the order of the parameters, and how a
value is kept: nothing is written down twice.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from services.identity import StoreUnavailable

Statement = sa.Select[Any] | sa.Insert | sa.Delete
Convert = Callable[[Any], Any] | None


class Prepared:
    """A statement as SQLite's driver takes it."""

    def __init__(self, statement: Statement, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        assert compiled.positiontup is not None
        self.text = str(compiled)
        defaults, keeping = compiled.params | _defaults(statement), self._keeping
        known = ((name, keeping(compiled, name, dialect), defaults[name]) for name in compiled.positiontup)
        self._parameters = [(name, keep, keep(default) if keep else default) for name, keep, default in known]
        columns = statement.selected_columns if isinstance(statement, sa.Select) else ()
        readings = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._readings: list[tuple[int, Callable[[Any], Any]]] = [(n, read) for n, read in enumerate(readings) if read]

    @staticmethod
    def _keeping(compiled: SQLCompiler, name: str, dialect: sa.Dialect) -> Convert:
        """How a parameter's value becomes one that SQLite keeps."""
        convert: Convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
        return convert

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """`values`, and the column's default for each that is not there, in their order."""
        return [
            (keep(values[name]) if keep else values[name]) if name in values else default
            for name, keep, default in self._parameters
        ]

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row as it was before it was kept."""
        values = list(row)
        for number, read in self._readings:
            if values[number] is not None:
                values[number] = read(values[number])
        return tuple(values)


def _defaults(statement: Statement) -> dict[str, Any]:
    """What a new row holds where it is not told."""
    if not isinstance(statement, sa.Insert):
        return {}
    given = {column.name: column.default for column in statement.table.columns}
    return {name: it.arg if isinstance(it, ScalarElementColumnDefault) else None for name, it in given.items()}


class Connections:
    """Connections to SQLite that `open` makes, kept open between two uses; each is used by one thread at a time."""

    def __init__(self, open: Callable[[], sqlite3.Connection]) -> None:
        self._open = open
        self._idle: deque[sqlite3.Connection] = deque()  # its ends are safe to use from several threads

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection for the block; `StoreUnavailable` when it does not do what it is told."""
        try:
            connection = self._idle.pop() if self._idle else self._open()
        except sqlite3.Error as error:
            raise StoreUnavailable("the store cannot be opened") from error
        try:
            yield connection
        except BaseException as error:
            connection.close()  # whatever was begun is undone
            if isinstance(error, sqlite3.Error):
                raise StoreUnavailable("the store does not answer") from error
            raise
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
