"""What several test modules need: a shop's files without a shop, tokens of any shape, and requests from anybody."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import jwt as pyjwt
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from werkzeug.test import EnvironBuilder

from certs import profiles
from services.settings import PatternName, ServiceName, Settings

ISSUER = "https://idp.test:9443"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def settings(directory: Path, service: ServiceName = "orders", pattern: PatternName = "jwt", **more: Any) -> Settings:
    """Settings of one service whose files lie under `directory`."""
    for part in ("tls", "secrets", "data"):
        (directory / service / part).mkdir(parents=True, exist_ok=True)
    (directory / "users").mkdir(exist_ok=True)
    scheme = "http" if pattern == "perimeter" else "https"
    told: dict[str, Any] = {
        "service": service,
        "pattern": pattern,
        "dir": directory,
        "port": 8101,
        "issuer": ISSUER,
        "edge": "https://localhost:8443",
        "peers": {
            name: f"{scheme}://127.0.0.1:{port}" for name, port in (("orders", 1), ("inventory", 2), ("billing", 3))
        },
    }
    return Settings(**(told | more))


def request(
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None, path: str = "/orders", connection: Any = None
) -> flask.Request:
    """A request with these headers, over `connection` if it matters who is at its other end."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
    environ = EnvironBuilder(path=path, headers=pairs).get_environ()
    if connection is not None:
        environ["gunicorn.socket"] = connection
    return flask.Request(environ)


def basic(user_id: str, password: str) -> dict[str, str]:
    """The header that shows a name and password (RFC 7617 §2)."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user_id}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token (RFC 6750 §2.1)."""
    return {"Authorization": f"Bearer {token}"}


def b64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def leaf_of(home: Path) -> bytes:
    """The certificate of whoever has `home`, as it goes over the wire, without what is sent along."""
    leaf = x509.load_pem_x509_certificate((home / "leaf.pem").read_bytes())
    return leaf.public_bytes(serialization.Encoding.DER)


def crl(
    issuer: profiles.Issuer,
    *revoked: x509.Certificate,
    signed: timedelta = timedelta(),
    lives: timedelta = timedelta(hours=1),
) -> bytes:
    """A CRL of `issuer`'s, as PEM, that takes these certificates back; `signed` counts from now."""
    now = datetime.now(UTC) + signed
    entries = [profiles.Revocation(each.serial_number, now, x509.ReasonFlags.key_compromise) for each in revoked]
    lifetimes = profiles.Lifetimes(crl=lives)
    return profiles.pem(profiles.crl(issuer, number=99, revoked=entries, now=now, lifetimes=lifetimes))


class Issuer:
    """A signing key of the IdP's, and tokens of any shape signed with it."""

    def __init__(self, algorithm: str = "ES256", kid: str = "test-key") -> None:
        self.algorithm, self.kid = algorithm, kid
        self.key: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )

    def jwks(self) -> dict[str, Any]:
        """The public half, as the IdP publishes it."""
        algorithm = pyjwt.get_algorithm_by_name(self.algorithm)
        public = json.loads(algorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token for `orders` says, with `changes`; a change to None leaves the claim out."""
        now = int(time.time())
        good = {"iss": ISSUER, "aud": ["orders"], "sub": "alice", "client_id": "cli", "jti": "j-1"}
        good |= {"iat": now, "exp": now + 300, "scope": "orders:read orders:write"}  # type: ignore[dict-item]
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with the key; `header` and `changes` replace members, None leaves one out."""
        return self.sign(json.dumps(self.claims(**changes)).encode(), header)

    def sign(self, payload: bytes, header: Mapping[str, Any] | None = None) -> str:
        """These very octets as a payload, signed."""
        fields = {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"} | dict(header or {})
        shown = {name: value for name, value in fields.items() if value is not None}
        return self.sign_raw(json.dumps(shown).encode(), payload)

    def sign_raw(self, header: bytes, payload: bytes) -> str:
        """These very octets as header and payload, signed with this key's algorithm whatever the header says."""
        return self.sign_text(f"{b64url(header)}.{b64url(payload)}")

    def sign_text(self, message: str) -> str:
        """This very text, which ought to be a header and a payload, signed."""
        return f"{message}.{b64url(self._signature(message.encode()))}"

    def _signature(self, message: bytes) -> bytes:
        algorithm = pyjwt.get_algorithm_by_name(self.algorithm)
        signature: bytes = algorithm.sign(message, self.key)
        return signature

    def public_pem(self) -> bytes:
        """The public key as PEM, which an attacker can make from the JWKS."""
        pem: bytes = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem


def thumbprint(der: bytes) -> str:
    """`x5t#S256` of a certificate (RFC 8705 §3.1)."""
    return b64url(hashlib.sha256(der).digest())


class ShownCertificate(ssl.SSLSocket):
    """The server's end of a connection whose client showed this certificate, as TLS has verified it; None for none."""

    def __init__(self, der: bytes | None) -> None:
        self.der = der

    def getpeercert(self, binary_form: bool = False) -> Any:
        """The certificate, in DER."""
        return self.der


class Turnstile:
    """A lock that counts who comes, before they wait."""

    def __init__(self) -> None:
        self.came = threading.Semaphore(0)
        self._lock = threading.Lock()

    def acquire(self, blocking: bool = True) -> bool:
        """As a lock does."""
        self.came.release()
        return self._lock.acquire(blocking)

    def release(self) -> None:
        """As a lock does."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
