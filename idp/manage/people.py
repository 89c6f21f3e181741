"""People: add them, shut them out, let them in again, change what they know and what they may do.

They live in the shared user store, where every reader sees the change at once.  As they were when the door first
opened is kept beside the signing keys, for `reset`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import Field

from idp.manage.operations import Body, CannotDo, operation
from idp.manage.shapes import Person
from idp.provider import Provider
from idp.settings import Settings

_CHANGED = """
    UPDATE people SET (full_name, email, password_hash, scopes, disabled, version, renewed) = (
        SELECT full_name, email, password_hash, scopes, disabled, people.version + 1, CASE
            WHEN (was.password_hash, was.disabled) IS NOT (people.password_hash, people.disabled)
            THEN people.version + 1 ELSE people.renewed END
        FROM provisioned.people AS was WHERE was.name = people.name)
    WHERE EXISTS (SELECT 1 FROM provisioned.people AS was WHERE was.name = people.name AND
        (was.full_name, was.email, was.password_hash, was.scopes, was.disabled) IS NOT
        (people.full_name, people.email, people.password_hash, people.scopes, people.disabled))
"""


class NewPerson(Body):
    """Somebody new."""

    name: str
    password: str
    scopes: list[str] = Field(default=[], max_length=64)
    full_name: str = ""
    email: str = ""


class Password(Body):
    """A new password."""

    password: str


class Scopes(Body):
    """What a person may do from now on."""

    scopes: list[str] = Field(max_length=64)


@operation("GET", "/people")
def everybody(provider: Provider) -> list[Person]:
    """Everybody there is, the disabled among them."""
    with _people(provider.settings) as people:
        rows = people.execute("SELECT name, full_name, email, scopes, disabled, version FROM people ORDER BY name")
        return [Person(name, full, email, sorted(s.split()), bool(off), v) for name, full, email, s, off, v in rows]


@operation("POST", "/people")
def add(provider: Provider, body: NewPerson) -> Person:
    """Add somebody."""
    if provider.clients.get(body.name):
        raise CannotDo(409, "a person is never called like a client (RFC 9700 §4.15)")
    try:
        provider.users.add(body.name, body.password, body.scopes, body.full_name, body.email)
    except ValueError as error:
        raise CannotDo(409, str(error)) from None
    return _person(provider, body.name)


@operation("POST", "/people/{name}/disable")
def disable(provider: Provider, name: str) -> Person:
    """Shut somebody out."""
    _known(provider, name)
    provider.users.disable(name)
    return _person(provider, name)


@operation("POST", "/people/{name}/enable")
def enable(provider: Provider, name: str) -> Person:
    """Let somebody in again."""
    _known(provider, name)
    provider.users.enable(name)
    return _person(provider, name)


@operation("PUT", "/people/{name}/password")
def set_password(provider: Provider, name: str, body: Password) -> Person:
    """Change a password."""
    _known(provider, name)
    try:
        provider.users.set_password(name, body.password)
    except ValueError as error:
        raise CannotDo(409, str(error)) from None
    return _person(provider, name)


@operation("PUT", "/people/{name}/scopes")
def set_scopes(provider: Provider, name: str, body: Scopes) -> Person:
    """Change what somebody may do."""
    _known(provider, name)
    provider.users.set_scopes(name, body.scopes)
    return _person(provider, name)


def remember(settings: Settings) -> None:
    """Keep the people as they are now, unless that was done before."""
    path = _provisioned(settings)
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # password hashes: ours alone to read
    with _people(settings) as people, closing(sqlite3.connect(draft)) as copy:
        people.backup(copy)
    draft.replace(path)


def reset(settings: Settings) -> list[str]:
    """Bring the people back as they were kept, and return those who are gone; a version never falls."""
    with _people(settings) as people:
        people.execute("ATTACH ? AS provisioned", [str(_provisioned(settings))])
        with people:
            people.execute("BEGIN IMMEDIATE")
            strangers = "name NOT IN (SELECT name FROM provisioned.people)"
            gone = [name for (name,) in people.execute(f"SELECT name FROM people WHERE {strangers}")]
            people.execute(f"DELETE FROM people WHERE {strangers}")
            people.execute(_CHANGED)
    return gone


@contextmanager
def _people(settings: Settings) -> Iterator[sqlite3.Connection]:
    uri = f"file:{settings.users_file}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as connection:
        yield connection


def _provisioned(settings: Settings) -> Path:
    return settings.data_dir / "people-as-provisioned.db"


def _known(provider: Provider, name: str) -> None:
    if name not in {person.name for person in everybody(provider)}:
        raise CannotDo(404, "there is no such person")


def _person(provider: Provider, name: str) -> Person:
    return next(person for person in everybody(provider) if person.name == name)
