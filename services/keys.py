"""The IdP's public keys, as a service keeps them: fetched seldom, replaced whole, never an attacker's to fetch at will.

An unknown `kid` may be a key that was rotated in, so it causes a fetch, but only one per `COOLDOWN`: a flood of made-up
ids costs the IdP nothing (RFC 8725 §2.9).  Keys that the IdP withdraws are gone at the next fetch, at most `LIFETIME`
later; while the IdP does not answer, the last good set goes on working for `STALE`.

What a key has proven is remembered beside the keys, by the SHA-256 of the whole token, and worth nothing without them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jwt as pyjwt

from services.identity import Silence, Unauthenticated, Unavailable
from services.remembered import Remembered

LIFETIME = 300.0
STALE = 3600.0
COOLDOWN = 10.0
MOST_PROVEN = 4096
ALGORITHMS = frozenset({"ES256", "RS256"})
AnyClaims = TypeVar("AnyClaims")


@dataclass(frozen=True)
class Proven(Generic[AnyClaims]):
    """A token that `key` verifies: as long as `key_id` names that very key."""

    key_id: str
    key: pyjwt.PyJWK
    claims: AnyClaims


class Keys:
    """The key set that `fetch` returns as a JWKS document (RFC 7517 §5), cached; who waits for it takes a `place`."""

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        clock: Callable[[], float] = time.monotonic,
        place: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._fetch = fetch
        self._place = place
        self._clock = clock
        self.proven: Remembered[bytes, Proven[Any]] = Remembered(MOST_PROVEN)
        self._lock = threading.Lock()
        self._keys: dict[str, pyjwt.PyJWK] = {}
        self._fetched = self._tried = self._failed = float("-inf")

    def find(self, kid: str) -> pyjwt.PyJWK:
        """The key called `kid`; `Unauthenticated` when the IdP has none, `Unavailable` when it cannot be asked."""
        if self._clock() - self._fetched > LIFETIME or kid not in self._keys:
            self._refresh(kid)
        if self._clock() - self._fetched > STALE:
            raise Unavailable("the IdP's keys are too old to trust, and it does not answer")
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("the IdP publishes no such key (kid)", error="invalid_token") from None

    def _refresh(self, kid: str) -> None:
        """Fetch the set, unless that was done or tried too recently; `Unavailable` when there is none to go on with."""
        came = self._clock()
        usable_meanwhile = kid in self._keys and came - self._fetched <= STALE
        try:
            # Who has a key to go on with waits for nobody: neither for a place, nor for another who is asking.
            with nullcontext() if usable_meanwhile else self._place():
                if self._lock.acquire(blocking=not usable_meanwhile):
                    try:
                        self._refresh_in_turn(kid, came)
                    finally:
                        self._lock.release()
        except Unavailable:
            if not self._keys:
                raise

    def _refresh_in_turn(self, kid: str, came: float) -> None:
        """Fetch it, unless another thread has done so or failed since we `came`."""
        fresh = self._clock() - self._fetched <= LIFETIME and kid in self._keys
        if fresh or self._clock() - self._tried < COOLDOWN:
            return
        if self._failed > came:
            raise Silence("the IdP did not answer whoever asked before us")
        self._tried = self._clock()
        try:
            self._keys = usable(self._fetch())
        except Unavailable:
            self._failed = self._clock()
            if not self._keys:
                self._tried = float("-inf")  # nothing to go on with: the next request asks again
            raise
        self._fetched = self._clock()


def usable(document: Mapping[str, Any]) -> dict[str, pyjwt.PyJWK]:
    """The keys of a JWKS that may verify: named, for signatures, each for one asymmetric algorithm (RFC 8725 §3.1)."""
    members = document.get("keys")
    if not isinstance(members, list):
        raise Unavailable("the IdP's answer is not a key set")
    keys = {}
    for member in members:
        fit = isinstance(member, dict) and str(member.get("alg")) in ALGORITHMS and member.get("use", "sig") == "sig"
        if fit and isinstance(member.get("kid"), str) and "d" not in member:  # a published private key is no secret
            keys[member["kid"]] = _parse(member)
    return keys


def _parse(member: dict[str, Any]) -> pyjwt.PyJWK:
    try:
        return pyjwt.PyJWK(member)
    except pyjwt.PyJWTError as error:
        raise Unavailable(f"the IdP publishes a key that cannot be read: {type(error).__name__}") from None
