"""The root of the CA: two are believed, then every leaf is under the new one, then the old one is believed no more.

Whoever reads the trust bundle has to have the new root before anybody shows a leaf under it: the processes, and clients
on this machine too, who read a bundle of their own.  No process can be asked whom it would believe, so its bundle is
read where it lies: it goes by it at its next connection.

A rotation that was interrupted is gone on with: the CA knows how far it came, and takes a step again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from scenarios.rotations.certificates import Pair, refuses, shown_by, shows_another
from scenarios.rotations.rotation import Rotation, Step, buys, done
from scenarios.world import World

WHAT = "root of the CA"
BEGIN = "-----BEGIN CERTIFICATE-----"
NEXT = """\
import os, pathlib, certs.rolling
print(certs.rolling.next_step(certs.CA.open(pathlib.Path(os.environ["SHOP_DIR"], "ca")).index()))
"""


def root(world: World) -> Rotation:
    """The root, and with it the intermediate and every leaf; or what is left of that to do."""
    names = tuple(world.shop.variant.leaves)
    if done(world, "ca", "-c", NEXT).strip() == "rotate root --step finish":
        return _the_rest(world, names)
    old = {name: Pair.of(world, name) for name in names}
    victim = old["orders" if "orders" in names else "idp"]
    begin = Step(
        "everybody believes the new root beside the old one",
        partial(_take, world, "begin"),
        {name: partial(_has_roots, world, name, 2) for name in names},
    )
    switch = {name: partial(shows_another, world, old[name]) for name in names}
    finish = {name: partial(refuses, world, name, victim) for name in names}
    return Rotation(WHAT, (begin, _switch(world, switch)), lambda: buys(world), _finish(world, finish))


def _the_rest(world: World, names: tuple[str, ...]) -> Rotation:
    """From `switch` on, which may have been interrupted; nobody has a leaf under the old root any more to be shown."""
    switch = {name: partial(_shows_what_it_has, world, name) for name in names}
    finish = {name: partial(_has_roots, world, name, 1) for name in names}
    return Rotation(WHAT, (_switch(world, switch),), lambda: buys(world), _finish(world, finish))


def _switch(world: World, counts: Mapping[str, Callable[[], bool]]) -> Step:
    return Step("the CA issues every leaf again, under the new root", partial(_take, world, "switch"), counts)


def _finish(world: World, counts: Mapping[str, Callable[[], bool]]) -> Step:
    return Step("nobody believes the old root any more", partial(_take, world, "finish"), counts)


def _take(world: World, step: str) -> None:
    done(world, "ca", "-m", "certs", "rotate", "root", "--step", step)
    world.shop.renew_trust()


def _shows_what_it_has(world: World, name: str) -> bool:
    shown = shown_by(world, name)
    return shown is not None and shown in Pair.of(world, name).leaf


def _has_roots(world: World, name: str, number: int) -> bool:
    return _roots(world, name) == number


def _roots(world: World, name: str) -> int:
    """How many roots `name` believes."""
    return (world.shop.tls_dir(name) / "bundle.pem").read_text().count(BEGIN)
