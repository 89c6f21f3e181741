"""The user store: who is let in, who is not, and that nobody can tell why."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from services import passwords, users
from services.identity import StoreUnavailable
from services.users import MAX_LENGTH, User, UserStore, WrongPassword, plausible

pytestmark = pytest.mark.usefixtures("quick_hashes")

SCOPES = ["orders:read", "orders:write"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.db"


def engine(path: Path) -> sa.Engine:
    """The database itself; nothing of it stays open."""
    return sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows alice, made once: a password takes its time to hash."""
    path = tmp_path_factory.mktemp("users") / "users.db"
    new = UserStore(path, writable=True)
    new.add("alice", "wonderland", SCOPES, "Alice Liddell", "alice@shop.test")
    return path


@pytest.fixture
def store(path: Path, original: Path) -> UserStore:
    """A writable store that knows alice."""
    shutil.copy(original, path)
    return UserStore(path, writable=True)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords have been checked against, each a slow one."""
    passwords.decoy()  # its costs are those of the hasher that is replaced here
    seen: list[str] = []
    genuine = passwords.HASHER

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            seen.append(stored)
            return genuine.verify(stored, password)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    return seen


def test_the_right_password_proves_the_user(store: UserStore) -> None:
    scopes = frozenset(SCOPES)
    assert store.check("alice", "wonderland") == User("alice", "Alice Liddell", "alice@shop.test", scopes, 1, 1)


def test_a_user_shows_nothing_secret(store: UserStore) -> None:
    assert "argon2" not in repr(store.get("alice"))


NOBODY = {
    "wrong password": ("alice", "wonderlan"),
    "other case": ("alice", "Wonderland"),
    "other case of the name": ("Alice", "wonderland"),
    "trailing NUL": ("alice", "wonderland\0"),
    "trailing line feed": ("alice", "wonderland\n"),
    "trailing space": ("alice", "wonderland "),
    "empty password": ("alice", ""),
    "empty name": ("", "wonderland"),
    "unknown name": ("eve", "wonderland"),
    "name with NUL": ("alice\0", "wonderland"),
    "a pattern": ("%", "wonderland"),
    "a statement": ("' OR 1=1 --", "wonderland"),
    "half of a surrogate pair": ("alice", "\ud800"),
    "half of a surrogate pair as a name": ("\ud800", "wonderland"),
    "too long": ("alice", "w" * (MAX_LENGTH + 1)),
}


@pytest.mark.parametrize(("name", "password"), NOBODY.values(), ids=NOBODY)
def test_anything_else_proves_nobody_at_the_price_of_one_slow_hash(
    store: UserStore, hashed: list[str], name: str, password: str
) -> None:
    with pytest.raises(WrongPassword):
        store.check(name, password)
    assert len(hashed) == 1
    assert hashed[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")  # as slow as all are here


def test_a_disabled_user_is_refused_as_an_unknown_one_is(store: UserStore, hashed: list[str]) -> None:
    store.disable("alice")
    with pytest.raises(WrongPassword) as disabled:
        store.check("alice", "wonderland")
    with pytest.raises(WrongPassword) as unknown:
        store.check("eve", "wonderland")
    assert str(disabled.value) == str(unknown.value) == ""
    assert len(hashed) == 2
    assert store.get("alice") is None


def test_even_who_guessed_the_decoys_password_is_nobody(store: UserStore, monkeypatch: pytest.MonkeyPatch) -> None:
    guessed = passwords.HASHER.hash("guessed")
    monkeypatch.setattr(passwords, "decoy", lambda: guessed)
    with pytest.raises(WrongPassword):
        store.check("eve", "guessed")


@pytest.mark.parametrize("password", ["wonder\0land", "wonderland\n", "\x7f"], ids=repr)
def test_a_control_character_never_verifies_even_if_it_was_stored(store: UserStore, path: Path, password: str) -> None:
    with engine(path).begin() as connection:
        connection.execute(users.people.update().values(password_hash=passwords.HASHER.hash(password)))
    with pytest.raises(WrongPassword):
        store.check("alice", password)


def test_an_enabled_user_is_let_in_again(store: UserStore) -> None:
    store.disable("alice")
    store.enable("alice")
    assert store.check("alice", "wonderland").version == 3


def test_a_damaged_hash_lets_nobody_in(store: UserStore, path: Path) -> None:
    with engine(path).begin() as connection:
        connection.execute(users.people.update().values(password_hash="wonderland"))
    with pytest.raises(WrongPassword):
        store.check("alice", "wonderland")


@pytest.mark.parametrize(
    "password",
    ["a:b", ":", "pässwörd", "密码", "🗝", " ", "w" * MAX_LENGTH, "w" * 72 + "x"],
    ids=["colon", "only a colon", "umlauts", "Chinese", "key", "space", "longest", "longer than bcrypt's 72"],
)
def test_a_password_may_be_any_text(store: UserStore, password: str) -> None:
    store.set_password("alice", password)
    assert store.check("alice", password).name == "alice"
    with pytest.raises(WrongPassword):
        store.check("alice", password[:-1] + "?")


def test_two_spellings_of_one_text_are_one_password_and_one_name(store: UserStore) -> None:
    store.add("zo\u00eb", "cafe\u0301", [])
    assert store.check("zoe\u0308", "caf\u00e9").name == "zo\u00eb"
    assert store.check("zoe\u0308", "cafe\u0301").name == "zo\u00eb"
    with pytest.raises(ValueError, match="already"):
        store.add("zoe\u0308", "other", [])
    store.set_password("zoe\u0308", "cafe\u0301 noir")
    assert store.check("zo\u00eb", "caf\u00e9 noir").version == 2


CHANGES: dict[str, Callable[[UserStore], None]] = {
    "password": lambda store: store.set_password("alice", "rabbit-hole"),
    "scopes": lambda store: store.set_scopes("alice", ["items:read"]),
    "disabling": lambda store: store.disable("alice"),
    "enabling": lambda store: store.enable("alice"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_version_rises_with_each_change(store: UserStore, path: Path, change: Callable[[UserStore], None]) -> None:
    change(store)
    with engine(path).connect() as connection:
        assert connection.scalar(sa.select(users.people.c.version)) == 2


@pytest.mark.parametrize(("change", "renewed"), [("password", 2), ("disabling", 2), ("scopes", 1), ("enabling", 1)])
def test_a_person_is_renewed_by_a_new_password_and_by_being_shut_out(
    store: UserStore, path: Path, change: str, renewed: int
) -> None:
    CHANGES[change](store)
    with engine(path).connect() as connection:
        assert connection.scalar(sa.select(users.people.c.renewed)) == renewed


def test_a_changed_password_counts_at_once(store: UserStore, path: Path) -> None:
    reader = UserStore(path)
    reader.check("alice", "wonderland")
    store.set_password("alice", "rabbit-hole")
    assert reader.check("alice", "rabbit-hole").version == 2
    with pytest.raises(WrongPassword):
        reader.check("alice", "wonderland")


def test_changed_scopes_count_at_once(store: UserStore, path: Path) -> None:
    reader = UserStore(path)
    reader.get("alice")
    store.set_scopes("alice", ["b", "a"])
    found = reader.get("alice")
    assert found is not None
    assert found.scopes == {"a", "b"}


def test_who_was_just_let_in_is_shut_out_at_once(store: UserStore, path: Path) -> None:
    reader = UserStore(path)
    reader.check("alice", "wonderland")
    store.disable("alice")
    with pytest.raises(WrongPassword):
        reader.check("alice", "wonderland")


def test_who_was_nobody_a_moment_ago_can_be_somebody(store: UserStore, path: Path) -> None:
    reader = UserStore(path)
    assert reader.get("eve") is None
    store.add("eve", "apple", [])
    assert reader.check("eve", "apple").name == "eve"


def test_the_database_is_asked_again_only_when_it_has_changed(
    store: UserStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, asked = UserStore(path), []
    genuine = reader._look_up
    monkeypatch.setattr(reader, "_look_up", lambda name: asked.append(name) or genuine(name))  # type: ignore[func-returns-value]
    for _ in range(3):
        reader.get("alice")
    store.set_scopes("alice", [])
    reader.get("alice")
    assert asked == ["alice", "alice"]


def test_a_store_that_replaces_another_is_not_taken_for_it(store: UserStore, path: Path, tmp_path: Path) -> None:
    reader = UserStore(path)
    reader.check("alice", "wonderland")
    (tmp_path / "other").mkdir()
    shutil.copy(path, tmp_path / "other" / "users.db")
    with sqlite3.connect(tmp_path / "other" / "users.db") as connection:
        connection.execute("UPDATE people SET disabled = 1")
        connection.commit()
    connection.close()
    with open(tmp_path / "other" / "users.db", "r+b") as file:  # as often written to as the other
        file.seek(24)
        file.write(path.read_bytes()[24:28])
    (tmp_path / "other" / "users.db").replace(path)
    assert reader.get("alice") is None


def test_to_look_leaves_the_locks_alone_under_which_somebody_writes(path: Path, store: UserStore) -> None:
    """To close a file is to give up this process's locks on it, whoever holds them (POSIX)."""
    writer, reader = sqlite3.connect(path, isolation_level=None), UserStore(path)
    writer.execute("BEGIN IMMEDIATE")
    assert reader.get("alice") is not None
    assert store.get("alice") == reader.get("alice")
    elsewhere = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    ran = subprocess.run([sys.executable, "-c", elsewhere], capture_output=True, text=True, check=False)
    assert "database is locked" in ran.stderr
    writer.close()


def test_nothing_is_remembered_of_a_store_that_does_not_count(store: UserStore, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    reader = UserStore(path)
    assert reader.get("alice") is not None
    connection.execute("UPDATE people SET disabled = 1")
    connection.commit()
    assert reader.get("alice") is None
    connection.close()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_reader_cannot_write(store: UserStore, path: Path, change: Callable[[UserStore], None]) -> None:
    reader = UserStore(path)
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        change(reader)
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        reader.add("eve", "malice", SCOPES)
    assert store.check("alice", "wonderland").version == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_cannot_be_changed(path: Path, change: Callable[[UserStore], None]) -> None:
    with pytest.raises(KeyError, match="alice"):
        change(UserStore(path, writable=True))


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "a\0", "\x7f", "a" * (MAX_LENGTH + 1), "\udc80"], ids=repr)
def test_a_name_that_basic_could_not_carry_is_not_added(store: UserStore, name: str) -> None:
    with pytest.raises(ValueError, match="no control character"):
        store.add(name, "password", [])


@pytest.mark.parametrize("password", ["", "a\nb", "a\0", "\x9f", "p" * (MAX_LENGTH + 1), "\udc80"], ids=repr)
def test_a_password_that_basic_could_not_carry_is_not_set(store: UserStore, password: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        store.add("bob", password, [])
    with pytest.raises(ValueError, match="control character"):
        store.set_password("alice", password)
    assert store.check("alice", "wonderland").version == 1


def test_a_name_is_taken_once(store: UserStore) -> None:
    with pytest.raises(ValueError, match="called alice already"):
        store.add("alice", "another", [])
    assert store.check("alice", "wonderland")


@pytest.mark.parametrize("name", ["eve", "alice\0", "", "\udc80"], ids=repr)
def test_nobody_is_found_under_a_name_that_nobody_has(store: UserStore, name: str) -> None:
    assert store.get(name) is None


def spoil(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)


def empty(path: Path) -> None:
    path.unlink()
    sqlite3.connect(path).close()


@pytest.mark.parametrize("fate", [Path.unlink, spoil, empty], ids=["gone", "spoilt", "empty"])
def test_a_store_that_cannot_be_read_is_not_a_no(original: Path, path: Path, fate: Callable[[Path], None]) -> None:
    shutil.copy(original, path)
    fate(path)
    reader = UserStore(path)
    with pytest.raises(StoreUnavailable):
        reader.check("alice", "wonderland")
    with pytest.raises(StoreUnavailable):
        reader.get("alice")


@pytest.mark.parametrize("name", ["C#", "why?mode=rw", "50%20off", "a b", "ü&uri=false"])
def test_it_is_where_it_was_asked_to_be_whatever_the_directory_is_called(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "users.db"
    path.parent.mkdir()
    UserStore(path, writable=True).add("alice", "wonderland", ())
    assert UserStore(path).get("alice")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_whoever_makes_a_store_at_the_same_time_has_it_too(tmp_path: Path) -> None:
    at_once = threading.Barrier(4)

    def make(path: Path) -> UserStore:
        at_once.wait(10)
        return UserStore(path, writable=True)

    for number in range(10):
        path = tmp_path / f"{number}.db"
        with ThreadPoolExecutor(at_once.parties) as workers:
            stores = list(workers.map(make, [path] * at_once.parties))
        assert [store.get("alice") for store in stores] == [None] * at_once.parties


def test_a_reader_does_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        UserStore(tmp_path / "missing.db").get("alice")
    assert not (tmp_path / "missing.db").exists()


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_what_is_plausible_goes_through_utf_8_and_holds_no_control_character(text: str) -> None:
    if plausible(text):
        assert text.encode().decode() == text
        assert 0 < len(text) <= MAX_LENGTH
        assert not any(char <= "\x1f" or "\x7f" <= char <= "\x9f" for char in text)
