"""Revoke: take back a token, everything a person allowed, everything a client got, everything that came of a code.

It is what a log-out or a stolen token leads to, without having to be the client.  Who trusts a signed token without
asking does not notice: to see for how long is what this is for.
"""

from __future__ import annotations

import sqlalchemy as sa

from idp.manage.operations import Body, CannotDo, operation
from idp.manage.shapes import Revoked
from idp.provider import Provider
from idp.store import authorizations, codes, digest, logins, tokens


class AToken(Body):
    """An access or refresh token, as it was issued."""

    token: str


class AUser(Body):
    """The name of a person."""

    user: str


class AClient(Body):
    """The id of a client."""

    client_id: str


class ACode(Body):
    """A code, redeemed or not."""

    code: str


@operation("POST", "/revoke/token")
def token(provider: Provider, body: AToken) -> Revoked:
    """Take back a token; a refresh token takes its family along (RFC 7009 §2.1)."""
    found = provider.tokens.look_up(body.token, "access") or provider.tokens.look_up(body.token, "refresh")
    if found is None:
        raise CannotDo(404, "no such token was issued")
    if found.kind == "refresh":
        return Revoked(_revoke(provider, authorizations, authorizations.c.id == found.authorization.id))
    return Revoked(_revoke(provider, tokens, tokens.c.digest == found.digest))


@operation("POST", "/revoke/user")
def user(provider: Provider, body: AUser) -> Revoked:
    """Take back everything that a person allowed, and log them out everywhere."""
    return Revoked(all_of_user(provider, body.user))


@operation("POST", "/revoke/client")
def client(provider: Provider, body: AClient) -> Revoked:
    """Take back everything that a client was given."""
    return Revoked(all_of_client(provider, body.client_id))


@operation("POST", "/revoke/code")
def code(provider: Provider, body: ACode) -> Revoked:
    """Take back everything that came of a code; if nothing has yet, nothing will."""
    of_code = sa.select(codes.c.authorization).where(codes.c.digest == digest(body.code))
    return Revoked(_revoke(provider, authorizations, authorizations.c.id.in_(of_code)))


def all_of_user(provider: Provider, name: str) -> int:
    """Take back what `name` allowed, log them out, and return how much there was."""
    with provider.store.writing() as connection:
        connection.execute(logins.delete().where(logins.c.user == name))
    return _revoke(provider, authorizations, authorizations.c.user == name)


def all_of_client(provider: Provider, client_id: str) -> int:
    """Take back what `client_id` was given, what it got by exchange too, and return how much there was.

    Its tokens first: one that stands alone may be exchanged at this moment, and its family then begins as it is.
    """
    single = _revoke(provider, tokens, tokens.c.client_id == client_id)
    return single + _revoke(provider, authorizations, authorizations.c.client_id == client_id)


def _revoke(provider: Provider, table: sa.Table, these: sa.ColumnElement[bool]) -> int:
    standing = sa.and_(these, table.c.revoked.is_(False))
    with provider.store.writing() as connection:
        return connection.execute(table.update().where(standing).values(revoked=True)).rowcount
