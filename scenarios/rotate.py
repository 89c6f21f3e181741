"""One rotation on the terminal: step by step, what was touched where, when it took effect, what it cost.

The load is made here: a shop without customers would prove nothing.
"""

from __future__ import annotations

from functools import partial

from rich.console import Console
from rich.table import Table

from compose import remember
from compose.refusals import CannotRun
from scenarios import rotations
from scenarios.levers import Surprise
from scenarios.stand_in import Overheard
from scenarios.turning import Taken, Turned, turn
from scenarios.world import World

RATE = 20.0
"""Requests per second."""


def rotate(world: World, what: str, name: str, out: Console, *, patient: bool) -> bool:
    """Rotate what is asked for in the shop that runs; whether nobody noticed, and the old one is refused."""
    refusal = CannotRun(f"in {world.shop.name} something is being rotated already", "the same again when that is over")
    with remember.locked(world.shop.run_root, f"{world.shop.name}.rotate", refusal):
        return _rotate(world, what, name, out, patient=patient)


def _rotate(world: World, what: str, name: str, out: Console, *, patient: bool) -> bool:
    rotation = rotations.named(world, what, name)
    out.print(
        f"rotating the {rotation.what} under [bold]{world.pattern}[/] ({world.shop.runtime}), while alice looks at the "
        f"shelf and buys books, {RATE:.0f} requests a second"
    )
    try:
        with out.status("she begins") as going:
            took = partial(_step, out)
            turned = turn(world, rotation, rate=RATE, patient=patient, tell=going.update, took=took)
    except Surprise as trouble:
        raise CannotRun(str(trouble), "make status and make logs say why; the same again begins anew") from None
    Overheard.forget(world)
    out.print(table(turned))
    _sum(turned, out)
    return turned.failed == 0 and turned.old_refused and not turned.restarted


def _step(out: Console, taken: Taken) -> None:
    """One line for a step that was taken."""
    seconds = max(taken.effects.values(), default=taken.change)
    out.print(f"[green]✓[/] {taken.does}: everywhere after {seconds:.2f} s")


def table(turned: Turned) -> Table:
    """What was touched where, and when each process went by it."""
    drawn = Table(show_lines=True, pad_edge=False)
    for heading in ("step", "files touched", "in effect, as each showed, after"):
        drawn.add_column(heading, overflow="fold")
    for step in turned.steps:
        effects = "\n".join(f"{name} {seconds:.2f} s" for name, seconds in step.effects.items())
        drawn.add_row(step.does, "\n".join(step.files) or "none", effects)
    return drawn


def _sum(turned: Turned, out: Console) -> None:
    """What it cost, and what the old one is still worth."""
    out.print(f"restarted   {', '.join(turned.restarted) or 'nothing'}")
    colour = "red" if turned.failed else "green"
    came = f"{turned.sent} in {turned.lasted:.0f} s, {turned.sent / turned.lasted:.0f} a second"
    out.print(f"requests    [{colour}]{turned.failed} failed[/] of {came}")
    for trouble in turned.troubles:
        out.print(f"            {trouble}", markup=False)
    old = "[green]refused[/]" if turned.old_refused else "[bold red]still accepted[/]"
    out.print(f"the old one {old}")
    if turned.rotation.note:
        out.print(f"mind        {turned.rotation.note}", markup=False)
