"""Keys: publish one ahead, rotate with or without an overlap, withdraw; `idp.key_files` says what that is."""

from __future__ import annotations

from typing import Any, Literal

from idp import key_files, keys
from idp.manage import faults
from idp.manage.operations import Body, CannotDo, operation
from idp.manage.shapes import Key
from idp.provider import Provider

Algorithm = Literal["ES256", "RS256"]


class LiveKeys(keys.Keys):
    """The keys, which sign wrongly when they are told to."""

    def sign(self, claims: dict[str, Any], algorithm: str, typ: str) -> str:
        """`claims` as a signed token; as a spoilt one, if a fault is armed that spoils this kind."""
        return faults.sign(self.ring(), claims, algorithm, typ)


class OfAlgorithm(Body):
    """Which key is meant: there is one for each algorithm."""

    algorithm: Algorithm = "ES256"


class Rotation(OfAlgorithm):
    """How to rotate: with an overlap the old key stays published."""

    overlap: bool = True


@operation("GET", "/keys")
def every(provider: Provider) -> list[Key]:
    """Every key, with its state."""
    found = key_files.found(provider.settings.data_dir)
    return [Key(file.read().kid or "", file.algorithm, file.state) for file in found]


@operation("POST", "/keys")
def publish_ahead(provider: Provider, body: OfAlgorithm) -> list[Key]:
    """Make a key and publish it; it signs from the next rotation on."""
    try:
        key_files.publish_ahead(provider.settings.data_dir, body.algorithm)
    except key_files.NotNow as error:
        raise CannotDo(409, str(error)) from None
    return every(provider)


@operation("POST", "/keys/rotate")
def rotate(provider: Provider, body: Rotation) -> list[Key]:
    """Sign with the key that is ahead, or else with a new one."""
    key_files.rotate(provider.settings.data_dir, body.algorithm, overlap=body.overlap)
    return every(provider)


@operation("DELETE", "/keys/{kid}")
def withdraw(provider: Provider, kid: str) -> list[Key]:
    """Publish a key no more, and forget it."""
    try:
        key_files.withdraw(provider.settings.data_dir, kid)
    except key_files.NotNow as error:
        raise CannotDo(409, str(error)) from None
    except key_files.NoSuchKey as error:
        raise CannotDo(404, str(error.args[0])) from None
    return every(provider)
