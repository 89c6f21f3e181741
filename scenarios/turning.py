"""Carrying a rotation out while customers come, and seeing what it touches and drops.

Files are held against what they were before each step, processes against what they were before the first; a step has
taken effect at a process when asking that process shows it, and the seconds are those since the step began.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from compose.topology import PROCESSES, TOKEN_PATTERNS
from scenarios import file_hashes
from scenarios.door import TIMEOUT_SECONDS, door
from scenarios.levers import insist
from scenarios.rotations.rotation import Rotation, Step, done
from scenarios.shopper import CannotLogIn, Shopper
from scenarios.steady_load import RATE, Ask, Load, under_load
from scenarios.verdict import Verdict
from scenarios.world import World

BEFORE, BETWEEN, AFTER = 1.0, 0.5, 1.5
"""Seconds of load around the whole, and between two steps: whoever was on the way when one began has arrived then."""
WITHIN = 60.0
MOST_SECONDS = 900
HASHES = Path(file_hashes.__file__).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Taken:
    """One step, taken."""

    does: str
    files: tuple[str, ...]
    """Those that are different now."""
    began: float
    """By our clock."""
    change: float
    """How long the change itself took, in seconds."""
    effects: Mapping[str, float]
    """By process: the seconds until it went by the change."""


@dataclass(frozen=True)
class Turned:
    """What one rotation has touched and dropped."""

    rotation: Rotation
    steps: tuple[Taken, ...]
    restarted: tuple[str, ...]
    sent: int
    troubles: tuple[str, ...]
    """What came of each request that was not served."""
    lasted: float
    """Seconds from the first customer to the last."""
    seconds: float
    """How long it took until the new one was in force everywhere."""
    old_refused: bool

    @property
    def failed(self) -> int:
        """How many requests were not served."""
        return len(self.troubles)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was touched."""
        return tuple(sorted({file for step in self.steps for file in step.files}))

    @property
    def change(self) -> float:
        """How long the changes themselves took."""
        return sum(step.change for step in self.steps)


class Customers:
    """People who look at the shelf and buy a book, by turns, all in alice's name or with what they are told to show."""

    def __init__(self, world: World, shown: Mapping[str, str]) -> None:
        self.troubles: list[str] = []
        """What came of each request that was not served."""
        self._shop = world.shop
        self._alice = Shopper(world.shop, "alice")
        self._shown = shown or ({} if world.pattern in TOKEN_PATTERNS else world.credential_of("alice"))

    def headers(self) -> dict[str, str]:
        """What they show; a token, as long as it is good."""
        return dict(self._shown) or {"Authorization": f"Bearer {self._alice.token()}"}

    def come_anew(self) -> None:
        """Log in again, to come with what is issued from now on."""
        self._alice.forget()

    def arrive(self) -> Ask:
        """One of them, with a connection of their own."""
        session = door(self._shop)

        def ask(number: int) -> bool:
            try:
                answer = _shop(session, self._shop.edge, self.headers(), number)
            except (CannotLogIn, requests.RequestException) as trouble:
                self.troubles.append(f"{type(trouble).__name__}: {trouble}")
                return False
            if not answer.ok:
                trace = answer.headers.get("traceresponse", "-").split("-")[1]
                self.troubles.append(f"{answer.request.method} {answer.status_code}, trace {trace}")
            return answer.ok

        return ask


def _shop(session: requests.Session, edge: str, headers: dict[str, str], number: int) -> requests.Response:
    """The shelf and a book, by turns."""
    if number % 2:
        return session.get(f"{edge}/api/items", headers=headers, timeout=TIMEOUT_SECONDS)
    book: dict[str, Any] = {"sku": "book", "quantity": 1}
    once = headers | {"Idempotency-Key": secrets.token_hex(16)}
    return session.post(f"{edge}/api/orders", json=book, headers=once, timeout=TIMEOUT_SECONDS)


def turn(
    world: World,
    rotation: Rotation,
    *,
    rate: float = RATE,
    patient: bool = False,
    tell: Callable[[str], object] = lambda _: None,
    took: Callable[[Taken], object] = lambda _: None,
) -> Turned:
    """Carry it out step by step while customers come; who is `patient` gives all customers the time they have."""
    processes, customers, opened = running(world), Customers(world, rotation.shown), time.monotonic()
    with under_load(customers.arrive, rate, int(rate * MOST_SECONDS)) as load:
        going = _Going(world, load, rate, tell, took)
        going.on(BEFORE)
        taken = [going.through(step) for step in rotation.steps]
        insist(rotation.works(), f"with the new {rotation.what} the shop does not work")
        in_force = taken[-1].began + max(taken[-1].effects.values()) - taken[0].began
        if rotation.last:
            if rotation.last.grace:
                world.log_everybody_out()
                customers.come_anew()
                going.by(rotation.last.grace if patient else BETWEEN, "until what was issued before has run out")
            taken.append(going.through(rotation.last))
        going.on(AFTER)
        lasted = time.monotonic() - opened
    told = world.outside(
        "GET", "/api/orders", customers.headers()
    )  # who looks at orders has them carried to their ends
    insist(told.verdict is Verdict.SERVED, f"what was cut off finds no end: {told}")
    restarted = tuple(name for name, process in running(world).items() if process != processes[name])
    refused = rotation.old_refused is None or rotation.old_refused()
    troubles = tuple(customers.troubles)
    return Turned(rotation, tuple(taken), restarted, len(load.sent), troubles, lasted, in_force, refused)


@dataclass(frozen=True)
class _Going:
    """A rotation under way."""

    world: World
    load: Load
    rate: float
    tell: Callable[[str], object]
    took: Callable[[Taken], object]

    def on(self, seconds: float) -> None:
        """Let so many seconds' customers come and be served."""
        self.load.goes_on(seconds, self.rate)

    def by(self, seconds: float, why: str) -> None:
        """Let time pass, and tell how much is left."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tell(f"{left:.0f} s {why} ({len(self.load.sent)} requests so far, {len(self.load.failed)} failed)")
            self.on(min(1.0, max(left, 0.1)))

    def through(self, step: Step) -> Taken:
        """Take one step, and wait until it counts at each process."""
        if step.after:
            self.by(step.after, "until everybody may know")
        self.tell(step.does)
        before, began = fingerprints(self.world), time.monotonic()
        step.do()
        change = time.monotonic() - began
        effects = _effects(step, began)
        touched = file_hashes.changed(before, fingerprints(self.world))
        self.on(BETWEEN)
        taken = Taken(step.does, touched, began, change, effects)
        self.took(taken)
        return taken


def _effects(step: Step, began: float) -> dict[str, float]:
    """The seconds until each process went by the change, as asking it over and over shows."""
    found: dict[str, float] = {}
    while missing := [name for name in step.counts if name not in found]:
        for name in missing:
            if step.counts[name]():
                found[name] = time.monotonic() - began
        late = f"not within {WITHIN:.0f} s at {', '.join(missing)}: {step.does}"
        insist(len(found) == len(step.counts) or time.monotonic() < began + WITHIN, late)
        time.sleep(0.05)  # other processes' doings: there is nothing to wait on but the next question
    return found


def running(world: World) -> dict[str, tuple[str, float | None]]:
    """Each process of the shop, told apart from one that was started again."""
    return {status.name: (status.ident, status.since) for status in world.shop.status()}


def fingerprints(world: World) -> dict[str, str]:
    """A hash of each file of the shop's that does not change by itself; in containers, of what each of them sees."""
    if world.shop.runtime == "local":
        return file_hashes.hashes(world.shop.dir)
    found: dict[str, str] = {}
    for name in PROCESSES:
        found |= json.loads(done(world, name, "-c", HASHES))
    return found
