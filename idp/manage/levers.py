"""The identity provider, as it is while it can be managed: at each request it looks at what the door has written.

Without a door none of this is imported, and a request costs what it always did.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import flask

from idp.manage import faults, journal, state
from idp.manage.clients import LiveClients
from idp.manage.clock import ShiftedClock
from idp.manage.keys import LiveKeys
from idp.provider import Provider
from idp.settings import Settings
from idp.tokens import Tokens
from services import audit


class ManagedProvider(Provider):
    """A provider whose clock, keys and clients are what the door has made of them."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        super().__init__(settings, clock)
        self.clock: ShiftedClock = ShiftedClock(clock)
        # Whoever changes something sees at the next request what comes of it.
        self.clients: LiveClients = LiveClients(settings.clients_file, look_every=0)
        self.keys: LiveKeys = LiveKeys(settings.data_dir, look_every=0)
        self.tokens = Tokens(settings.issuer, self.store, self.keys, self.users, self.clock)
        self._looking = threading.Lock()
        self._seen = dict(state.AT_FIRST)
        self.look()

    def install(self, app: flask.Flask) -> None:
        """Look before each request of `app`; spoil its answer, if a fault is armed; write it down."""
        app.before_request(self._before)
        app.after_request(self._after)

    def look(self) -> dict[str, float]:
        """Obey what the door has written, and return its numbers."""
        found = state.read(self.store)
        with self._looking:
            if found["revision"] > self._seen["revision"]:  # else another thread has seen more than we have
                self.clock.ahead = found["clock"]
                if found["clients"] != self._seen["clients"]:
                    self.clients.load(self.store)
                self._seen = found
        return found

    def _before(self) -> flask.Response | None:
        if flask.request.endpoint in audit.UNLOGGED:
            return None  # whether we are well is not for a test to spoil
        return faults.begin(self.store) if self.look()["faults"] else None

    def _after(self, response: flask.Response) -> flask.Response:
        journal.write(self.store, response)
        return faults.end(response)
