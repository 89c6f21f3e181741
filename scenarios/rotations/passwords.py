"""Passwords: a person's own, and the one by which a service proves itself under `subsystem`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from functools import partial

from compose.topology import CALLERS, CUSTOMER
from scenarios import secret_files
from scenarios.newcomer import basic
from scenarios.rotations.rotation import Rotation, Step, buys, lines_of
from scenarios.verdict import Verdict
from scenarios.world import World
from services import passwords

READ = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}
"""What each service can be asked without changing anything."""
KNOWN = frozenset({Verdict.SERVED, Verdict.FORBIDDEN})
"""What a service answers to whom it knows, whether they may or not."""


def users_password(world: World) -> Rotation:
    """A person's own password, in the one user store; the person then types the new one, and the old one is gone."""
    who, old, new = f"guest-{secrets.token_hex(6)}", secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    world.manager.add_person(who, old, CUSTOMER)
    before, after = ({"Authorization": basic(who, word)} for word in (old, new))
    shown = dict(before)

    def change() -> None:
        world.manager.set_password(who, new)
        shown.update(after)

    def served(headers: dict[str, str]) -> bool:
        return world.outside("GET", "/api/orders", headers).verdict is Verdict.SERVED

    step = Step("the user store has the new password", change, {"gateway": lambda: served(after)})
    return Rotation(
        "user's password", (step,), lambda: served(after), old_refused=lambda: not served(before), shown=shown
    )


def service_password(world: World, name: str) -> Rotation:
    """The password of `name`: whoever it calls learns the new one beside the old, it shows it, they forget the old."""
    callees = [callee for callee, callers in CALLERS.items() if name in callers]
    old, new = world.secret_of(name, "password") or "", secrets.token_urlsafe(32)
    known = secret_files.kept(world, *((callee, "callers.json") for callee in callees))
    hashed, before = passwords.HASHER.hash(new), passwords.HASHER.hash(old)

    def know(*hashes: str) -> None:
        secret_files.write(world, {file: json.dumps(json.loads(text) | {name: hashes}) for file, text in known.items()})

    def accepts(callee: str, password: str) -> bool:
        return world.inside(callee, "GET", READ[callee], {"Authorization": basic(name, password)}).verdict in KNOWN

    def is_shown_the_new_one(callee: str) -> bool:
        lines = lines_of(world, callee, name, lambda: buys(world) and looks(world))
        return bool(lines) and not any("older" in line.get("checked", "") for line in lines)

    where = " and ".join(callees)
    learn = Step(
        f"{where} learn the new password beside the old one",
        lambda: know(hashed, before),
        _of_each(callees, lambda callee: accepts(callee, new)),
    )
    change = Step(
        f"{name} shows the new password",
        lambda: secret_files.write(world, {(name, "password"): new}),
        _of_each(callees, is_shown_the_new_one),
    )
    forget = Step(
        f"{where} forget the old password",
        lambda: know(hashed),
        _of_each(callees, lambda callee: not accepts(callee, old)),
    )
    return Rotation("service password", (learn, change), lambda: buys(world), forget)


def looks(world: World) -> bool:
    """Whether alice can look at the shelf, which the gateway fetches from inventory."""
    return world.shopper("alice").call("GET", "/api/items").ok


def _of_each(names: Sequence[str], counts: Callable[[str], bool]) -> dict[str, Callable[[], bool]]:
    return {name: partial(counts, name) for name in names}
