"""The shared user store: who the people are, what they may do, and a slow hash of each password.

The identity provider writes it.  Who else may read it differs from pattern to pattern, and that difference is one of
the things this project shows: with end-user passwords on every hop, every service needs it.
"""

from __future__ import annotations

import os
import threading
import unicodedata
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sa

from services import passwords
from services.identity import StoreUnavailable
from services.remembered import Remembered

MAX_LENGTH = 256
MOST_REMEMBERED = 1024

metadata = sa.MetaData()
people = sa.Table(
    "people",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("full_name", sa.String, nullable=False, server_default=""),
    sa.Column("email", sa.String, nullable=False, server_default=""),
    sa.Column("password_hash", sa.String, nullable=False),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("renewed", sa.Integer, nullable=False, default=1),
)


HEADER, ROLLBACK = 100, b"\x01\x01"
State = tuple[int, bytes]


class WrongPassword(Exception):
    """The name and the password do not belong together, whichever of the two is wrong."""


@dataclass(frozen=True)
class User:
    """A person, without anything secret; `version` rises whenever their password, scopes or standing change.

    `renewed` is the version with which their password last changed, or they were last shut out: what was issued before
    is worth nothing since (OWASP ASVS 7.4.2, 7.4.3).
    """

    name: str
    full_name: str
    email: str
    scopes: frozenset[str]
    version: int
    renewed: int


class _Record(NamedTuple):
    """What the store knows of a person."""

    user: User
    password_hash: str
    disabled: bool


class UserStore:
    """The people in the SQLite file at `path`; a reader cannot write, whatever it tries."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        mode = "rwc" if writable else "ro"
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": mode, "uri": "true"}),
            connect_args={"timeout": 5},
            poolclass=sa.NullPool,  # nothing stays open between two looks, nor across a fork
            hide_parameters=True,
        )
        self._path = path
        self._passwords = passwords.Passwords()
        self._held: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._found: Remembered[tuple[State | None, str], tuple[_Record | None]] = Remembered(MOST_REMEMBERED)
        if writable:
            self._create()

    def _create(self) -> None:
        """Make the table, if it is not there, in one step: whoever looks first is overtaken by another process."""
        with self._engine.begin() as connection:
            connection.execute(sa.schema.CreateTable(people, if_not_exists=True))

    def check(self, name: str, password: str) -> User:
        """The user that `name` and `password` prove, else `WrongPassword`, after the same time for every cause.

        A user who does not exist costs a hash as well (OWASP ASVS 6.3.8: no enumeration by time).  A password that was
        right a moment ago does not (`passwords`).
        """
        sound = plausible(password)
        found = self._find(name) if sound and plausible(name) else None
        stored = found.password_hash if found else passwords.decoy()
        if not self._passwords.match(stored, normal(password) if sound else ""):
            raise WrongPassword
        if found is None or found.disabled:
            raise WrongPassword
        return found.user

    def get(self, name: str) -> User | None:
        """The user called `name`, or None when there is none or they are disabled."""
        found = self._find(name) if plausible(name) else None
        return None if found is None or found.disabled else found.user

    def answers(self) -> None:
        """Return when the store can be read; `StoreUnavailable` when it cannot."""
        self._find("")

    def _find(self, name: str) -> _Record | None:
        """What is known of `name` as it is now: asked of the database only when that has changed since."""
        name, state = normal(name), self._state()
        if known := self._found.get((state, name)):
            return known[0]
        found = self._look_up(name)
        if state is not None and state == self._state():  # else it changed while we looked
            self._found.put((state, name), (found,))
        return found

    def _look_up(self, name: str) -> _Record | None:
        try:
            with self._engine.connect() as connection:
                row = connection.execute(sa.select(people).where(people.c.name == name)).one_or_none()
                return _record(row) if row else None
        except sa.exc.SQLAlchemyError as error:
            raise StoreUnavailable("the user store cannot be read") from error

    def _state(self) -> State | None:
        """Which file this is, and how often it has been written to, by SQLite's own count; None where it keeps none.

        It counts in rollback mode, in which our store is, and not in WAL (https://sqlite.org/fileformat2.html, §1.3.7).
        """
        try:
            number = os.stat(self._path).st_ino
            header = os.pread(self._held_open(number), HEADER, 0)
        except OSError as error:
            raise StoreUnavailable("the user store cannot be read") from error
        return (number, header[24:28]) if header[18:20] == ROLLBACK else None

    def _held_open(self, number: int) -> int:
        """A descriptor of the file `number` that stays open.

        Closing any of a file's descriptors gives up all of this process's locks on it, those included by which SQLite
        keeps others away while another thread writes (https://sqlite.org/howtocorrupt.html, §2.2).
        """
        with self._lock:
            if self._held is None or self._held[0] != number:
                descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                weakref.finalize(self, os.close, descriptor)
                self._held = os.fstat(descriptor).st_ino, descriptor
            return self._held[1]

    def add(self, name: str, password: str, scopes: Iterable[str], full_name: str = "", email: str = "") -> None:
        """Add a person; `ValueError` for a name or password that Basic could not carry, or a name already taken."""
        if not plausible(name) or ":" in name or not plausible(password):
            raise ValueError("a name or password is 1 to 256 characters, no control character; a name has no colon")
        row = {"name": normal(name), "full_name": full_name, "email": email, "scopes": " ".join(sorted(scopes))}
        try:
            with self._engine.begin() as connection:
                connection.execute(people.insert().values(**row, password_hash=passwords.HASHER.hash(normal(password))))
        except sa.exc.IntegrityError:
            raise ValueError(f"there is a user called {name} already") from None

    def set_password(self, name: str, password: str) -> None:
        """Change a password; the old one stops working with the next check."""
        if not plausible(password):
            raise ValueError("a password is 1 to 256 characters without control characters")
        self._change(name, password_hash=passwords.HASHER.hash(normal(password)), renewed=people.c.version + 1)

    def set_scopes(self, name: str, scopes: Iterable[str]) -> None:
        """Change what a person may do."""
        self._change(name, scopes=" ".join(sorted(scopes)))

    def disable(self, name: str) -> None:
        """Shut a person out, without forgetting them."""
        self._change(name, disabled=True, renewed=people.c.version + 1)

    def enable(self, name: str) -> None:
        """Let a disabled person in again."""
        self._change(name, disabled=False)

    def _change(self, name: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            update = people.update().where(people.c.name == normal(name))
            if not connection.execute(update.values(version=people.c.version + 1, **values)).rowcount:
                raise KeyError(name)


def plausible(text: str) -> bool:
    """Whether `text` can be a user-id or a password at all: RFC 7617 §2 forbids control characters.

    It matters: PBKDF2 and scrypt pad with zeros, so there `password + NUL` would pass for the password.
    """
    if not 0 < len(text) <= MAX_LENGTH:
        return False
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)


def normal(text: str) -> str:
    """One spelling for what looks the same: NFC, as RFC 8265 §4.2 asks for passwords."""
    return unicodedata.normalize("NFC", text)


def _record(row: Any) -> _Record:
    user = User(row.name, row.full_name, row.email, frozenset(row.scopes.split()), row.version, row.renewed)
    return _Record(user, row.password_hash, row.disabled)
