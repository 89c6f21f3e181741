"""The registered clients: who may ask for tokens, how they prove themselves, and what they may ask for.

They are data, in one file that is read again when it changes, so that a rotated secret counts without a restart and
each worker knows the same.  The methods with verbs in their names are the questions that Authlib asks a client.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from services.following import LOOK_EVERY, Looks, Stamp, stamp

log = logging.getLogger(__name__)

PROTOCOL_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
"""Scopes of OpenID Connect (Core §5.4, §11): they ask for claims about a person, and nobody has to be granted them."""
REDIRECT_URI = re.compile(r"\A(https://[^/#@\s]+|http://127\.0\.0\.1|http://\[::1\])/[^#\s]*\Z", re.ASCII)
LOOPBACK = re.compile(r"\A(http://(?:127\.0\.0\.1|\[::1\])):([1-9][0-9]{0,4})((?:/.*)?)\Z", re.ASCII)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
Grant = Literal[
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"
]


Digest = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


class Client(BaseModel):
    """One registered client (RFC 7591 §2 has the names)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    client_id: str = Field(pattern=r"\A[a-z][a-z0-9-]{0,62}\z")
    name: str = Field(min_length=1)
    auth_method: Literal["client_secret_basic", "tls_client_auth", "none"]
    secret_sha256: Digest | Annotated[tuple[Digest, ...], Field(min_length=1, max_length=2)] | None = None
    """Of its secret; of two, the newer first, while the one takes the other's place."""
    grant_types: frozenset[Grant]
    redirect_uris: frozenset[str] = frozenset()
    post_logout_redirect_uris: frozenset[str] = frozenset()
    scopes: frozenset[str]
    audience: tuple[str, ...] = Field(min_length=1)
    token_format: Literal["opaque", "jwt"]
    signing_alg: Literal["ES256", "RS256"] = "ES256"
    introspect: bool = False
    exchange_audiences: frozenset[str] = frozenset()
    may_act: str | None = Field(default=None, pattern=r"\A[a-z][a-z0-9-]{0,62}\z")
    """Who alone may act for the people behind its tokens (RFC 8693 §4.4); None is anybody in its audience."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Client:
        if (self.auth_method == "client_secret_basic") != (self.secret_sha256 is not None):
            raise ValueError("a client has a secret if, and only if, it proves itself by it")
        for_itself = self.grant_types - {"authorization_code", "refresh_token"}
        if self.auth_method == "none" and (for_itself or self.introspect):
            raise ValueError("a public client proves nothing, so it gets nothing for itself (RFC 6749 §4.4)")
        if self.auth_method != "tls_client_auth" and EXCHANGE in self.grant_types:
            raise ValueError("a token that is exchanged is bound to a certificate, so it takes one (RFC 8705 §3)")
        if not all(REDIRECT_URI.match(uri) for uri in self.redirect_uris):
            raise ValueError("a redirect URI is https, or http on a loopback address, with no fragment (RFC 9700 §2.6)")
        return self

    def get_client_id(self) -> str:
        return self.client_id

    @property
    def digests(self) -> tuple[str, ...]:
        """The SHA-256 of each secret that counts, the newest first."""
        return (self.secret_sha256,) if isinstance(self.secret_sha256, str) else self.secret_sha256 or ()

    def which_secret(self, secret: str) -> int | None:
        """Which of this client's secrets `secret` is, 0 for the newest, or None for none of them.

        It is held against each, in a time that does not depend on it (RFC 6749 §2.3.1).
        """
        shown = hashlib.sha256(secret.encode()).hexdigest()
        same = [hmac.compare_digest(shown, digest) for digest in self.digests]
        return same.index(True) if any(same) else None

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and "authorization_code" in self.grant_types

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether `redirect_uri` is registered, character for character (RFC 9700 §2.1).

        A public client on loopback may choose its port, and nothing else (RFC 8252 §7.3).
        """
        native = LOOPBACK.match(redirect_uri) if self.auth_method == "none" else None
        if native and int(native[2]) <= 65535:
            redirect_uri = native[1] + native[3]
        return redirect_uri in self.redirect_uris

    def get_default_redirect_uri(self) -> None:
        """There is none: a request names its redirect URI, as OpenID Connect Core §3.1.2.1 wants it."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """`scope`, if this client may ask for all of it; else None, which becomes `invalid_scope` (RFC 6749 §3.3)."""
        wanted = (scope or "").split(" ")
        return " ".join(dict.fromkeys(wanted)) if self.scopes.issuperset(wanted) else None


_FILE = TypeAdapter(list[Client], config=ConfigDict(hide_input_in_errors=True))


class Clients:
    """The clients in the file at `path`, as it is now or was `look_every` seconds ago."""

    def __init__(self, path: Path, look_every: float = LOOK_EVERY) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looks = Looks(look_every)
        self._stamp: Stamp | None = None
        self._clients: dict[str, Client] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it changed; raises `OSError` or `pydantic.ValidationError`, and keeps what it had."""
        with self._lock:
            changed = stamp(self._path)
            if changed != self._stamp:
                octets = self._path.read_bytes()
                self._stamp = changed  # not before: what could not be read at this moment is read at the next
                self._clients = {client.client_id: client for client in _FILE.validate_json(octets)}

    def all(self) -> dict[str, Client]:
        """Every client by its id; while the file is unusable, those it held before."""
        try:
            if self._looks.is_due():
                self.refresh()
        except (OSError, ValidationError):
            log.exception("the file of clients cannot be used; going on with the clients known before")
        return self._clients

    def get(self, client_id: str | None) -> Client | None:
        """The client called `client_id`, if there is one."""
        return self.all().get(client_id or "")
