"""What is issued: access tokens, opaque (RFC 6750) or self-contained (RFC 9068), and refresh tokens.

Both kinds of access token are recorded, under the SHA-256 of the whole string.  So one look into the store tells
whether we issued it, what it says and whether it was taken back; no other spelling of a signed token passes for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from idp import store as tables
from idp.clients import PROTOCOL_SCOPES, Client
from idp.keys import Keys
from idp.store import NEW_TOKEN, Store, digest, new_secret
from services.remembered import Remembered
from services.users import User, UserStore

Record = TypeVar("Record")
ACCESS_SECONDS = 300
MOST_REMEMBERED = 1024
"""Tokens that need not be looked up again while the store is as it was."""
SWEEP_EVERY = 32
"""Expired rows are looked for at one issue in so many."""


class Authorization(NamedTuple):
    """What a person allowed a client; or, without a person, what a client got for itself: the family of its tokens."""

    id: str | None
    """None: there is one token and no more, which stands alone."""
    client_id: str
    scope: str
    expires: int
    audience: list[str] | None = None
    user: str | None = None
    user_version: int | None = None
    auth_time: int | None = None
    login: str | None = None
    revoked: bool = False

    @property
    def subject(self) -> str:
        """Whom its tokens are about (RFC 9068 §2.2)."""
        return self.user or self.client_id


class Token(NamedTuple):
    """A token as the store knows it; whether it is any good is another question."""

    authorization: Authorization
    digest: str
    kind: str
    client_id: str
    scope: str
    issued: int
    expires: int
    jti: str | None
    aud: list[str] | None
    act: dict[str, Any] | None
    may_act: str | None
    cnf: str | None
    spent: bool
    revoked: bool

    def check_client(self, client: Client) -> bool:
        """Whether it was issued to `client`."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """What may be asked for in a refresh: all that was granted at first (RFC 6749 §6)."""
        return self.authorization.scope


class Tokens:
    """Issues tokens, and knows them again."""

    def __init__(self, issuer: str, store: Store, keys: Keys, users: UserStore, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._store = store
        self._keys = keys
        self._users = users
        self._clock = clock
        self._issues = itertools.count()
        self._known: Remembered[tuple[str, str], tuple[bytes, Token]] = Remembered(MOST_REMEMBERED)

    def issue(
        self,
        client: Client,
        authorization: Authorization,
        scope: str,
        audience: Sequence[str],
        *,
        refresh: bool = False,
        act: Mapping[str, Any] | None = None,
        cnf: str | None = None,
        not_after: int | None = None,
    ) -> dict[str, Any]:
        """Issue an access token, and with `refresh` a refresh token beside it: the answer of RFC 6749 §5.1.

        It ends with its family, and not after `not_after`.  Only an exchanged token (RFC 8693) names an actor, `act`,
        and is self-contained whatever its client has, since it is made to be checked far from here.  `cnf` binds it to
        a certificate (RFC 8705 §3.1).
        """
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": list(audience),
            "sub": authorization.subject,
            "client_id": client.client_id,
            "iat": now,
            "exp": min(now + ACCESS_SECONDS, authorization.expires, not_after or authorization.expires),
            "jti": new_secret(),
            "scope": scope,
        }
        if authorization.user is not None:
            claims["auth_time"] = authorization.auth_time  # marks a person's token: a client's own never has it
        if act:
            claims["act"] = dict(act)
        if client.may_act:
            claims["may_act"] = {"sub": client.may_act}  # RFC 8693 §4.4
        if cnf:
            claims["cnf"] = {"x5t#S256": cnf}
        self_contained = act is not None or client.token_format == "jwt"
        access = self._keys.sign(claims, client.signing_alg, "at+jwt") if self_contained else new_secret()
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": claims["exp"] - now, "scope": scope}
        if refresh:
            answer["refresh_token"] = new_secret()
        self._record(answer, claims, authorization)
        return answer

    def _record(self, answer: Mapping[str, Any], claims: Mapping[str, Any], authorization: Authorization) -> None:
        """Record what is about to be handed out, in one step: no token is at large that we could not take back."""
        common = {"authorization": authorization.id, "client_id": claims["client_id"], "issued": claims["iat"]}
        access = {
            "digest": digest(answer["access_token"]),
            "kind": "access",
            "scope": claims["scope"],
            "expires": claims["exp"],
            "jti": claims["jti"],
            "aud": claims["aud"],
            "act": claims.get("act"),
            "may_act": claims.get("may_act", {}).get("sub"),
            "cnf": claims.get("cnf", {}).get("x5t#S256"),
        }
        steps = [(NEW_TOKEN, common | access)]
        if "refresh_token" in answer:
            refresh = {"digest": digest(answer["refresh_token"]), "kind": "refresh", "scope": authorization.scope}
            steps.append((NEW_TOKEN, common | refresh | {"expires": authorization.expires}))
        self._store.run(steps)
        if next(self._issues) % SWEEP_EVERY == 0:
            self._store.sweep(claims["iat"])

    def find(self, token: str) -> Token | None:
        """The live access token that `token` is; None for whatever else it may be.

        Live: not expired, neither it nor its family revoked, its person still there, not disabled, and with the
        password that they had when they logged in (OWASP ASVS 7.4.3).  Scopes taken from them since are gone from it.
        """
        found = self.look_up(token, "access")
        if found is None or found.revoked or found.authorization.revoked or found.expires <= self._clock():
            return None
        if found.authorization.user is None:
            return found
        person = self._users.get(found.authorization.user)
        if person is None:
            return None
        if (found.authorization.user_version or 0) < person.renewed:
            return None
        return found._replace(scope=granted(found.scope, person))

    def look_up(self, token: str, kind: str) -> Token | None:
        """What the store knows of `token`, if it is of that `kind`: one kind never passes for the other."""
        name, state = (digest(token), kind), self._store.state()
        if state is not None and (known := self._known.get(name)) and known[0] == state:
            return known[1]
        row = self._store.look(_LOOK_UP, {"digest": name[0], "kind": kind})
        if row is None:
            return None
        found = with_its_family(Token, row)
        if found.authorization.id is None:  # it stands alone
            found = found._replace(authorization=Authorization(None, found.client_id, found.scope, found.expires))
        if state is not None:
            self._known.put(name, (state, found))
        return found

    def family_of(self, token: Token) -> Authorization | None:
        """The authorization that `token` hangs on; None when it is gone meanwhile.

        One that stands alone is given one here, so that what it is exchanged for is revoked as if it always had had it.
        """
        if token.authorization.id:
            return token.authorization
        this = tables.tokens.c.digest == token.digest
        with self._store.writing() as connection:
            known = sa.select(tables.tokens.c.authorization, tables.tokens.c.revoked).where(this).with_for_update()
            row = connection.execute(known).one_or_none()
            if row is None:
                return None
            family = token.authorization._replace(id=row.authorization or token.digest, revoked=row.revoked)
            if row.authorization is None:
                connection.execute(tables.NEW_AUTHORIZATION, family._asdict())
                connection.execute(tables.tokens.update().where(this).values(authorization=family.id))
        return family

    def spend(self, refresh_token: Token) -> bool:
        """Use up a refresh token: true for one caller only, whichever worker it asks (RFC 9700 §4.14.2)."""
        unspent = sa.and_(tables.tokens.c.digest == refresh_token.digest, tables.tokens.c.spent.is_(False))
        with self._store.writing() as connection:
            return connection.execute(tables.tokens.update().where(unspent).values(spent=True)).rowcount == 1

    def revoke(self, token: Token) -> None:
        """Take back this one token."""
        this = tables.tokens.c.digest == token.digest
        with self._store.writing() as connection:
            connection.execute(tables.tokens.update().where(this).values(revoked=True))

    def revoke_family(self, authorization: Authorization) -> None:
        """Take back an authorization, and with it every token that came of it or is just being issued."""
        this = tables.authorizations.c.id == authorization.id
        with self._store.writing() as connection:
            connection.execute(tables.authorizations.update().where(this).values(revoked=True))


def granted(scope: str, user: User) -> str:
    """What of `scope` this person has to give (RFC 6749 §3.3), in its order."""
    return " ".join(one for one in scope.split() if one in PROTOCOL_SCOPES | user.scopes)


def select_with_family(kind: type[Any], table: sa.Table) -> sa.Select[Any]:
    """Rows of `table` as `with_its_family` takes them: the authorization each hangs on, then what `kind` has more."""
    family = (tables.authorizations.c[name] for name in Authorization._fields)
    own = (table.c[name] for name in kind._fields[1:])
    return sa.select(*family, *own).join_from(table, tables.authorizations, isouter=True)


def with_its_family(kind: Callable[..., Record], row: Sequence[Any]) -> Record:
    """The `kind` that such a row holds; its first field is its authorization, whole."""
    return kind(Authorization._make(row[:_FAMILY]), *row[_FAMILY:])


_FAMILY = len(Authorization._fields)
_LOOK_UP = select_with_family(Token, tables.tokens).where(
    tables.tokens.c.digest == sa.bindparam("digest"), tables.tokens.c.kind == sa.bindparam("kind")
)
