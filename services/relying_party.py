"""The gateway as a relying party: authorization code with PKCE at the IdP's own login page (OIDC Core §3.1).

Authlib checks state, nonce, code challenge and the ID token.  It leaves `iss` in the callback to us (RFC 9207), and the
certificate of the IdP and of ourselves to `adapter`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import flask
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from urllib3.exceptions import ReadTimeoutError

from services import audit
from services.adapter import PeerAdapter
from services.bulkhead import Bulkhead, Full
from services.identity import Silence, Unauthenticated, Unavailable
from services.sessions import Session
from services.settings import Settings

SCOPE = "openid profile items:read orders:read orders:write orders:read:any orders:refund"
SPARE_SECONDS = 30
AGAIN_SECONDS = 10
"""From one attempt to renew a token to the next, while the IdP does not answer and the token is good still."""


class RelyingParty:
    """Logging people in at the IdP, keeping their tokens fresh, and logging them out again."""

    def __init__(self, app: flask.Flask, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Any] | None = None
        self._places = Bulkhead(Silence, settings.budget)
        self._client: Any = OAuth(app).register(
            "idp",
            client_cls=_app_for(settings),
            client_id="gateway",
            client_secret=_secret(settings),
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "none" if _by_certificate(settings) else "client_secret_basic",
            },
        )

    def redirect(self) -> flask.Response:
        """To the IdP's login page."""
        self._metadata()
        for unfinished in [key for key in flask.session if key.startswith("_state_")]:
            del flask.session[unfinished]  # one log-in at a time, or the cookie outgrows what a browser keeps
        there: flask.Response = self._client.authorize_redirect(f"{self._settings.edge}/callback")
        there.status_code = 303
        return there

    def finish(self) -> Session:
        """The session of whoever comes back from the IdP; `Unauthenticated` when anything about it is wrong."""
        if any(len(values) > 1 for _, values in flask.request.args.lists()):  # RFC 6749 §3.1
            raise Unauthenticated("a parameter of the answer comes twice")
        if flask.request.args.get("iss") != self._settings.issuer:  # RFC 9207 §2.4
            raise Unauthenticated("the answer does not come from our IdP (iss)")
        self._metadata()
        try:
            with self._asking():
                answer = self._client.authorize_access_token()
        except (AuthlibBaseError, JoseError) as error:
            raise Unauthenticated(f"the log-in failed: {type(error).__name__}") from None
        if "userinfo" not in answer:  # what Authlib makes of the ID token, once it has verified it
            raise Unauthenticated("the IdP sent no ID token")
        return _keep(answer, Session(answer["userinfo"]["sub"], id_token=answer["id_token"]))

    def access_token(self, session: Session) -> str:
        """The session's access token, renewed shortly before it ends; `Unauthenticated` when the IdP will not.

        Nobody waits for another who is renewing it, nor for an IdP that does not answer, while it is good.
        """
        came, ends = time.monotonic(), session.expires_at
        if ends - time.time() < SPARE_SECONDS and not (ends > time.time() and session.lock.locked()):
            try:
                self._metadata()
                with self._asking():
                    self._renew(session, came)
            except Unavailable:
                if session.expires_at <= time.time():
                    raise
        return session.access_token or ""

    def _renew(self, session: Session, came: float) -> None:
        """Renew it, one thread at a time: a refresh token works once (RFC 9700 §2.2.2)."""
        with session.lock:
            left = session.expires_at - time.time()
            if left >= SPARE_SECONDS:
                return  # somebody else has done it
            if session.silent_at > came - (AGAIN_SECONDS if left > 0 else 0):
                raise Silence("the IdP did not answer whoever asked before us")
            try:
                self._refresh(session)
            except Unavailable:
                session.silent_at = time.monotonic()
                raise

    def _refresh(self, session: Session) -> None:
        if session.refresh_token is None:
            raise Unauthenticated("the session has ended")
        try:
            with self._client._get_oauth_client(**self._metadata()) as client:
                answer = client.refresh_token(client.metadata["token_endpoint"], refresh_token=session.refresh_token)
        except AuthlibBaseError as error:
            raise Unauthenticated(f"the session cannot be renewed: {error.error}") from None
        except (requests.RequestException, OSError) as error:
            raise _unanswered(error) from error
        _keep(answer, session)

    def end(self, session: Session) -> str | None:
        """Revoke the session's tokens (RFC 7009), and say where the IdP ends its own (OIDC RP-Initiated Logout §2).

        An IdP that does not answer keeps nobody logged in here: then its own session is all that is left, or nothing.
        """
        with session.lock:  # so that no request on its way gets a new token after this
            revoked, session.refresh_token, session.expires_at = session.refresh_token, None, 0.0
        try:
            metadata = self._metadata()
            with self._asking(), self._client._get_oauth_client(**metadata) as client:
                client.revoke_token(metadata["revocation_endpoint"], token=revoked).raise_for_status()
        except (Unavailable, AuthlibBaseError) as error:
            cause = error.__cause__ or error
            audit.note(reason=f"the tokens could not be revoked: {type(cause).__name__}")
        end_session: str | None = self._client.server_metadata.get("end_session_endpoint")
        query = {"id_token_hint": session.id_token, "post_logout_redirect_uri": f"{self._settings.edge}/"}
        return f"{end_session}?{urlencode(query)}" if end_session else None

    def _metadata(self) -> dict[str, Any]:
        """What the IdP says of itself, fetched once; it must be the IdP we meant (RFC 8414 §3.3)."""
        if self._known is None:
            with self._asking():
                self._known = self._client.load_server_metadata()
        if self._known.get("issuer") != self._settings.issuer:
            raise Unavailable("the IdP's metadata names another issuer")
        return self._known

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """A place among those who wait for the IdP; `Unavailable` when too many do, or there is no answer."""
        try:
            with self._places.place():
                try:
                    yield
                except (requests.RequestException, OSError) as error:
                    raise _unanswered(error) from error
        except Full as error:
            raise Unavailable("the IdP is slow, and others wait for it") from error


def _unanswered(error: Exception) -> Unavailable:
    """A question that failed; when only half an answer comes in time, `requests` calls it a broken connection."""
    is_late = isinstance(error, requests.Timeout) or isinstance(next(iter(error.args), None), ReadTimeoutError)
    return (Silence if is_late else Unavailable)("the IdP does not answer")


def _keep(answer: dict[str, Any], session: Session) -> Session:
    if not isinstance(answer.get("access_token"), str) or not isinstance(answer.get("expires_in"), int):
        raise Unavailable("the IdP's answer makes no sense")
    session.access_token = answer["access_token"]
    session.refresh_token = answer.get("refresh_token")
    session.expires_at = time.time() + answer["expires_in"]
    return session


def _by_certificate(settings: Settings) -> bool:
    """Under zerotrust our certificate authenticates us to the IdP, and there is no secret to keep (RFC 8705 §2.1)."""
    return settings.pattern == "zerotrust"


def _secret(settings: Settings) -> str | None:
    """Our client secret, as it is now."""
    return None if _by_certificate(settings) else settings.secret("client_secret")


def _app_for(settings: Settings) -> type[Any]:
    """Authlib's client, on sessions that trust our CA and nothing from the environment.

    Each lasts for one question, and so shows the secret, or the certificate, as it is then.
    """

    class IdpSession(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "client_secret": _secret(settings)})
            self.trust_env = False
            self.verify = settings.bundle
            self.cert = settings.leaf if _by_certificate(settings) else None
            self.default_timeout = settings.timeout
            self.mount(settings.issuer, PeerAdapter("idp"))

    class IdpApp(FlaskOAuth2App):  # type: ignore[misc]  # Authlib has no types
        client_cls = IdpSession

    return IdpApp
