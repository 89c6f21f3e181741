"""Changing each kind of credential without dropping a request.

    certificates      the leaf of one process
    roots             the root of the CA, and every leaf under it
    signing_keys      what the identity provider signs with
    client_secrets    what a service shows to the identity provider
    passwords         what a service shows to another, and a person to the gateway

Each is told as the same few steps (`rotation`), so that one can be held against another: what to do, how to see at each
process that it counts there, and how the old one comes to be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compose.refusals import CannotRun
from compose.topology import Variant
from scenarios.rotations.certificates import certificate
from scenarios.rotations.client_secrets import client_secret
from scenarios.rotations.passwords import service_password, users_password
from scenarios.rotations.roots import root
from scenarios.rotations.rotation import Rotation
from scenarios.rotations.signing_keys import signing_key
from scenarios.world import World


@dataclass(frozen=True)
class Kind:
    """A kind of credential that can be changed."""

    names: Callable[[Variant], tuple[str, ...]]
    """Who has one under a pattern; nobody where the pattern has none."""
    make: Callable[[World, str], Rotation]


def _holders(file: str) -> Callable[[Variant], tuple[str, ...]]:
    return lambda variant: tuple(name for name, files in variant.secrets.items() if file in files)


def _signs(variant: Variant) -> tuple[str, ...]:
    return ("idp",) if variant.pattern in {"oauth2", "jwt", "zerotrust"} else ()


KINDS: Mapping[str, Kind] = {
    "certificate": Kind(lambda variant: tuple(variant.leaves), certificate),
    "root": Kind(lambda variant: ("ca",), lambda world, _: root(world)),
    "signing-key": Kind(_signs, lambda world, _: signing_key(world)),
    "client-secret": Kind(_holders("client_secret"), client_secret),
    "service-password": Kind(_holders("password"), service_password),
}
"""What `make rotate` can be asked for."""


def named(world: World, what: str, name: str) -> Rotation:
    """The rotation that is asked for; `CannotRun` with what there is instead."""
    if what not in KINDS:
        asked = f"there is nothing called {what!r} to rotate" if what else "what is to be rotated was not said"
        raise CannotRun(asked, f"WHAT is one of {', '.join(KINDS)}")
    holders = KINDS[what].names(world.shop.variant)
    if not holders:
        here = ", ".join(each for each, kind in KINDS.items() if kind.names(world.shop.variant))
        raise CannotRun(f"under {world.pattern} there is no {what.replace('-', ' ')}", f"here WHAT is one of {here}")
    name = name or ("orders" if "orders" in holders else holders[0])
    if name not in holders:
        raise CannotRun(f"{name} has no {what.replace('-', ' ')} here", f"NAME is one of {', '.join(holders)}")
    return KINDS[what].make(world, name)


def rotations(world: World) -> list[Rotation]:
    """Those of the kinds that the pattern uses, as they are measured side by side."""
    kinds: dict[str, tuple[Callable[[World], Rotation], ...]] = {
        "perimeter": (users_password,),
        "basic": (users_password, _certificate),
        "subsystem": (users_password, _certificate, lambda world: service_password(world, "orders")),
        "mtls": (users_password, _certificate, root),
        "oauth2": (_certificate, _secret("orders"), signing_key, _secret("gateway")),
        "jwt": (_certificate, signing_key, _secret("gateway")),
        "zerotrust": (_certificate, root, signing_key),
    }
    return [make(world) for make in kinds[world.pattern]]


def _certificate(world: World) -> Rotation:
    return certificate(world, "orders")


def _secret(name: str) -> Callable[[World], Rotation]:
    return lambda world: client_secret(world, name)
