"""Memory and store while tokens are issued without end: what has expired is swept, so both stay as they are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from idp.prepare import prepare
from idp.provider import Provider
from idp.settings import Settings
from idp.store import tokens
from idp.tokens import ACCESS_SECONDS, Authorization
from scenarios.bench.idps.ground import API, APP, SCOPE, furnish

ISSUER_PORT = 9443
NOW = 1_900_000_000.0


@dataclass(frozen=True)
class Seen:
    """What there was after so many tokens."""

    issued: int
    rows: int
    store_mib: float
    memory_mib: float


@contextmanager
def provider(clock: Callable[[], float]) -> Iterator[Provider]:
    """An identity provider in this process, whose time is what `clock` says."""
    with tempfile.TemporaryDirectory(prefix="idp-flat-") as name:
        furnish(directory := Path(name))
        settings = Settings(dir=directory, issuer=f"https://localhost:{ISSUER_PORT}", port=ISSUER_PORT)
        prepare(settings)
        found = Provider(settings, clock)
        try:
            yield found
        finally:
            found.store.close()


def issue(count: int, looks: int, alive: int) -> Iterator[Seen]:
    """Issue `count` tokens and look `looks` times; time passes so that about `alive` of them have not expired yet."""
    number = 0
    with provider(lambda: NOW + number * ACCESS_SECONDS / alive) as idp:
        client = idp.clients.get(APP)
        assert client is not None
        for number in range(1, count + 1):
            expires = int(idp.clock()) + ACCESS_SECONDS
            idp.tokens.issue(client, Authorization(None, APP, SCOPE, expires), SCOPE, [API])
            if number % (count // looks) == 0:
                yield _look(idp, number)


def _look(idp: Provider, issued: int) -> Seen:
    with idp.store.reading() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(tokens)).scalar_one()
    kept = sum(path.stat().st_size for path in idp.settings.data_dir.glob("idp.db*"))
    return Seen(issued, rows, kept / 2**20, psutil.Process().memory_info().rss / 2**20)
