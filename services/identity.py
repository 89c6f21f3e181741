"""What a service may know about a request: an identity, the credentials that carry it on, and the refusals.

    Refusal                     carries status, error code and reason (for the audit line, not for the caller)
    ├── Malformed        400    credentials shown in a way that nobody may
    ├── Unauthenticated  401    we do not know who you are            + WWW-Authenticate
    ├── Forbidden        403    we know who you are, and the answer is no
    ├── Unavailable      503    we cannot tell, so the answer is no   + Retry-After
    └── NoCredentials    502    nobody gave us anything to show to the next service (a 401 would blame our caller)

Each maps to HTTP in one place, `problems`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal, TypedDict

Voucher = Literal["network", "caller", "password", "idp", "signature"]


@dataclass(frozen=True)
class Identity:
    """Who is asking, for whom, what they may do, and who says so."""

    caller: str
    """The service at the other end: its SPIFFE name, its client_id, its user-id, or whatever the pattern can know."""
    user: str | None
    """The person it acts for (`sub`); None when it acts for itself."""
    scopes: frozenset[str]
    """What the person's credential allows; empty where no credential of theirs is seen."""
    vouched_by: Voucher
    """Who says that `user` is the user."""
    checked: str
    """What was verified to believe it, in words, for the audit line."""
    credential: str | None = field(default=None, repr=False)
    """What acting on behalf of the user takes: their token, or their password.  Never in a log."""
    caller_proven: bool = False
    """Whether the caller proved who it is, by a password of its own or a certificate."""

    @property
    def user_proven(self) -> bool:
        """Whether something better than the caller's word stands behind `user`."""
        return self.vouched_by in {"password", "idp", "signature"}


Certificate = tuple[str, str] | ssl.SSLContext
"""Our certificate and its key: the files, as they will be then, or a context that holds them as they are now."""


class Credentials(TypedDict, total=False):
    """What we present to the next service, and what it has to prove before it sees any of that (`calling`)."""

    headers: dict[str, str]
    auth: tuple[bytes, bytes]
    """User-id and password (RFC 7617)."""
    cert: Certificate
    verify: str
    """The file of CAs that we trust."""


class Refusal(Exception):
    """The request stops here."""

    status = 500
    title = "Refused"
    error = ""
    """The error code of RFC 6750 §3.1, where the challenge is Bearer and a credential was shown."""

    def __init__(self, reason: str, *, error: str | None = None, scope: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = self.error if error is None else error
        self.scope = scope


class Malformed(Refusal):
    """The request shows its credentials in a way that nobody may (RFC 6750 §3.1, `invalid_request`)."""

    status = 400
    title = "Bad Request"


class Unauthenticated(Refusal):
    """We do not know who you are (RFC 9110 §15.5.2)."""

    status = 401
    title = "Unauthorized"


class Forbidden(Refusal):
    """We know who you are, and the answer is no (RFC 9110 §15.5.4)."""

    status = 403
    title = "Forbidden"


class Unavailable(Refusal):
    """We cannot tell, so the answer is no (RFC 9110 §15.6.4)."""

    status = 503
    title = "Service Unavailable"


class Silence(Unavailable):
    """Whoever could tell us has said nothing in time."""


class NoCredentials(Refusal):
    """We have nothing to show to the next service; our caller is not to blame."""

    status = 502
    title = "Bad Gateway"


class StoreUnavailable(Exception):
    """A store cannot be read or written: an error of ours, which its caller is told of as `Unavailable`."""
