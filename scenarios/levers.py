"""What a story does to the shop itself: stop a process, freeze it, take its certificate back; and always undo it.

A story that takes something for granted says so with `insist`: a verdict that rests on a broken stage means nothing.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import urlencode

import psutil

from compose import engine
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

PATIENCE_SECONDS = 30.0
STILL = {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
GONE = '"message": "Worker exiting'
"""What a service writes when one of its workers has ended."""
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Found = TypeVar("Found")


class Surprise(Exception):
    """Something that a story takes for granted is not so."""


def insist(fact: bool, otherwise: str) -> None:
    """Raise `Surprise` unless `fact`."""
    if not fact:
        raise Surprise(otherwise)


def eventually(ask: Callable[[], Found], otherwise: str, within: float = PATIENCE_SECONDS) -> Found:
    """What `ask` says as soon as it says something true; `Surprise` when time is up."""
    deadline = time.monotonic() + within
    while not (found := ask()):
        insist(time.monotonic() < deadline, f"not within {within:.0f} s: {otherwise}")
        time.sleep(0.05)  # other processes' doings: there is nothing to wait on but the next look
    return found


@contextmanager
def dark(world: World, name: str) -> Iterator[None]:
    """Inside the block, process `name` is dead; afterwards it is well again."""
    world.shop.kill(name)
    try:
        yield
    finally:
        world.shop.start(name)


@contextmanager
def frozen(world: World, name: str) -> Iterator[None]:
    """Inside the block, process `name` takes connections and says nothing; afterwards it is well again."""
    thaw = _freeze(world, name)
    try:
        yield
    finally:
        thaw()
        if _health(world, name) == "down":  # the story has killed it meanwhile
            world.shop.start(name)
        eventually(lambda: _health(world, name) == "healthy", f"{name} recovers from being frozen")


def _health(world: World, name: str) -> str:
    [status] = world.shop.status(name)
    return status.health


def _freeze(world: World, name: str) -> Callable[[], None]:
    """Stop the clock for `name`; what is returned starts it again, if there is anything left to start."""
    ident = world.shop.status(name)[0].ident
    if world.shop.runtime == "compose":
        # The engine gives up while a process begins inside at that moment, such as a look at its health.
        eventually(lambda: engine.docker("pause", ident).returncode == 0, f"{name} is paused")
        return lambda: _unpause(ident)
    first = psutil.Process(int(ident))
    suspend(first)  # before we look, so that it starts nobody whom we would miss
    others = first.children(recursive=True)
    for process in others:
        suspend(process)
    return lambda: _resume([*others[::-1], first])


def suspend(process: psutil.Process) -> None:
    """Stop it, and return when it stands still: on a busy machine it may yet read what is sent after the signal."""
    process.suspend()
    eventually(lambda: process.status() in STILL, f"process {process.pid} stands still")


def _unpause(ident: str) -> None:
    engine.docker("unpause", ident)  # one that was killed meanwhile is no longer paused


def _resume(family: list[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def relieved(world: World, *names: str) -> None:
    """Have new workers take over in each of these services, from their files anew, while the old ones finish (HUP)."""
    before = {name: world.shop.logs(name).count(GONE) for name in names}
    idents = {status.name: status.ident for status in world.shop.status(*names)}
    for name in names:
        if world.shop.runtime == "compose":
            engine.docker("kill", "--signal", "HUP", idents[name])
        else:
            psutil.Process(int(idents[name])).send_signal(signal.SIGHUP)

    def have_left() -> bool:
        return all(world.shop.logs(name).count(GONE) > times for name, times in before.items())

    eventually(have_left, "the old workers have left")


@contextmanager
def shifted(world: World, seconds: float) -> Iterator[None]:
    """Inside the block, the identity provider's clock is so many seconds fast, or slow if they are less than none."""
    world.manager.advance_clock(seconds)
    try:
        yield
    finally:
        world.manager.advance_clock(-seconds)


@contextmanager
def revoked(world: World, name: str) -> Iterator[None]:
    """Inside the block, every certificate of `name` is taken back; afterwards it has a new one, and the shop works."""
    _at_the_ca(world, "revoke", name)
    try:
        yield
    finally:
        _at_the_ca(world, "issue", name)
        alice = Shopper(world.shop, "alice")
        eventually(lambda: alice.call("GET", "/api/orders").ok, f"{name} is at work with its new certificate")


def _at_the_ca(world: World, *command: str) -> None:
    ran = world.shop.run("ca", ["python", "-m", "certs", *command])
    insist(ran.returncode == 0, f"certs {' '.join(command)}: {ran.stderr[-300:]}")


def asked_of_the_idp(world: World, holder: str, path: str, form: dict[str, str], **headers: str) -> Answer:
    """What the identity provider answers to `holder`, which shows the certificate that it has, if any."""
    return world.breached(holder, "idp", "POST", path, FORM | headers, urlencode(form))


def issued_to(world: World, holder: str) -> str | None:
    """The token that `holder` gets from the identity provider for itself, by whatever proves it there; None for none.

    No service of the shop may have one (RFC 6749 §4.4): each of them acts for a person, or not at all.
    """
    secret = world.secret_of(holder, "client_secret")
    proof = base64.b64encode(f"{holder}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "client_id": holder, "scope": "orders:read"}
    headers = {"Authorization": f"Basic {proof}"} if secret else {}
    answer = asked_of_the_idp(world, holder, "/token", form, **headers)
    return str(answer.json()["access_token"]) if answer.verdict is Verdict.SERVED else None


def exchanged(world: World, holder: str, token: str, audience: str) -> Answer:
    """What the identity provider answers when `holder` wants `token` exchanged for one to show to `audience`."""
    form = {"grant_type": TOKEN_EXCHANGE, "client_id": holder, "audience": audience}
    form |= {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return asked_of_the_idp(world, holder, "/token", form)


def passed_along(world: World, token: str, *services: str) -> str:
    """The token that the last but one of `services` shows to the last, when the first was shown `token`.

    Each of them exchanges what it was shown, from its own place (RFC 8693): so this is what really passes there.
    """
    for holder, audience in itertools.pairwise(services):
        answer = exchanged(world, holder, token, audience)
        insist(answer.verdict is Verdict.SERVED, f"{holder} cannot exchange for {audience}: {answer.body[:200]}")
        token = answer.json()["access_token"]
    return token
