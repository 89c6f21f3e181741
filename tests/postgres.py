"""For the tests that run on both stores a throw-away PostgreSQL, a cluster per session, a database per test.

It listens on a socket in a directory of its own and on no port, and is gone afterwards.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from services import store

SERVER = Path("/usr/lib/postgresql")
SECONDS = 60
HASTE = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"
ALONE = "-c autovacuum=off"
"""Nobody but the tests works in it: some count who is connected, and a new database is copied from one nobody is in."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the disk: SQLite lets those who wait for its lock in by chance, and not one after the other."""
    monkeypatch.setattr(store, "BUSY_SECONDS", float(SECONDS))


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The URL of a running PostgreSQL, without a database's name; skips where none is installed."""
    programs = sorted(SERVER.glob("[0-9]*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not programs:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    as_root = os.geteuid() == 0  # PostgreSQL refuses to run as root
    owner = "postgres" if as_root else None
    # Not in pytest's own directory: a socket's path is short, and its owner could not go there.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if owner:
            shutil.chown(directory, owner, owner)
        data, binaries = directory / "data", programs[-1].parent
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        _run([binaries / "initdb", "-D", data, *how], owner)
        options = f"-c listen_addresses='' -c unix_socket_directories='{directory}' {HASTE} {ALONE}"
        _run([binaries / "pg_ctl", "start", "-w", "-D", data, "-l", directory / "log", "-o", options], owner)
        try:
            yield f"postgresql://postgres@/{{database}}?host={directory}"
        finally:
            _run([binaries / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data], owner)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _new_database(cluster: str) -> Iterator[str]:
    """The URL of an empty database in `cluster`, as DATABASE_URL would name it; gone afterwards."""
    name = f"test_{secrets.token_hex(8)}"
    admin = sa.create_engine(
        cluster.format(database="postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} STRATEGY file_copy"))
        yield cluster.format(database=name)
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@pytest.fixture
def postgres(cluster: str) -> Iterator[str]:
    """The URL of a database for one test."""
    with _new_database(cluster) as url:
        yield url


@pytest.fixture(scope="module")
def shared_postgres(cluster: str) -> Iterator[str]:
    """The URL of a database for all tests of a module."""
    with _new_database(cluster) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What DATABASE_URL says: nothing, for SQLite, and then a PostgreSQL database."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres")
    return url


def _run(command: list[str | Path], owner: str | None) -> None:
    # A file instead of a pipe: the server would keep the pipe's end, and we would wait for it for ever.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            list(map(str, command)),
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        said.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {said.read().decode(errors='replace')}")
