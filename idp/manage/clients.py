"""Clients: add one, remove one, see who there is.

`clients.json` stays as it was provisioned.  What is added lives in the store, and a provisioned client that is removed
is remembered there as gone, until `reset`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from idp.clients import Client, Clients
from idp.manage import people, revoke, state
from idp.manage.operations import Body, CannotDo, operation
from idp.manage.shapes import Registered
from idp.provider import Provider
from idp.store import Store, new_secret


class LiveClients(Clients):
    """The clients in the file, with those that were added and without those that were removed."""

    def __init__(self, path: Path, look_every: float) -> None:
        self._added: dict[str, Client | None] = {}
        super().__init__(path, look_every)

    def load(self, store: Store) -> None:
        """Take over what the store says."""
        with store.reading() as connection:
            rows = connection.execute(sa.select(state.clients)).all()
        self._added = {row[0]: Client.model_validate_json(row[1]) if row[1] else None for row in rows}

    def all(self) -> dict[str, Client]:
        """Every client by its id."""
        found: dict[str, Client | None] = {**super().all(), **self._added}
        return {client_id: client for client_id, client in found.items() if client is not None}

    def provisioned(self) -> dict[str, Client]:
        """Those in the file."""
        return super().all()


class NewClient(Body):
    """A client as `clients.json` has it; without a hash, a secret is made for it and told once."""

    registration: dict[str, Any]


@operation("GET", "/clients")
def everyone(provider: Provider) -> list[Registered]:
    """Every client there is."""
    provisioned = _live(provider).provisioned()
    found = sorted(provider.clients.all().items())
    return [Registered(name, client.auth_method, client is not provisioned.get(name)) for name, client in found]


@operation("POST", "/clients")
def add(provider: Provider, body: NewClient) -> Registered:
    """Add a client, or replace one."""
    said, secret = dict(body.registration), None
    if said.get("auth_method") == "client_secret_basic" and said.get("secret_sha256") is None:
        secret = new_secret()
        said["secret_sha256"] = hashlib.sha256(secret.encode()).hexdigest()
    try:
        client = Client.model_validate_json(json.dumps(said))
    except ValidationError as error:
        raise CannotDo(422, "; ".join(each["msg"] for each in error.errors(include_input=False))) from None
    _refuse(provider, client)
    _write(provider, client.client_id, client.model_dump_json())
    return Registered(client.client_id, client.auth_method, True, secret)


@operation("DELETE", "/clients/{client_id}")
def remove(provider: Provider, client_id: str) -> Registered:
    """Remove a client, and take back what it was given."""
    client = provider.clients.get(client_id)
    if client is None:
        raise CannotDo(404, "there is no such client")
    added = client is not _live(provider).provisioned().get(client_id)
    _write(provider, client_id, None)
    revoke.all_of_client(provider, client_id)
    return Registered(client_id, client.auth_method, added)


def reset(connection: sa.Connection) -> None:
    """Leave only the clients of the file."""
    connection.execute(state.clients.delete())
    state.raise_by(connection, "clients")


def _refuse(provider: Provider, client: Client) -> None:
    """What a file could say as well, but what would not work, or not be safe."""
    if client.client_id in {person.name for person in people.everybody(provider)}:
        raise CannotDo(409, "a client is never called like a person (RFC 9700 §4.15)")
    methods = {known.auth_method for known in _live(provider).provisioned().values()}
    if client.auth_method == "tls_client_auth" and client.auth_method not in methods:
        raise CannotDo(409, "no certificate is asked for here: no provisioned client proves itself by one")


def _write(provider: Provider, client_id: str, registration: str | None) -> None:
    with provider.store.writing() as connection:
        connection.execute(state.clients.delete().where(state.clients.c.client_id == client_id))
        connection.execute(state.clients.insert().values(client_id=client_id, registration=registration))
        state.raise_by(connection, "clients")


def _live(provider: Provider) -> LiveClients:
    assert isinstance(provider.clients, LiveClients)
    return provider.clients
