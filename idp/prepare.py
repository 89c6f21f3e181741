"""What there has to be before any worker serves: the signing keys, and the tables.

It loads little, so that a child of `idp.lent` can do it while the process that will serve still loads the rest.
"""

from __future__ import annotations

from idp import key_files
from idp.settings import Settings
from idp.store import Store


def prepare(settings: Settings) -> None:
    """Make the signing keys and the tables, once, before any worker serves; doing it again changes nothing."""
    key_files.create(settings.data_dir)
    store = Store(settings.data_dir / "idp.db", settings.database_url)
    store.create()
    if settings.manage_port is not None:
        from idp.manage import state  # not even read while the door is off

        state.create(store)
    store.close()
