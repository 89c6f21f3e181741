"""A password's hash at several costs: what it takes to check one at a log-in, and to try one as a guess.

In this thread, by CPU time: a log-in is `UserStore.check` by a store that has seen nobody yet, a guess is one check of
a stolen hash against a wrong password, by the library that everybody has.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from scenarios.bench.contest import NotProven
from services.passwords import HASHER
from services.users import UserStore

NAME, PASSWORD = "alice", "wonderland"


@dataclass(frozen=True)
class Cost:
    """What one hash takes."""

    kib: int
    passes: int

    @property
    def mebibytes(self) -> float:
        """Memory that is written, over all passes: what a guesser has to pay for."""
        return self.kib * self.passes / 1024


COSTS = (Cost(4096, 1), Cost(HASHER.memory_cost, HASHER.time_cost), Cost(65_536, 3), Cost(131_072, 4))
"""Far too cheap; ours; the library's default; more than twice that."""


class Hashed:
    """A user store in which alice's hash has a certain cost."""

    def __init__(self, path: Path, cost: Cost) -> None:
        self._path = path
        hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.kib, parallelism=1)
        self._hash = hasher.hash(PASSWORD)
        UserStore(path, writable=True).add(NAME, PASSWORD, ())
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE people SET password_hash = ? WHERE name = ?", (self._hash, NAME))

    def log_in_ms(self) -> float:
        """CPU milliseconds to check the right password."""
        store = UserStore(self._path)
        store.answers()
        return spent(lambda: store.check(NAME, PASSWORD)) * 1000

    def guesses_per_second(self) -> float:
        """How many wrong passwords one core tries."""
        return 1 / spent(self._guess)

    def _guess(self) -> None:
        try:
            HASHER.verify(self._hash, "a wrong password")
        except VerifyMismatchError:
            return
        raise NotProven("a wrong password passes for the right one")


def spent(work: Callable[[], object]) -> float:
    """CPU seconds that this thread spends on `work`."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def tried(directory: Path, costs: Sequence[Cost], trials: int) -> Iterator[tuple[float, list[float], list[float]]]:
    """For the MiB of each cost guesses per second and milliseconds of a log-in, in rounds in which each has a turn."""
    there = [(cost, Hashed(directory / f"users-{cost.kib}.db", cost)) for cost in costs]
    rounds = [[(store.guesses_per_second(), store.log_in_ms()) for _, store in there] for _ in range(trials)]
    for number, (cost, _) in enumerate(there):
        guesses, log_ins = zip(*(each[number] for each in rounds), strict=True)
        yield cost.mebibytes, list(guesses), list(log_ins)
