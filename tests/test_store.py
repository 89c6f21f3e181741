"""The store: transactions that hold whatever else goes on, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services import store
from services.identity import StoreUnavailable
from tests import support

pytest_plugins = ("tests.postgres",)

metadata = sa.MetaData()
counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[sa.Engine]:
    made = store.open_store(support.settings(tmp_path, DATABASE_URL=database_url), metadata)
    yield made
    made.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[sa.Engine]:
    made = store.open_store(support.settings(tmp_path), metadata)
    yield made
    made.dispose()


def add(name: str, value: int = 0) -> Callable[[sa.Connection], None]:
    def work(connection: sa.Connection) -> None:
        connection.execute(counters.insert().values(name=name, value=value))

    return work


def pragma(engine: sa.Engine, name: str) -> Any:
    return store.transact(engine, lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar())


def value_of(name: str) -> Callable[[sa.Connection], int | None]:
    return lambda connection: connection.scalar(sa.select(counters.c.value).where(counters.c.name == name))


@pytest.mark.parametrize("name", ["C#", "why?mode=rw", "50%20off", "a b"])
def test_it_is_where_it_was_asked_to_be_whatever_the_directory_is_called(tmp_path: Path, name: str) -> None:
    made = store.open_store(support.settings(tmp_path / name), metadata)
    store.transact(made, add("a", 1))
    made.dispose()
    assert [found.name for found in tmp_path.rglob("*.db")] == ["orders.db"]
    assert (tmp_path / name / "orders/data/orders.db").exists()


def test_several_may_open_a_new_one_at_once(tmp_path: Path, database_url: str | None) -> None:
    at_once = threading.Barrier(4)

    def open_it(_: int) -> sa.Engine:
        at_once.wait(10)
        return store.open_store(support.settings(tmp_path, DATABASE_URL=database_url), metadata)

    with ThreadPoolExecutor(at_once.parties) as pool:
        engines = list(pool.map(open_it, range(at_once.parties)))
    store.transact(engines[0], add("a", 1))
    for made in engines:
        assert store.transact(made, value_of("a")) == 1
        made.dispose()


def test_whoever_makes_tables_keeps_others_from_looking_what_there_is(postgres: str) -> None:
    """Until it is done: two that look at once would both make what is missing, and one of them would fail."""
    engine = sa.create_engine(sa.make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as first, engine.connect() as second:
        store.make_tables(first, sa.MetaData())
        second.exec_driver_sql("SET lock_timeout = '100ms'")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            store.make_tables(second, sa.MetaData())
    with engine.begin() as afterwards:
        store.make_tables(afterwards, sa.MetaData())
    engine.dispose()


def test_what_is_done_is_kept(engine: sa.Engine) -> None:
    store.transact(engine, add("a", 1))
    assert store.transact(engine, value_of("a")) == 1


def test_what_fails_half_way_is_not(engine: sa.Engine) -> None:
    def work(connection: sa.Connection) -> None:
        add("a")(connection)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        store.transact(engine, work)
    assert store.transact(engine, value_of("a")) is None


def test_opening_a_store_again_keeps_what_is_in_it(engine: sa.Engine, tmp_path: Path, database_url: str | None) -> None:
    store.transact(engine, add("a", 1))
    again = store.open_store(support.settings(tmp_path, DATABASE_URL=database_url), metadata)
    assert store.transact(again, value_of("a")) == 1
    again.dispose()


@pytest.mark.usefixtures("patient")
def test_many_who_read_and_then_write_at_once_lose_nothing(engine: sa.Engine) -> None:
    """Each waits for its turn: in SQLite by BEGIN IMMEDIATE, in PostgreSQL by the row's lock."""
    store.transact(engine, add("a"))
    wanted = sa.select(counters.c.value).where(counters.c.name == "a").with_for_update()

    def rise(_: int) -> None:
        def work(connection: sa.Connection) -> None:
            value = connection.scalar(wanted) or 0
            connection.execute(counters.update().where(counters.c.name == "a").values(value=value + 1))

        store.transact(engine, work)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rise, range(64)))
    assert store.transact(engine, value_of("a")) == 64


def test_two_who_find_a_row_missing_insert_it_once(engine: sa.Engine) -> None:
    """PostgreSQL lets both find it missing; SQLite lets the second look only when the first is done."""
    together = threading.Barrier(2)
    tries: list[int] = []

    def find_or_insert(name: int) -> int | None:
        def work(connection: sa.Connection) -> int | None:
            found = value_of("a")(connection)
            tries.append(name)
            if found is None and engine.dialect.name == "postgresql" and len(tries) <= 2:
                together.wait(10)
            if found is None:
                add("a", name)(connection)
            return value_of("a")(connection)

        return store.transact(engine, work)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(find_or_insert, (1, 2)))
    assert found[0] == found[1]
    assert len(tries) == (3 if engine.dialect.name == "postgresql" else 2)


def test_a_conflict_that_stays_is_an_outage_after_three_tries(engine: sa.Engine) -> None:
    store.transact(engine, add("a"))
    tries = []

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        add("a")(connection)

    with pytest.raises(StoreUnavailable, match="contended"):
        store.transact(engine, work)
    assert len(tries) == 3


def test_a_store_that_answers_answers(engine: sa.Engine) -> None:
    store.answers(engine)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(tmp_path: Path, postgres: str) -> None:
    made = store.open_store(support.settings(tmp_path, DATABASE_URL=postgres), metadata)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    killer = sa.create_engine(made.url)
    with killer.connect() as connection:
        assert connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) {others}")).scalars().all() == [True]
    killer.dispose()
    store.answers(made)
    made.dispose()


def test_a_postgresql_that_is_not_there_is_an_outage() -> None:
    nowhere = sa.create_engine("postgresql+psycopg://postgres@/none?host=/nowhere")
    with pytest.raises(StoreUnavailable):
        store.answers(nowhere)


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_is_spoken_through_psycopg_3(url: str) -> None:
    assert store._with_driver(url).render_as_string() == "postgresql+psycopg://u@h/d"


class TestSQLite:
    def test_a_full_disk_is_an_outage_and_nothing_is_half_written(self, sqlite: sa.Engine) -> None:
        def fill(connection: sa.Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(10_000):
                add(f"{number:0100}")(connection)

        with pytest.raises(StoreUnavailable):
            store.transact(sqlite, fill)
        assert store.transact(sqlite, value_of(f"{0:0100}")) is None

    def test_a_locked_store_is_an_outage_once_the_wait_is_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
        path = tmp_path / "a.db"
        engine = store.sqlite_engine(path)
        metadata.create_all(engine)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.answers(engine)
        other.execute("ROLLBACK")
        store.answers(engine)
        other.close()
        engine.dispose()

    def test_a_spoilt_file_is_an_outage(self, tmp_path: Path) -> None:
        (tmp_path / "a.db").write_bytes(b"this is no database" * 1000)
        engine = store.sqlite_engine(tmp_path / "a.db")
        with pytest.raises(StoreUnavailable):
            store.answers(engine)
        engine.dispose()

    def test_references_are_checked(self, sqlite: sa.Engine) -> None:
        assert pragma(sqlite, "foreign_keys") == 1

    def test_readers_do_not_wait_for_a_writer(self, sqlite: sa.Engine) -> None:
        assert pragma(sqlite, "journal_mode") == "wal"

    def test_a_commit_is_on_the_disk(self, sqlite: sa.Engine) -> None:
        assert pragma(sqlite, "synchronous") == 2  # FULL

    def test_the_file_lies_where_only_we_can_go(self, tmp_path: Path) -> None:
        engine = store.sqlite_engine(tmp_path / "data" / "a.db")
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        engine.dispose()
