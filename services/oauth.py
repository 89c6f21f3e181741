"""The identity provider as a service sees it: ask about a token, fetch the keys, exchange a token for another.

Whatever goes wrong on the way to the IdP means `Unavailable`: we cannot tell, so the answer is no.  Each call is
counted on the request that caused it, for the audit line.  Requests that ask the same at the same moment share one
call; answers are used again only where `cache_seconds` says so.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import flask

from services import audit, strict_json
from services.bulkhead import Bulkhead, Full
from services.calling import Callee, Failed, TooSlow
from services.coalescing import Coalescing
from services.identity import Certificate, Credentials, NoCredentials, Refusal, Silence, Unauthenticated, Unavailable
from services.keys import Keys
from services.remembered import Remembered
from services.settings import Settings

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
MAX_ANSWER = 64 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_REMEMBERED = 4096
SPARE_SECONDS = 10.0
"""A token that we were given is not shown any more for so long before it ends: it may be on its way a while."""
Refused = Callable[[str], Refusal]


class IdentityProvider:
    """One IdP, reached over verified TLS."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._idp = Callee(settings.issuer, "idp")
        self._places = Bulkhead(Silence, settings.budget)
        self._questions: Coalescing[Mapping[str, Any]] = Coalescing()
        self._answers: Remembered[Hashable, tuple[Mapping[str, Any], float]] = Remembered(MOST_REMEMBERED)
        self.keys = Keys(lambda: self._json("GET", "/jwks", {}), place=self._place)

    def introspect(self, token: str) -> Mapping[str, Any]:
        """Ask whether `token` is active, and what it says (RFC 7662 §2), proving who asks by our client secret.

        Only what is said of an active token is used again; what it says is for the caller to judge each time.
        """
        form = {"token": token, "token_type_hint": "access_token"}

        def question() -> tuple[Mapping[str, Any], float]:
            answer = self._json("POST", "/introspect", {"auth": self._client_credentials()}, form)
            return answer, self._settings.cache_seconds if answer.get("active") is True else 0.0

        return self._asked(("introspect", _digest(token)), question)

    def exchange(self, token: str, audience: str, certificate: Certificate) -> str:
        """Trade `token` for one that only `audience` accepts, and only with `certificate` (RFC 8693 §2, RFC 8705 §3).

        The certificate authenticates us as well (RFC 8705 §2.1), so there is no secret to lose.  A token that is not
        exchanged since it is revoked, or its person gone, is no good of our caller's: `Unauthenticated`.
        """
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "client_id": self._settings.service,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
        }

        def question() -> tuple[Mapping[str, Any], float]:
            answer = self._json("POST", "/token", {"cert": certificate}, form, _no_exchange)
            if answer.get("issued_token_type") != ACCESS_TOKEN or not isinstance(answer.get("access_token"), str):
                raise Unavailable("the IdP's answer to the exchange makes no sense")
            lives = answer.get("expires_in")
            lasts = lives - SPARE_SECONDS if isinstance(lives, int) else 0.0
            return answer, min(self._settings.cache_seconds, lasts)

        return str(self._asked(("exchange", _digest(token), audience, certificate), question)["access_token"])

    def _asked(self, key: Hashable, question: Callable[[], tuple[Mapping[str, Any], float]]) -> Mapping[str, Any]:
        """The answer known under `key`, or what `question` comes to: an answer, and the seconds that it may be used."""
        known = self._answers.get(key)
        if known is not None and self._clock() < known[1]:
            return known[0]

        def ask() -> Mapping[str, Any]:
            began = self._clock()
            answer, seconds = question()
            if seconds > 0:
                self._answers.put(key, (answer, began + seconds))
            return answer

        with self._place():
            return self._questions.ask(key, ask)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place among those who wait for the IdP, or for somebody who asks it; `Unavailable` when too many do."""
        try:
            with self._places.place(audit.deadline(self._settings.budget)):
                yield
        except Full as error:
            raise Unavailable("the IdP is slow, and others wait for it") from error

    def _client_credentials(self) -> tuple[bytes, bytes]:
        try:
            return self._settings.service.encode(), self._settings.secret("client_secret").encode()
        except OSError as error:
            raise Unavailable("we have no client secret to ask with") from error

    def _json(
        self,
        method: str,
        path: str,
        presented: Credentials,
        form: Mapping[str, str] | None = None,
        refused: Refused | None = None,
    ) -> Mapping[str, Any]:
        """One call, answered with a JSON object; `refused` makes of the IdP's 400 what it means, else `Unavailable`."""
        traced = flask.has_request_context()
        if traced:
            flask.g.idp_calls += 1
        try:
            status, body = self._idp.ask(
                method,
                path,
                {**presented, "verify": self._settings.bundle},
                headers=(FORM if form else {}) | ({"traceparent": audit.traceparent()} if traced else {}),
                body=urlencode(form).encode() if form else None,
                deadline=audit.deadline(self._settings.budget),
                most=MAX_ANSWER,
            )
        except TooSlow as error:
            raise Silence(f"the IdP does not answer in time: {error}") from error
        except Failed as error:
            raise Unavailable(f"the IdP does not answer: {error}") from error
        return _read(status, body, refused)


def _digest(token: str) -> bytes:
    """The name under which what concerns `token` is kept: not the token itself."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def _no_exchange(error: str) -> Refusal:
    """The IdP does not exchange: for the token that we were shown (RFC 8693 §2.2.2), or for something about us."""
    if error in {"invalid_request", "invalid_grant"}:
        return Unauthenticated(f"the IdP does not exchange the token: {error}", error="invalid_token")
    return NoCredentials(f"the IdP does not let us exchange: {error}")


def _read(status: int, body: bytes, refused: Refused | None) -> Mapping[str, Any]:
    """The JSON object that `body` is; what `refused` makes of it when the IdP says 400, else `Unavailable`."""
    if len(body) > MAX_ANSWER:
        raise Unavailable("the IdP's answer is too large")
    try:
        answer = strict_json.loads(body)
    except ValueError:
        raise Unavailable(f"the IdP answers {status} without JSON") from None
    if not isinstance(answer, dict):
        raise Unavailable("the IdP's answer is not an object")
    if status == 400 and refused is not None:
        raise refused(str(answer.get("error")))
    if status != 200:
        raise Unavailable(f"the IdP answers {status}")
    return answer
