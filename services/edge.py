"""How people prove themselves to the gateway: one of the patterns for programs, a session for browsers.

A program shows its credential with every request to /api.  A browser holds a session cookie, which only the pages look
at; and what a browser sends to the API on behalf of another site is refused (W3C Fetch Metadata).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask
from werkzeug.test import EnvironBuilder

from services.guesses import Guesses
from services.identity import Forbidden, Identity, StoreUnavailable, Unauthenticated, Unavailable
from services.patterns import Pattern, pattern
from services.sessions import Session, Sessions
from services.settings import Settings
from services.users import UserStore

if TYPE_CHECKING:
    from services.relying_party import RelyingParty  # Authlib is imported only where people log in at the IdP


class Edge:
    """The gateway's guard: the pattern that `settings.pattern` names for its edge."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        inner = pattern(settings.pattern, settings)
        self.guard: Pattern = inner if inner.edge == settings.pattern else pattern(inner.edge, settings)
        self.by_form = inner.edge == "basic"
        self.sessions = Sessions()
        self.guesses = Guesses()
        self.users = UserStore(settings.users_file) if self.by_form else None
        self.relying_party: RelyingParty | None = None

    def ready(self) -> None:
        """Raise when nobody could be authenticated."""
        if self.users is not None:
            self.users.answers()

    def authenticate(self, request: flask.Request) -> Identity:
        """Who sent this: by its own credential under /api, by its session elsewhere."""
        if request.path.startswith("/api/"):
            if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
                raise Forbidden("a page of another site asks")  # a browser would add a Basic password it remembers
            return self._by_credential(request)
        session = self.sessions.find(flask.session.get("id"))
        if session is None:
            raise Unauthenticated("no session")
        try:
            return self._still_who_they_were(session)
        except Unauthenticated:
            self.sessions.close(flask.session.pop("id", None))
            raise

    def _by_credential(self, request: flask.Request) -> Identity:
        """By the guard; where it asks for a password, a guesser is slowed down before the costly check."""
        if not self.by_form or "Authorization" not in request.headers:
            return self.guard.authenticate(request)
        name = request.authorization.username if request.authorization else None
        with self.guesses.counted(name or "", request.remote_addr or ""):
            return self.guard.authenticate(request)

    def _still_who_they_were(self, session: Session) -> Identity:
        """The session's identity, if nothing has happened meanwhile that would end it."""
        if self.relying_party is not None:  # the session's token is judged as if it had just been sent
            token = self.relying_party.access_token(session)
            environ = EnvironBuilder(headers=[("Authorization", f"Bearer {token}")]).get_environ()
            return self.guard.authenticate(flask.Request(environ))
        try:
            user = self.users.get(session.user) if self.users else None
        except StoreUnavailable as error:
            raise Unavailable(str(error)) from error
        if user is None or user.version != session.version:
            raise Unauthenticated("the user has changed since the log-in")
        return Identity(
            caller=user.name,
            user=user.name,
            scopes=user.scopes,
            vouched_by="password",
            checked="session, and the user store that nothing has changed",
            credential=session.password,
        )
