"""The secret by which a service proves itself to the identity provider."""

from __future__ import annotations

import hashlib
import json
import secrets

from scenarios import secret_files
from scenarios.browser import Browser
from scenarios.levers import FORM
from scenarios.newcomer import basic
from scenarios.rotations.passwords import looks
from scenarios.rotations.rotation import Rotation, Step, buys, lines_of
from scenarios.shopper import Shopper
from scenarios.verdict import Verdict
from scenarios.world import World

REGISTERED = ("idp", "clients.json")
OFTEN = 4
"""So many questions in a row reach each worker of the identity provider."""


def client_secret(world: World, name: str) -> Rotation:
    """The client secret of `name`: the IdP learns the new one beside the old, `name` shows it, the IdP forgets the old.

    The gateway logs people in with it, and under `oauth2` everybody asks about tokens with their own.
    """
    old, new = world.secret_of(name, "client_secret") or "", secrets.token_urlsafe(32)

    def register(*digests: str) -> None:
        clients = json.loads(secret_files.kept(world, REGISTERED)[REGISTERED])
        for each in clients:
            if each["client_id"] == name:
                each["secret_sha256"] = digests
        secret_files.write(world, {REGISTERED: json.dumps(clients, indent=2) + "\n"})

    def answers(secret: str, verdict: Verdict) -> bool:
        shown = FORM | {"Authorization": basic(name, secret)}
        return all(world.inside("idp", "POST", "/revoke", shown, "token=none").verdict is verdict for _ in range(OFTEN))

    def is_shown() -> bool:
        lines = [line for line in lines_of(world, "idp", name, lambda: _uses(world, name)) if "checked" in line]
        return bool(lines) and all("newer" in line["checked"] for line in lines)

    digest, before = (hashlib.sha256(secret.encode()).hexdigest() for secret in (new, old))
    learn = Step(
        "the identity provider learns the new secret beside the old one",
        lambda: register(digest, before),
        {"idp": lambda: answers(new, Verdict.SERVED)},
    )
    show = Step(
        f"{name} shows the new secret",
        lambda: secret_files.write(world, {(name, "client_secret"): new}),
        {"idp": is_shown},
    )
    forget = Step(
        "the identity provider forgets the old secret",
        lambda: register(digest),
        {"idp": lambda: answers(old, Verdict.UNAUTHENTICATED)},
    )
    return Rotation(f"client secret of {name}", (learn, show), lambda: _uses(world, name), forget)


def _uses(world: World, name: str) -> bool:
    """Whether all goes well that `name` needs its secret for."""
    bought = buys(world) and looks(world)
    return bought and (name != "gateway" or logs_in(world))


def logs_in(world: World) -> bool:
    """Whether a browser gets from the gateway to the identity provider and back, logged in."""
    alice = Shopper(world.shop, "alice")
    try:
        return Browser(world.shop).log_in(alice.who, alice.password).url.endswith("/shelf")
    except KeyError:
        return False  # no form where there should be one
