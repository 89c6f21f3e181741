"""Keys: publish one ahead, rotate with or without an overlap, withdraw.

    ahead-ALG-KID.pem      published, so that everybody has it before it signs
    signing-ALG.pem        signs; the one that `idp.keys` makes at first
    retired-ALG-KID.pem    still published, so that what it signed can be verified until it expires

To withdraw a key is to delete it: what it signed is worth nothing from then on, to whoever fetches the keys again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

from joserfc.jwk import ECKey, KeySet, RSAKey

from idp import keys
from idp.manage import faults, state
from idp.manage.operations import Body, CannotDo, operation
from idp.manage.shapes import Key
from idp.provider import Provider

NAME = re.compile(r"(ahead|retired)-(ES256|RS256)-([A-Za-z0-9_-]{43})\.pem", re.ASCII)
KINDS: dict[str, type[ECKey] | type[RSAKey]] = {"ES256": ECKey, "RS256": RSAKey}
Algorithm = Literal["ES256", "RS256"]


class LiveKeys(keys.Keys):
    """The signing keys, and those that are published beside them, as the files were at the last `load`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.load()

    def load(self) -> None:
        """Read the files again."""
        ring = keys.Keys(self._directory)
        others = [_import(path, algorithm) for path, _, algorithm, _ in _others(self._directory)]
        published = [*ring.public["keys"], *(key.as_dict(private=False) for key in others)]
        self._ring = ring  # signs, whole: nobody takes the name of one key and the signature of another
        self._keys = ring._keys
        self._verifying = KeySet([*ring._keys.values(), *others])
        self.public: dict[str, Any] = {"keys": published}

    def sign(self, claims: dict[str, Any], algorithm: str, typ: str) -> str:
        """`claims` as a signed token; as a spoilt one, if a fault is armed that spoils this kind."""
        return faults.sign(self._ring, claims, algorithm, typ)


class OfAlgorithm(Body):
    """Which key is meant: there is one for each algorithm."""

    algorithm: Algorithm = "ES256"


class Rotation(OfAlgorithm):
    """How to rotate: with an overlap the old key stays published."""

    overlap: bool = True


@operation("GET", "/keys")
def every(provider: Provider) -> list[Key]:
    """Every key, with its state."""
    directory = provider.settings.data_dir
    signing = keys.Keys(directory)
    found = [Key(signing.header(algorithm, "")["kid"], algorithm, "signing") for algorithm in signing.algorithms]
    return found + [Key(kid, algorithm, word) for _, word, algorithm, kid in _others(directory)]


@operation("POST", "/keys")
def publish_ahead(provider: Provider, body: OfAlgorithm) -> list[Key]:
    """Make a key and publish it; it signs from the next rotation on."""
    if _ahead(provider, body.algorithm):
        raise CannotDo(409, "there is a key ahead already")
    _make(provider, body.algorithm)
    return _changed(provider)


@operation("POST", "/keys/rotate")
def rotate(provider: Provider, body: Rotation) -> list[Key]:
    """Sign with the key that is ahead, or else with a new one."""
    directory, algorithm = provider.settings.data_dir, body.algorithm
    signing = directory / f"signing-{algorithm}.pem"
    successor = _ahead(provider, algorithm) or _make(provider, algorithm)
    if body.overlap:
        os.link(signing, _path(directory, "retired", _import(signing, algorithm)))
    os.replace(successor, signing)
    return _changed(provider)


@operation("DELETE", "/keys/{kid}")
def withdraw(provider: Provider, kid: str) -> list[Key]:
    """Publish a key no more, and forget it."""
    paths = [path for path, _, _, name in _others(provider.settings.data_dir) if name == kid]
    if not paths:
        signs = kid in {key.kid for key in every(provider)}
        raise CannotDo(409, "this key signs: rotate first") if signs else CannotDo(404, "there is no such key")
    paths[0].unlink()
    return _changed(provider)


def _others(directory: Path) -> list[tuple[Path, str, str, str]]:
    """The keys that do not sign: file, state, algorithm, name."""
    named = [(path, NAME.fullmatch(path.name)) for path in sorted(directory.glob("*.pem"))]
    return [(path, *match.groups()) for path, match in named if match]  # type: ignore[misc]  # it has three groups


def _ahead(provider: Provider, algorithm: str) -> Path | None:
    others = _others(provider.settings.data_dir)
    return next((path for path, word, of, _ in others if (word, of) == ("ahead", algorithm)), None)


def _make(provider: Provider, algorithm: str) -> Path:
    key = keys.new(algorithm)
    path = _path(provider.settings.data_dir, "ahead", key)
    keys.publish(path, key.as_pem(private=True))
    return path


def _path(directory: Path, word: str, key: ECKey | RSAKey) -> Path:
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    return directory / f"{word}-{algorithm}-{key.thumbprint()}.pem"


def _import(path: Path, algorithm: str) -> ECKey | RSAKey:
    key = KINDS[algorithm].import_key(path.read_bytes(), {"use": "sig", "alg": algorithm})
    key.ensure_kid()
    return key


def _changed(provider: Provider) -> list[Key]:
    """Have every worker read the files again: they are in place before the number rises."""
    with provider.store.writing() as connection:
        state.raise_by(connection, "keys")
    return every(provider)
