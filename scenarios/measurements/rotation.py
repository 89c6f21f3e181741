"""What changing a credential touches and drops, for each kind that the pattern uses.

It is done as somebody who runs the shop has to do it today: files are written where they lie, the CA and the identity
provider are told, and whoever does not notice by itself is restarted.  Meanwhile customers come, about ten requests a
second, half of them orders, before, during, and after.  Counted are the files that are different afterwards, the
processes that are not the same any more, the requests that were not served, and the seconds until the new credential
is in force wherever it is used.  At last the old one is shown once more.

Logs and the services' own stores change with every order, and are not counted.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scenarios.door import TIMEOUT_SECONDS, door
from scenarios.evidence import Figure, Measured
from scenarios.levers import eventually, insist
from scenarios.rotations import Rotation, buys, rotations
from scenarios.stand_in import Overheard
from scenarios.steady_load import Ask, under_load
from scenarios.verdict import Verdict
from scenarios.world import World
from services.keys import COOLDOWN

TITLE = "What a rotation touches and drops"
REFERENCES = ("NIST SP 800-57 Part 1 §5.3", "OpenID Connect Core §10.1.1", "OWASP ASVS 13.3.4")
BEFORE, AFTER = 1.0, 1.5
"""Seconds of load around each change."""
WITHIN = 30.0
PASSING = ("logs/*", "*/data/*.db*", "ca/alive", "ca/lock")
"""What changes by itself while a shop is at work: logs, the services' stores, signs of life."""


@dataclass(frozen=True)
class Turned:
    """What one change has touched and dropped."""

    rotation: Rotation
    files: tuple[str, ...] | None
    """Those that are different now; None where they are in nobody's sight."""
    restarted: tuple[str, ...]
    sent: int
    failed: int
    change: float
    """How long the change itself took, in seconds: here everything is written from one place."""
    seconds: float
    """How long it took until the new one was in force everywhere."""
    old_refused: bool | None


def measure(world: World) -> Measured:
    """Change one after the other, under load."""
    insist(buys(world), "alice cannot order to begin with")
    settled = time.monotonic() + COOLDOWN  # from then on a service may fetch the IdP's keys again
    try:
        turned = [turn(world, each, settled) for each in rotations(world)]
    finally:
        world.manager.reset()
        Overheard.forget(world)  # what was shown before is no longer what is shown
    found = {f"{each.rotation.what}: {name}": one for each in turned for name, one in figures(each).items()}
    return Measured(figures=found, rows=tuple(row(each) for each in turned))


def turn(world: World, rotation: Rotation, settled: float) -> Turned:
    """Change one credential while customers come."""
    files, processes = fingerprints(world), running(world)
    shown = rotation.shown or world.credential_of("alice")
    with under_load(lambda: customer(world, shown)) as load:
        load.goes_on(BEFORE)
        if rotation.asks_for_keys:
            eventually(lambda: time.monotonic() > settled, "the services may ask for keys again", COOLDOWN + 1)
        began = time.monotonic()
        rotation.turn()
        change = time.monotonic() - began
        if rotation.restart:
            insist(not rotation.in_force(), f"{rotation.what} is in force without a restart")
            world.shop.restart(*rotation.restart)
        eventually(rotation.in_force, f"the new {rotation.what} is in force", WITHIN)
        seconds = time.monotonic() - began
        load.goes_on(AFTER)
    told = world.outside("GET", "/api/orders", shown)  # whoever looks at their orders has them carried to their ends
    insist(told.verdict is Verdict.SERVED, f"what was cut off finds no end: {told}")
    restarted = tuple(name for name, process in running(world).items() if process != processes[name])
    touched = None if files is None else changed(files, fingerprints(world) or {})
    return Turned(
        rotation, touched, restarted, len(load.sent), len(load.failed), change, seconds, rotation.old_refused()
    )


def customer(world: World, shown: Mapping[str, str]) -> Ask:
    """Somebody who looks at the shelf and buys a book, by turns."""
    session = door(world.shop)

    def ask(number: int) -> bool:
        if number % 2:
            return session.get(f"{world.shop.edge}/api/items", headers=shown, timeout=TIMEOUT_SECONDS).ok
        headers = {**shown, "Idempotency-Key": secrets.token_hex(16)}
        return session.post(
            f"{world.shop.edge}/api/orders",
            json={"sku": "book", "quantity": 1},
            headers=headers,
            timeout=TIMEOUT_SECONDS,
        ).ok

    return ask


def running(world: World) -> dict[str, tuple[str, float | None]]:
    """Each process of the shop, told apart from one that was started again."""
    return {status.name: (status.ident, status.since) for status in world.shop.status()}


def fingerprints(world: World) -> dict[str, str] | None:
    """A hash of each file of the shop's that does not change by itself; None in containers, which keep their own."""
    if world.shop.runtime != "local":
        return None
    return hashes(world.shop.dir)


def hashes(directory: Path) -> dict[str, str]:
    """A hash of each file below, by its path, without those that are `PASSING`."""
    found = {str(path.relative_to(directory)): path for path in sorted(directory.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in found.items()
        if not any(fnmatch(name, each) for each in PASSING)
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are new, gone, or different."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def figures(turned: Turned) -> dict[str, Figure]:
    """The figures of one change, by what they say."""
    names, restarted = turned.files, turned.restarted
    where = "each container keeps files of its own: not looked at" if names is None else ", ".join(names)
    failed = f"of {turned.sent}, about ten a second; the change itself took {turned.change:.2f} s"
    old = {True: "the old one is refused", False: "the old one is still accepted", None: "nobody is shown the old one"}
    after = ", ".join(each for each in (old[turned.old_refused], turned.rotation.note) if each)
    return {
        "files": Figure(value=None if names is None else len(names), unit="files", note=where),
        "processes restarted": Figure(value=len(restarted), unit="processes", note=", ".join(restarted) or "none"),
        "requests failed": Figure(value=turned.failed, unit="requests", note=failed),
        "seconds until in force": Figure(value=round(turned.seconds, 2), unit="s", note=after),
    }


def row(turned: Turned) -> dict[str, Any]:
    """One change."""
    return {
        "what": turned.rotation.what,
        "files": None if turned.files is None else len(turned.files),
        "processes": len(turned.restarted),
        "restarted": ", ".join(turned.restarted),
        "requests": turned.sent,
        "failed": turned.failed,
        "seconds": round(turned.seconds, 2),
        "old_refused": turned.old_refused,
    }
