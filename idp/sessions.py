"""Browsers that have proven who sits before them.

The cookie carries a random name for a row in the store, so that logging out ends it everywhere; the row is good while
the person is as they were: a new password, other scopes or a disabled account end it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import flask
import sqlalchemy as sa
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from idp.provider import current_provider
from idp.store import authorizations, digest, logins, new_secret
from services.users import User

LOGIN_SECONDS = 8 * 3600


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie; whoever shows none and is given none costs nothing: no client has one, only browsers."""

    def open_session(self, app: flask.Flask, request: flask.Request) -> SecureCookieSession | None:
        """The session that the cookie holds, or a new one."""
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: flask.Flask, session: SessionMixin, response: flask.Response) -> None:
        """Give the browser its cookie, if somebody looked at the session."""
        if session.accessed:
            super().save_session(app, session, response)


@dataclass(frozen=True)
class Login:
    """Who sits before this browser, and since when."""

    digest: str
    user: User
    auth_time: int


def current_login() -> Login | None:
    """The log-in behind this request's cookie, while it counts."""
    name = flask.session.get("login")
    if not isinstance(name, str):
        return None
    provider = current_provider()
    with provider.store.reading() as connection:
        row = connection.execute(sa.select(logins).where(logins.c.digest == digest(name))).one_or_none()
    if row is None or row.expires <= provider.clock():
        return None
    user = provider.users.get(row.user)
    if user is None or user.version != row.user_version:
        return None
    return Login(row.digest, user, row.auth_time)


def begin(user: User) -> None:
    """Log `user` in, under a new name that nobody can have planted (ASVS 7.2.4)."""
    provider, before, name, now = current_provider(), current_login(), new_secret(), int(current_provider().clock())
    if before and before.user.name != user.name:
        end(before)
    with provider.store.writing() as connection:
        row = {"digest": digest(name), "user": user.name, "user_version": user.version}
        connection.execute(logins.insert().values(**row, auth_time=now, expires=now + LOGIN_SECONDS))
        if before and before.user.name == user.name:  # what they allowed goes with the new log-in
            old = authorizations.c.login == before.digest
            connection.execute(logins.delete().where(logins.c.digest == before.digest))  # first, as in `end`
            connection.execute(authorizations.update().where(old).values(login=digest(name)))
    provider.store.sweep(now)
    flask.session.clear()
    flask.session["login"] = name


def end(login: Login) -> None:
    """Log out, and take back what was allowed meanwhile; `offline_access` outlasts it (OpenID Connect Core §11).

    The log-in goes first: what is being allowed at this moment is there by then, or will not be (`code`).
    """
    with current_provider().store.writing() as connection:
        online = sa.not_((" " + authorizations.c.scope + " ").contains(" offline_access "))
        mine = sa.and_(authorizations.c.login == login.digest, online)
        connection.execute(logins.delete().where(logins.c.digest == login.digest))
        connection.execute(authorizations.update().where(mine).values(revoked=True))
    flask.session.clear()


def csrf_token() -> str:
    """What the page's form has to bring back, tied to this browser by its cookie."""
    return str(flask.session.setdefault("csrf", new_secret()))


def csrf_token_matches() -> bool:
    """Whether the form was ours and of this browser: logging somebody in unasked is an attack too (RFC 9700 §4.7)."""
    expected = flask.session.get("csrf", "")
    return bool(expected) and hmac.compare_digest(expected.encode(), flask.request.form.get("csrf", "").encode())
