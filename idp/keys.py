"""The keys that the identity provider signs with, and what it publishes of them (RFC 7517, RFC 7638).

They are held as key objects: reading an RSA key from its PEM again for each signature would cost a hundred times the
signature.  When the files change they are read again, so keys are rotated without a restart.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from idp import key_files
from idp.key_files import SigningKey
from services.following import LOOK_EVERY, Looks

TICK_NANOSECONDS = 100_000_000
"""Within so much, two changes of a directory may bear the same time: the kernel's clock is coarse."""
log = logging.getLogger(__name__)


class BadToken(Exception):
    """A token that was to be ours is not, or is not of the kind that was asked for."""


class Ring:
    """The keys in `directory` as they are now: one that signs for each algorithm, and those published beside them."""

    def __init__(self, directory: Path) -> None:
        found = key_files.found(directory)
        keys = [(file.state, file.algorithm, file.read()) for file in found]
        self._signing: dict[str, SigningKey] = {algorithm: key for state, algorithm, key in keys if state == "signing"}
        if missing := set(key_files.ALGORITHMS) - self._signing.keys():
            raise FileNotFoundError(f"no key signs for {', '.join(sorted(missing))} in {directory}")
        self._heads: dict[tuple[str, str], bytes] = {}
        self._verifying = KeySet([key for _, _, key in keys])
        self.public: dict[str, Any] = {"keys": [key.as_dict(private=False) for _, _, key in keys]}

    def header(self, algorithm: str, typ: str) -> dict[str, str]:
        """The header of a token of the kind `typ`: it names its key, so that keys can change (RFC 7515 §4.1.4)."""
        return {"alg": algorithm, "kid": self._signing[algorithm].kid or "", "typ": typ}

    def sign(self, claims: dict[str, Any], algorithm: str, typ: str) -> str:
        """`claims` as a signed token (RFC 7515 §3.1) of the kind `typ` (RFC 8725 §3.11)."""
        head = self._heads.get((algorithm, typ))
        if head is None:
            head = self._heads[algorithm, typ] = _base64url(_compact(self.header(algorithm, typ)))
        signed = head + b"." + _base64url(_compact(claims))
        return (signed + b"." + _base64url(_SIGN[algorithm](self._signing[algorithm].private_key, signed))).decode()

    def verify(self, token: str, typ: str) -> dict[str, Any]:
        """The claims of a token that we signed ourselves as `typ`, else `BadToken`; the dates are for you to judge."""
        try:
            found = jwt.decode(token, self._verifying, list(key_files.ALGORITHMS))
        except (JoseError, TypeError, ValueError):  # joserfc trusts what the header says of itself to have its type
            raise BadToken("the token is not one that we signed") from None
        if found.header.get("typ") != typ:
            raise BadToken(f"the token is not a {typ}")
        return found.claims


def _compact(what: dict[str, Any]) -> bytes:
    return _encode(what).encode()


def _base64url(octets: bytes) -> bytes:
    """Without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def _es256(key: Any, signed: bytes) -> bytes:
    """The two numbers side by side, not in DER (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(key.sign(signed, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _rs256(key: Any, signed: bytes) -> bytes:
    """RFC 7518 §3.3."""
    signature: bytes = key.sign(signed, _PKCS1, _SHA256)
    return signature


_encode = json.JSONEncoder(separators=(",", ":")).encode
_SHA256, _PKCS1 = hashes.SHA256(), padding.PKCS1v15()
_ECDSA = ec.ECDSA(_SHA256)
_SIGN = {"ES256": _es256, "RS256": _rs256}


class Keys:
    """The keys in `directory`, as the files are now or were `look_every` seconds ago.

    While they are unusable, as they were before.
    """

    def __init__(self, directory: Path, look_every: float = LOOK_EVERY) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._looks = Looks(look_every)
        self._changed = 0
        self._files = self._list()
        self._ring = Ring(directory)

    @property
    def algorithms(self) -> list[str]:
        """What we can sign with."""
        return list(key_files.ALGORITHMS)

    @property
    def public(self) -> dict[str, Any]:
        """What everybody may know of them: a JWKS (RFC 7517 §5).

        As they are now: whoever is shown the name of a key that signs since a moment ago asks here, and only once.
        """
        return self.ring(at_once=True).public

    def sign(self, claims: dict[str, Any], algorithm: str, typ: str) -> str:
        """`claims` as a signed token of the kind `typ`."""
        return self.ring().sign(claims, algorithm, typ)

    def verify(self, token: str, typ: str) -> dict[str, Any]:
        """The claims of a token that we signed ourselves as `typ`, else `BadToken`."""
        return self.ring().verify(token, typ)

    def ring(self, *, at_once: bool = False) -> Ring:
        """The keys, whole: nobody takes the name of one key and the signature of another."""
        if at_once or self._looks.is_due():
            changed = os.stat(self._directory).st_mtime_ns
            if changed != self._changed:
                with self._lock:
                    self._look(changed)
        return self._ring

    def _look(self, changed: int) -> None:
        """Read the keys again if their files are others than before; the store's lie beside them."""
        settled = time.time_ns() - changed > TICK_NANOSECONDS
        try:
            files = self._list()
            if files != self._files:
                self._ring = Ring(self._directory)
        except OSError:  # they may be well, and it is we who cannot read at this moment: look again at the next use
            log.exception("the signing keys cannot be read; going on with those known before")
            return
        except (ValueError, JoseError):
            log.exception("the signing keys are no good; going on with those known before")
        self._files, self._changed = files, changed if settled else 0

    def _list(self) -> frozenset[tuple[str, int, int]]:
        """The name of each file, which file it is, and of when: a new one may get the number of one that is gone."""
        with os.scandir(self._directory) as entries:
            found = [(each.name, each.stat()) for each in entries if each.name.endswith(".pem")]
        return frozenset((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found)
