"""The authorization code grant (RFC 6749 §4.1), from the browser's request to the token.

/authorize   the browser fetches a code; it is good for a minute, for one client, one redirect URI, one verifier
/token       the client redeems it, once.  A second try means that it was stolen by one of the two who hold it, and
             nobody can tell which: everything that came of it is taken back
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import sqlalchemy as sa
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidGrantError, InvalidScopeError, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.hooks import hooked

from idp import resource, tokens
from idp.clients import Client
from idp.provider import AUTH_METHODS, Provider
from idp.sessions import Login
from idp.store import NEW_AUTHORIZATION, NEW_CODE, authorizations, codes, digest, logins, new_secret
from idp.tokens import Authorization
from services import audit

CODE_SECONDS = 60
FAMILY_SECONDS = 8 * 3600
"""How long an authorization lasts at most, however often its tokens are refreshed."""


class Code(NamedTuple):
    """A code as the store knows it."""

    authorization: Authorization
    digest: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    expires: int
    spent: bool

    def get_redirect_uri(self) -> str:
        return self.redirect_uri


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Both halves of the grant; Authlib calls the methods in the order in which they stand here."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: Provider

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Record what the person allowed: of the scopes asked for, those that they have to give."""
        login: Login = request.user
        now = int(self.server.clock())
        scope = tokens.granted(request.scope, login.user)
        if not scope:
            raise AccessDeniedError(redirect_uri=request.payload.redirect_uri)
        family = Authorization(
            id=new_secret(),
            client_id=request.client.client_id,
            scope=scope,
            audience=resource.audiences(request.payload.data, request.client.audience),
            expires=now + CODE_SECONDS,
            user=login.user.name,
            user_version=login.user.version,
            auth_time=login.auth_time,
            login=login.digest,
        )
        row = {
            "digest": digest(code),
            "authorization": family.id,
            "redirect_uri": request.payload.redirect_uri,
            "code_challenge": request.payload.data["code_challenge"],
            "nonce": request.payload.data.get("nonce"),
            "expires": now + CODE_SECONDS,
        }
        steps = [(NEW_AUTHORIZATION, family._asdict()), (NEW_CODE, row)]
        if not self.server.store.run(steps, only_if=(LOGGED_IN, {"login": login.digest})):
            raise AccessDeniedError("The log-in has ended meanwhile.", redirect_uri=request.payload.redirect_uri)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The live code that was issued to `client` (RFC 6749 §4.1.3); one used before revokes its family (§4.1.2).

        Whoever shows it: a used code in another client's hands has been stolen as surely.
        """
        found = self._look_up(digest(code))
        if found is not None and found.spent:
            self._replayed(found)
        if found is None or found.authorization.client_id != client.client_id:
            return None
        if found.expires <= self.server.clock() or found.authorization.revoked:
            return None
        return found

    @hooked  # type: ignore[untyped-decorator]  # Authlib has no types; the ID token is added afterwards, by `openid`
    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Redeem the code, whose redirect URI and verifier were found right, and issue what it stands for."""
        code: Code = self.request.authorization_code
        client: Client = self.request.client
        user = self.server.users.get(code.authorization.user or "")
        if user is None or user.version != code.authorization.user_version:
            raise InvalidGrantError("The person is not as they were when they logged in.")
        self.request.user = user
        audit.note(user=user.name)
        audience = resource.narrowed(self.request.form, client.audience, code.authorization.audience)
        scope = " ".join(one for one in code.authorization.scope.split() if one in client.scopes)
        if not scope:
            raise InvalidScopeError()  # its registration has lost them all since
        authorization = self._redeem(code)
        refresh = client.check_grant_type("refresh_token")
        answer = self.server.tokens.issue(client, authorization, scope, audience, refresh=refresh)
        return 200, answer, self.TOKEN_RESPONSE_HEADER

    def _redeem(self, code: Code) -> Authorization:
        """Use up the code, for one caller only, whichever worker it asks; its family now lasts as long as tokens."""
        expires = int(self.server.clock()) + FAMILY_SECONDS
        unspent = sa.and_(codes.c.digest == code.digest, codes.c.spent.is_(False))
        family = authorizations.c.id == code.authorization.id
        with self.server.store.writing() as connection:
            won = connection.execute(codes.update().where(unspent).values(spent=True)).rowcount == 1
            if won:
                connection.execute(authorizations.update().where(family).values(expires=expires))
        if not won:
            self._replayed(code)
        return code.authorization._replace(expires=expires)

    def _replayed(self, code: Code) -> NoReturn:
        """Take back what the code brought: two have held it (RFC 6749 §4.1.2, §10.5)."""
        self.server.tokens.revoke_family(code.authorization)
        audit.note(event="code replayed")
        raise InvalidGrantError("The code was used before.")

    def _look_up(self, code_digest: str) -> Code | None:
        row = self.server.store.look(_LOOK_UP, {"digest": code_digest})
        return tokens.with_its_family(Code, row) if row else None


LOGGED_IN = sa.select(logins.c.digest).where(logins.c.digest == sa.bindparam("login")).with_for_update(read=True)
"""Whoever ends the log-in has to wait until what is allowed by it is written down."""
_LOOK_UP = tokens.select_with_family(Code, codes).where(codes.c.digest == sa.bindparam("digest"))
