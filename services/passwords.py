"""Passwords: hashed slowly, and remembered for a moment once one has proven right.

A password that matches a stored hash matches it for ever, and nothing else is remembered: which pairs matched, as an
HMAC under a key of this process's own.  Whose hash it is, whether they are still let in and what they may do, is looked
up anew each time, so a changed password, having another hash, is no longer remembered.  A wrong one never is: it costs
a slow hash each time.
"""

from __future__ import annotations

import base64
import functools
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from services.remembered import Remembered

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
REMEMBERED_SECONDS = 60.0
MOST = 1024
AT_ONCE = max(2, os.cpu_count() or 1)
"""How many may be hashed at a time: more would take longer each, and 19 MiB each, and none would be ready sooner."""


class Passwords:
    """Tells whether a password is the one of a stored hash; one for each use, in each process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._right: Remembered[bytes, bool] = Remembered(MOST, REMEMBERED_SECONDS, clock)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def match(self, stored: str, password: str) -> bool:
        """Whether `stored` is an argon2id hash of `password`; no, when it is a hash of nothing."""
        pair = hmac.digest(self._key, f"{stored}\0{password}".encode(errors="surrogatepass"), "sha256")
        if self._right.get(pair):
            return True
        try:
            with self._turns:
                if self._right.get(pair):  # meanwhile: many may come with it at once, to a process that has just begun
                    return True
                HASHER.verify(stored, password)
                self._right.put(pair, True)
        except (VerificationError, InvalidHashError):
            return False
        return True


@functools.cache
def decoy() -> str:
    """A hash to check the password of nobody against, as slow as any: random, so nobody knows what it would be of."""
    salt, digest = (_b64(secrets.token_bytes(size)) for size in (HASHER.salt_len, HASHER.hash_len))
    costs = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def _b64(octets: bytes) -> str:
    """Base64 without padding, as in such a hash."""
    return base64.b64encode(octets).rstrip(b"=").decode()
