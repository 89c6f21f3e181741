"""Browsers that have logged in: what the gateway keeps for them, on its own side.

The cookie holds a random id and nothing else.  What stands behind it differs from pattern to pattern, and that is the
point: under `basic` it is the user's password, for without it the gateway could not call anybody on their behalf.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field

from cachetools import TTLCache

LIFETIME_SECONDS = 8 * 3600
MOST = 10_000


@dataclass
class Session:
    """One logged-in browser."""

    user: str
    version: int | None = None
    """Of the user in the user store, where the gateway checked the password: a change ends the session."""
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    expires_at: float = 0.0
    """When the access token ends, in seconds since the epoch."""
    silent_at: float = float("-inf")
    """When the IdP last did not answer for it, on the monotonic clock."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Sessions:
    """The sessions of this process.  # Demo: one worker; several would share a store such as Redis."""

    def __init__(self) -> None:
        self._sessions: TTLCache[str, Session] = TTLCache(MOST, LIFETIME_SECONDS)
        self._lock = threading.Lock()

    def open(self, session: Session) -> str:
        """Keep `session`; its id, of 256 random bits (OWASP ASVS 7.2.3)."""
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[session_id] = session
        return session_id

    def find(self, session_id: str | None) -> Session | None:
        """The session called `session_id`, if there is one."""
        with self._lock:
            return self._sessions.get(session_id or "")

    def close(self, session_id: str | None) -> Session | None:
        """Forget a session, and return what it held."""
        with self._lock:
            return self._sessions.pop(session_id or "", None)
