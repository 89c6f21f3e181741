"""Token exchange (RFC 8693): a service trades the token it was called with for one to call the next service with.

The new token is for that one service, works only with the certificate of the service that asked (RFC 8705), and tells
who acts for whom: `sub` stays the person, `act` names the asking service and, inside, those before it (RFC 8693 §4.1).
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from idp import mtls, resource
from idp.clients import EXCHANGE, Client
from idp.provider import PROVING_METHODS, Provider
from idp.tokens import Token
from services import audit

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
NOT_LIVE = "The subject_token is not a live access token for this client."


class ExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """Authlib has an empty place for this grant; this fills it."""

    GRANT_TYPE = EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = PROVING_METHODS
    server: Provider

    def validate_token_request(self) -> None:
        """Check the request itself (RFC 8693 §2.1)."""
        self.request.client = client = self.authenticate_token_endpoint_client()
        form = self.request.form
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client may not exchange tokens.")
        if "actor_token" in form or "actor_token_type" in form:
            raise InvalidRequestError("The actor is the client that asks; no actor_token is taken.")
        if "subject_token" not in form or form.get("subject_token_type") != ACCESS_TOKEN:
            raise InvalidRequestError("The subject_token must be an access token.")
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
            raise InvalidRequestError("Only access tokens are issued.")
        self.request.target = self._target(client)

    def _target(self, client: Client) -> str:
        """The one service that the new token is for, by the name of its audience or its resource (RFC 8693 §2.1)."""
        form = self.request.form
        wanted = {*form.getlist("audience"), *(resource.audiences(form, client.exchange_audiences) or ())}
        if not wanted:
            raise InvalidRequestError("The audience is missing.")
        if len(wanted) > 1 or not wanted <= client.exchange_audiences:
            raise resource.InvalidTarget()
        return str(wanted.pop())

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Issue the token: never for more than the subject token allows, and never for longer."""
        client: Client = self.request.client
        subject = self._subject_token(client)
        audit.note(user=subject.authorization.user)
        scopes = subject.scope.split()
        wanted = (self.request.payload.scope or subject.scope).split()
        if not wanted or not set(wanted) <= set(scopes):
            raise InvalidScopeError()
        authorization = self.server.tokens.family_of(subject)
        if authorization is None:
            raise InvalidRequestError(NOT_LIVE)
        actor = {"sub": client.client_id, **({"act": subject.act} if subject.act else {})}
        answer = self.server.tokens.issue(
            client,
            authorization,
            " ".join(dict.fromkeys(wanted)),
            [self.request.target],
            act=actor,
            cnf=mtls.confirmation(),
            not_after=subject.expires,
        )
        return 200, {**answer, "issued_token_type": ACCESS_TOKEN}, self.TOKEN_RESPONSE_HEADER

    def _subject_token(self, client: Client) -> Token:
        """The live access token that was presented, if it is meant for the asking client, and that may be its actor.

        Who may act is decided where the token's client is registered: whoever is in its audience or, where one is named
        (`may_act`, RFC 8693 §4.4), that one alone.  When the token is bound to a certificate, that is its previous
        bearer's, and does not count here.
        """
        found = self.server.tokens.find(self.request.form["subject_token"])
        if found is None or client.client_id not in (found.aud or []):
            raise InvalidRequestError(NOT_LIVE)
        if found.may_act not in (None, client.client_id):
            raise InvalidRequestError("Only another client may act for the subject of this token.")
        return found
