"""Tokens without a log-in: the identity provider's own code issues them, here, into the provider's own store.

The provider that serves beside us knows them like any other.  So a token can be for whom we like and last as long as we
like, and there can be a million of them without a million log-ins.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from compose.clients import SHOP
from compose.topology import INSIDE
from idp.clients import Client, Clients
from idp.keys import Keys
from idp.store import NEW_AUTHORIZATION, Store
from idp.tokens import Authorization, Token, Tokens
from services.users import UserStore

FAMILY_SECONDS = 86_400
TO_A_FAMILY = 10
_FAMILIES = """
    WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
    INSERT INTO authorizations (id, client_id, user, user_version, auth_time, scope, expires, revoked)
    SELECT 'many-' || n, 'cli', 'alice', 1, :now, :scope, :expires, 0 FROM numbers WHERE n % :size = 0"""
_TOKENS = """
    WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)
    INSERT INTO tokens (digest, "authorization", kind, client_id, scope, issued, expires, jti, aud, spent, revoked)
    SELECT lower(hex(randomblob(32))), 'many-' || (n - n % :size), 'access', 'cli', :scope, :now, :expires,
           lower(hex(randomblob(32))), :aud, 0, 0 FROM numbers"""


class Issuing:
    """The identity provider of the shop in `shop_dir`, as far as issuing goes; use it as a context manager."""

    def __init__(self, shop_dir: Path, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._clients = Clients(shop_dir / "idp" / "secrets" / "clients.json")
        self._clock = clock
        self._store = Store(shop_dir / "idp" / "data" / "idp.db")
        users = UserStore(shop_dir / "users" / "users.db")
        self.tokens = Tokens(issuer, self._store, Keys(shop_dir / "idp" / "data"), users, clock)
        self._alive = 0

    def __enter__(self) -> Issuing:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._store.close()

    def token(self, who: str = "alice", **more: Any) -> str:
        """An access token of that person's; `more` as for `tokens_for`."""
        return str(self.tokens_for(who, **more)["access_token"])

    def tokens_for(
        self,
        who: str = "alice",
        *,
        client: str = "cli",
        scopes: Sequence[str] = SHOP,
        audience: Sequence[str] = ("gateway", *INSIDE),
        **more: Any,
    ) -> dict[str, Any]:
        """What `client` gets for that person, a refresh token too; `more` is what `Tokens.issue` takes besides."""
        registered: Client | None = self._clients.get(client)
        assert registered, f"there is no client {client}"
        now, scope = int(self._clock()), " ".join(scopes)
        family = Authorization(
            id=secrets.token_urlsafe(16),
            client_id=client,
            scope=scope,
            expires=now + FAMILY_SECONDS,
            user=who,
            user_version=1,
            auth_time=now,
        )
        self._store.run([(NEW_AUTHORIZATION, family._asdict())])
        return self.tokens.issue(registered, family, scope, audience, refresh=True, **more)

    def find(self, token: str) -> Token | None:
        """What the provider would find."""
        return self.tokens.find(token)

    def revoke(self, token: str) -> None:
        """Take a token back, as the provider does (RFC 7009 §2.1)."""
        found = self.tokens.look_up(token, "access")
        assert found, "this token was not issued here"
        self.tokens.revoke(found)

    def fill_up(self, count: int) -> None:
        """Have `count` tokens be alive that nobody holds, as many of them to a family as a person comes by in an hour.

        They are rows written by the database itself, in bulk: to issue so many one by one would take an hour.
        """
        if count <= self._alive:
            return
        now = int(self._clock())
        said: dict[str, object] = {"first": self._alive, "last": count - 1, "now": now, "expires": now + FAMILY_SECONDS}
        said |= {"scope": " ".join(SHOP), "size": TO_A_FAMILY, "aud": '["gateway", "orders", "inventory", "billing"]'}
        with self._store.writing() as connection:
            for statement in (_FAMILIES, _TOKENS):
                connection.exec_driver_sql(statement, said)
        self._alive = count
