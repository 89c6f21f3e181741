"""The files of the signing keys: one signs for each algorithm; others are published while they take its place or leave.

    ahead-ALG-KID.pem      published, so that everybody has it before it signs
    signing-ALG.pem        signs; the first is made at the start
    retired-ALG-KID.pem    still published, so that what it signed can be verified until it expires

To withdraw a key is to delete it: what it signed is worth nothing from then on, to whoever fetches the keys again.
Every worker sees by itself that the files have changed (`keys.Keys`), whoever changed them: `python -m idp keys`, or
the management door.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, KeyParameters, RSAKey

ALGORITHMS = ("ES256", "RS256")
RSA_BITS = 2048
NAME = re.compile(r"(?:(signing)-(ES256|RS256)|(ahead|retired)-(ES256|RS256)-[A-Za-z0-9_-]{43})\.pem", re.ASCII)
SigningKey = ECKey | RSAKey


class NoSuchKey(LookupError):
    """No key has that name."""


class NotNow(Exception):
    """As the keys are, that cannot be done; the message says why."""


class KeyFile(NamedTuple):
    """A key, and where it stands: `ahead`, `signing` or `retired`."""

    path: Path
    state: str
    algorithm: str

    def read(self) -> SigningKey:
        """The key itself, by its own name: the RFC 7638 thumbprint, so that it has the same name everywhere."""
        pem = self.path.read_bytes()
        parameters: KeyParameters = {"use": "sig", "alg": self.algorithm}
        # We made it, and nobody else can write it: whether its numbers make an RSA key need not be proved for 40 ms.
        found = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        key: SigningKey
        if self.algorithm == "ES256" and isinstance(found, EllipticCurvePrivateKey):
            key = ECKey(found, pem, parameters)
        elif self.algorithm == "RS256" and isinstance(found, RSAPrivateKey):
            key = RSAKey(found, pem, parameters)
        else:
            raise ValueError(f"{self.path.name} holds a key of another kind")
        key.ensure_kid()
        return key


def create(directory: Path) -> None:
    """Make the keys that are not there yet; several processes may try at once, and one of them wins."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for algorithm in ALGORITHMS:
        path = _signing(directory, algorithm)
        if not path.exists():
            _write(path, _new_pem(algorithm))


def new(algorithm: str) -> SigningKey:
    """A new key for `algorithm`, in nobody's file yet."""
    kind: type[ECKey] | type[RSAKey] = ECKey if algorithm == "ES256" else RSAKey
    return kind.import_key(_new_pem(algorithm), {"use": "sig", "alg": algorithm})


def found(directory: Path) -> list[KeyFile]:
    """Every key there is, those that sign first."""
    named = [(path, NAME.fullmatch(path.name)) for path in directory.glob("*.pem")]
    files = [KeyFile(path, match[1] or match[3], match[2] or match[4]) for path, match in named if match]
    return sorted(files, key=lambda file: (file.state != "signing", file))


def publish_ahead(directory: Path, algorithm: str) -> None:
    """Make a key and publish it; it signs from the next rotation on."""
    if _ahead(directory, algorithm):
        raise NotNow("there is a key ahead already")
    _make(directory, algorithm)


def rotate(directory: Path, algorithm: str, *, overlap: bool) -> None:
    """Sign with the key that is ahead, or else with a new one; with an overlap the old key stays published."""
    signing = KeyFile(_signing(directory, algorithm), "signing", algorithm)
    successor = _ahead(directory, algorithm) or _make(directory, algorithm)
    if overlap:
        with contextlib.suppress(FileExistsError):  # a rotation that was cut off here has put it there already
            os.link(signing.path, _beside(directory, "retired", algorithm, signing.read()))
    os.replace(successor, signing.path)


def withdraw(directory: Path, kid: str) -> None:
    """Publish a key no more, and forget it."""
    for file in found(directory):
        if file.read().kid == kid:
            if file.state == "signing":
                raise NotNow("this key signs: rotate first")
            file.path.unlink()
            return
    raise NoSuchKey("there is no such key")


def _signing(directory: Path, algorithm: str) -> Path:
    return directory / f"signing-{algorithm}.pem"


def _beside(directory: Path, state: str, algorithm: str, key: SigningKey) -> Path:
    return directory / f"{state}-{algorithm}-{key.thumbprint()}.pem"


def _ahead(directory: Path, algorithm: str) -> Path | None:
    return next((file.path for file in found(directory) if file[1:] == ("ahead", algorithm)), None)


def _make(directory: Path, algorithm: str) -> Path:
    key = new(algorithm)
    path = _beside(directory, "ahead", algorithm, key)
    _write(path, key.as_pem(private=True))
    return path


def _new_pem(algorithm: str) -> bytes:
    return _new_ec() if algorithm == "ES256" else _new_rsa()


def _new_ec() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


def _new_rsa() -> bytes:
    return RSAKey.generate_key(RSA_BITS).as_pem(private=True)


def _write(path: Path, pem: bytes) -> None:
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
