"""An identity provider that can be managed, on the workbench: its application, and its door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from joserfc.jwk import RSAKey
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from idp.app import create_app
from idp.manage import people
from idp.manage.client import Manager, Refused
from idp.manage.door import create_door
from idp.manage.levers import ManagedProvider
from idp.prepare import prepare
from idp.settings import Settings
from services.users import UserStore
from tests.idp_support import Idp, settings_for

DOOR = "http://127.0.0.1:9444"

_import_key = RSAKey.import_key
_read: dict[bytes, RSAKey] = {}


def _read_once(pem: bytes, options: Any) -> RSAKey:
    """An RSA key, read once: checking one takes 36 ms, and each application here would do it again."""
    if pem not in _read:
        _read[pem] = _import_key(pem, options)
    return _read[pem]


class ManagedIdp(Idp):
    """The same, with a second worker `other` and a door; all three see one store."""

    def __init__(self, factory: pytest.TempPathFactory, database_url: str | None = None) -> None:
        super().__init__(factory, database_url)
        self._once = mock.patch.object(RSAKey, "import_key", _read_once)
        self._once.start()
        self.provider.store.close()
        self.settings = settings_for(self.directory, DATABASE_URL=database_url, manage_port=9444)
        prepare(self.settings)
        people.remember(self.settings)
        self.app = create_app(self.settings, self.clock)
        self.other = create_app(self.settings, self.clock)
        self.provider = self.app.extensions["idp"]
        self.users = self.provider.users
        self.desk = ManagedProvider(self.settings, self.clock)
        self.door = create_door(self.desk)
        self.manager = Manager(self._ask)

    def __enter__(self) -> ManagedIdp:
        return self

    def __exit__(self, *_: object) -> None:
        self._once.stop()
        for each in (self.provider, self.other.extensions["idp"], self.desk):
            each.store.close()

    def _ask(self, method: str, path: str, body: Any) -> Any:
        response = self.knock(method, path, body)
        said = response.get_json()
        if response.status_code >= 400:
            raise Refused(said["status"], said["detail"])
        return said

    def knock(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Ask the door, as a program on this machine does."""
        return Browser(self.door).open(
            path,
            base_url=DOOR,
            method=method,
            headers={"Content-Type": "application/json"} | dict(headers or {}),
            data=None if method == "GET" else json.dumps({} if body is None else body),
        )

    def at_other(self) -> Browser:
        """A browser whose requests reach the second worker."""
        return Browser(self.other)


def people_of(settings: Settings) -> UserStore:
    """The people, as a reader sees them."""
    return UserStore(Path(settings.users_file))
