"""The keys that the identity provider signs with, and what it publishes of them (RFC 7517, RFC 7638).

There is one for each algorithm, made once and kept in files that only we can read.  They are held as key objects:
reading an RSA key from its PEM again for each signature would cost a hundred times the signature.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

RSA_BITS = 2048


class BadToken(Exception):
    """A token that was to be ours is not, or is not of the kind that was asked for."""


def create(directory: Path) -> None:
    """Make the keys that are not there yet; several processes may try at once, and one of them wins."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for algorithm, make in (("ES256", _new_ec), ("RS256", _new_rsa)):
        path = _path(directory, algorithm)
        if not path.exists():
            publish(path, make())


def _new_ec() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


def _new_rsa() -> bytes:
    return RSAKey.generate_key(RSA_BITS).as_pem(private=True)


def new(algorithm: str) -> ECKey | RSAKey:
    """A new key for `algorithm`, in nobody's file yet."""
    kind: type[ECKey] | type[RSAKey] = ECKey if algorithm == "ES256" else RSAKey
    return kind.import_key(_new_ec() if algorithm == "ES256" else _new_rsa(), {"use": "sig", "alg": algorithm})


def _path(directory: Path, algorithm: str) -> Path:
    return directory / f"signing-{algorithm}.pem"


def publish(path: Path, pem: bytes) -> None:
    """Write the file whole, mode 0600, then give it its name: a link never replaces what another process made."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


class Keys:
    """The signing keys in `directory`, by algorithm."""

    def __init__(self, directory: Path) -> None:
        self._keys: dict[str, ECKey | RSAKey] = {
            "ES256": ECKey.import_key(_path(directory, "ES256").read_bytes(), {"use": "sig", "alg": "ES256"}),
            "RS256": RSAKey.import_key(_path(directory, "RS256").read_bytes(), {"use": "sig", "alg": "RS256"}),
        }
        for key in self._keys.values():
            key.ensure_kid()  # the RFC 7638 thumbprint: the same key has the same name everywhere
        self.public: dict[str, Any] = {"keys": [key.as_dict(private=False) for key in self._keys.values()]}
        self._verifying = KeySet(list(self._keys.values()))

    @property
    def algorithms(self) -> list[str]:
        """What we can sign with."""
        return list(self._keys)

    def signing(self, algorithm: str) -> ECKey | RSAKey:
        """The key object for `algorithm`."""
        return self._keys[algorithm]

    def header(self, algorithm: str, typ: str) -> dict[str, str]:
        """The header of a token of the kind `typ`: it names its key, so that keys can change (RFC 7515 §4.1.4)."""
        return {"alg": algorithm, "kid": self._keys[algorithm].kid or "", "typ": typ}

    def sign(self, claims: dict[str, Any], algorithm: str, typ: str) -> str:
        """`claims` as a signed token of the kind `typ` (RFC 8725 §3.11)."""
        return jwt.encode(self.header(algorithm, typ), claims, self._keys[algorithm], [algorithm])

    def verify(self, token: str, typ: str) -> dict[str, Any]:
        """The claims of a token that we signed ourselves as `typ`, else `BadToken`; the dates are for you to judge."""
        try:
            found = jwt.decode(token, self._verifying, self.algorithms)
        except JoseError:
            raise BadToken("the token is not one that we signed") from None
        if found.header.get("typ") != typ:
            raise BadToken(f"the token is not a {typ}")
        return found.claims
