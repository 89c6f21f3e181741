"""The root of the CA: two are believed, then every leaf is under the new one, then the old one is believed no more.

Whoever reads the trust bundle has to have the new root before anybody shows a leaf under it: the processes, and clients
on this machine too, who read a bundle of their own.  No process can be asked whom it would believe, so its bundle is
read where it lies: it goes by it at its next connection.
"""

from __future__ import annotations

from functools import partial

from compose.refusals import CannotRun
from scenarios.rotations.certificates import Pair, refuses, shows_another
from scenarios.rotations.rotation import Rotation, Step, buys, done
from scenarios.world import World

BEGIN = "-----BEGIN CERTIFICATE-----"


def root(world: World) -> Rotation:
    """The root, and with it the intermediate and every leaf."""
    names = tuple(world.shop.variant.leaves)
    old = {name: Pair.of(world, name) for name in names}
    victim = old["orders" if "orders" in names else "idp"]
    if any(_roots(world, name) != 1 for name in names):
        raise CannotRun(
            "a root is being replaced already", "python -m certs status, where the CA is, says what is next"
        )

    def take(step: str) -> None:
        done(world, "ca", "-m", "certs", "rotate", "root", "--step", step)
        world.shop.renew_trust()

    begin = Step(
        "everybody believes the new root beside the old one",
        lambda: take("begin"),
        {name: partial(_has_roots, world, name, 2) for name in names},
    )
    switch = Step(
        "the CA issues every leaf again, under the new root",
        lambda: take("switch"),
        {name: partial(shows_another, world, old[name]) for name in names},
    )
    finish = Step(
        "nobody believes the old root any more",
        lambda: take("finish"),
        {name: partial(refuses, world, name, victim) for name in names},
    )
    return Rotation("root of the CA", (begin, switch), lambda: buys(world), finish)


def _has_roots(world: World, name: str, number: int) -> bool:
    return _roots(world, name) == number


def _roots(world: World, name: str) -> int:
    """How many roots `name` believes."""
    return (world.shop.tls_dir(name) / "bundle.pem").read_text().count(BEGIN)
