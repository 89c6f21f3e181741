"""What is remembered of a password that proved right, and that it lets nobody in who would be refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import Type, extract_parameters
from argon2.exceptions import VerifyMismatchError

from services import passwords
from services.passwords import AT_ONCE, REMEMBERED_SECONDS, Passwords
from tests.support import QUICK

STORED, OTHER = QUICK.hash("wonderland"), QUICK.hash("builder")


class Watch:
    """A clock that is moved by hand, and a hasher that tells how often it worked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hashed: list[str] = []

    def verify(self, stored: str, password: str) -> bool:
        self.hashed.append(password)
        return QUICK.verify(stored, password)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    new = Watch()
    monkeypatch.setattr(passwords, "HASHER", new)
    return new


@pytest.fixture
def known(watch: Watch) -> Passwords:
    return Passwords(lambda: watch.now)


def test_a_right_password_costs_a_slow_hash_once(known: Passwords, watch: Watch) -> None:
    assert all(known.match(STORED, "wonderland") for _ in range(3))
    assert watch.hashed == ["wonderland"]


def test_a_wrong_password_costs_one_each_time(known: Passwords, watch: Watch) -> None:
    assert not any(known.match(STORED, "looking-glass") for _ in range(3))
    assert len(watch.hashed) == 3


def test_what_is_right_for_one_hash_is_not_for_another(known: Passwords) -> None:
    assert known.match(STORED, "wonderland")
    assert not known.match(OTHER, "wonderland")
    assert not known.match("", "wonderland")


def test_it_is_forgotten_after_a_moment_however_often_it_was_asked_for(known: Passwords, watch: Watch) -> None:
    for _ in range(5):
        known.match(STORED, "wonderland")
        watch.now += REMEMBERED_SECONDS / 4
    assert len(watch.hashed) == 2


def test_what_is_remembered_is_of_no_use_elsewhere(known: Passwords, watch: Watch) -> None:
    elsewhere = Passwords(lambda: watch.now)
    known.match(STORED, "wonderland")
    elsewhere.match(STORED, "wonderland")
    assert known._right.keys().isdisjoint(elsewhere._right.keys())


def test_no_more_are_hashed_at_a_time_than_there_is_room_for(
    known: Passwords, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, most, changed = 0, 0, threading.Condition()

    class Crowded:
        def verify(self, stored: str, password: str) -> bool:
            nonlocal at_work, most
            with changed:
                at_work += 1
                most = max(most, at_work)
                changed.notify_all()
                changed.wait_for(lambda: most >= AT_ONCE, timeout=10)
                changed.wait_for(lambda: at_work > AT_ONCE, timeout=0.05)
                at_work -= 1
            return QUICK.verify(stored, password)

    monkeypatch.setattr(passwords, "HASHER", Crowded())
    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        list(pool.map(lambda number: known.match(STORED, f"guess {number}"), range(4 * AT_ONCE)))
    assert most == AT_ONCE


def test_a_damaged_hash_matches_nothing(known: Passwords) -> None:
    assert not known.match("wonderland", "wonderland")


def test_everybodys_hash_is_as_slow_as_owasp_has_it() -> None:
    found = extract_parameters(passwords.HASHER.hash("wonderland"))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19456, 2, 1)


def test_nobody_knows_what_the_decoy_is_of() -> None:
    before = passwords.decoy()
    passwords.decoy.cache_clear()
    assert passwords.decoy() != before


def test_the_decoy_takes_as_long_as_anybodys_hash() -> None:
    """No longer either: with a hash of its own to make, the first to be unknown would take twice as long as others."""
    passwords.decoy.cache_clear()
    assert extract_parameters(passwords.decoy()) == extract_parameters(passwords.HASHER.hash("wonderland"))
    with pytest.raises(VerifyMismatchError):
        passwords.HASHER.verify(passwords.decoy(), "wonderland")


class Queue(threading.BoundedSemaphore):
    """Turns that wait until so many have come for one."""

    def __init__(self, awaited: int) -> None:
        super().__init__(AT_ONCE)
        self.all_here = threading.Barrier(awaited)

    def __enter__(self) -> bool:  # type: ignore[override]  # as threading.Semaphore has it
        self.all_here.wait(10)
        return super().__enter__()


def test_many_who_come_at_once_with_the_same_share_a_hash(known: Passwords, watch: Watch) -> None:
    many = 4 * AT_ONCE
    known._turns = Queue(many)
    with ThreadPoolExecutor(many) as pool:
        assert all(pool.map(lambda _: known.match(STORED, "wonderland"), range(many)))
    assert len(watch.hashed) <= AT_ONCE
