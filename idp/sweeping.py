"""How what has expired is forgotten: a table is gone through some rows at a time, in the order of their keys.

No index has to tell what has expired: to keep one takes longer, at each token, than to look at all now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from idp.store import Store

MOST = 200
"""How many rows one sweep looks at: enough to keep up, never enough to be noticed."""


class Sweep:
    """Goes through the rows of a table, and begins again after the last."""

    def __init__(self, table: sa.Table) -> None:
        [key] = table.primary_key
        after, until = key > sa.bindparam("after"), key <= sa.bindparam("last")
        some = sa.select(key, table.c.expires).where(after).order_by(key).limit(sa.bindparam("most")).subquery()
        expired = sa.select(key).where(after, until, table.c.expires <= sa.bindparam("now"))
        found: list[sa.Function[Any]] = [sa.func.count(), sa.func.max(some.c[key.name]), sa.func.min(some.c.expires)]
        self._look = sa.select(*found)
        """How many there are of the next rows, the key of the last, and when the first of them expires."""
        self._forget = table.delete().where(key.in_(expired.with_for_update(skip_locked=True)))
        self._swept = ""
        """The key of the last row that was looked at."""

    def go_on(self, store: Store, now: int) -> None:
        """Look at the next rows, and forget those that have expired."""
        after = self._swept
        row = store.look(self._look, {"after": after, "most": MOST})
        assert row is not None  # counting finds one, if of nothing
        count, last, soonest = row
        self._swept = last if count == MOST else ""
        if count and soonest <= now:
            store.forget((self._forget, {"after": after, "last": last, "now": now}))
