"""What changing a credential touches and drops, for each kind that the pattern uses.

It is done as `make rotate` does it: the new one is brought in beside the old, then shown, and at last the old one is
taken out; files are written where they lie, and the CA and the identity provider are told.  Meanwhile customers come,
about ten requests a second, half of them orders, before, during, and after.  Counted are the files that are different
afterwards, the processes that are not the same any more, the requests that were not served, and the seconds until the
new credential is in force wherever it is used.  At last the old one is shown once more.

Logs and the services' own stores change with every order, and are not counted.
"""

from __future__ import annotations

from typing import Any

from scenarios.evidence import Figure, Measured
from scenarios.levers import insist
from scenarios.rotations import rotations
from scenarios.rotations.rotation import buys
from scenarios.stand_in import Overheard
from scenarios.turning import Taken, Turned, turn
from scenarios.world import World

TITLE = "What a rotation touches and drops"
REFERENCES = ("NIST SP 800-57 Part 1 §5.3", "OpenID Connect Core §10.1.1", "OWASP ASVS 13.3.4")


def measure(world: World) -> Measured:
    """Change one after the other, under load."""
    insist(buys(world), "alice cannot order to begin with")
    try:
        turned = [turn(world, each) for each in rotations(world)]
    finally:
        world.manager.reset()
        Overheard.forget(world)  # what was shown before is no longer what is shown
    found = {f"{each.rotation.what}: {name}": one for each in turned for name, one in figures(each).items()}
    return Measured(figures=found, rows=tuple(row(each) for each in turned))


def figures(turned: Turned) -> dict[str, Figure]:
    """The figures of one change, by what they say."""
    files, restarted = turned.files, turned.restarted
    failed = f"of {turned.sent}, about ten a second; the change itself took {turned.change:.2f} s"
    failed = "; ".join((failed, *turned.troubles))
    old = "the old one is refused" if turned.old_refused else "the old one is still accepted"
    after = "; ".join([*(_said(step) for step in turned.steps), old, *filter(None, [turned.rotation.note])])
    return {
        "files": Figure(value=len(files), unit="files", note=", ".join(files)),
        "processes restarted": Figure(value=len(restarted), unit="processes", note=", ".join(restarted) or "none"),
        "requests failed": Figure(value=turned.failed, unit="requests", note=failed),
        "seconds until in force": Figure(value=round(turned.seconds, 2), unit="s", note=after),
    }


def _said(step: Taken) -> str:
    """One step, and when it counted where."""
    return f"{step.does}: {', '.join(f'{name} {seconds:.2f} s' for name, seconds in step.effects.items())}"


def row(turned: Turned) -> dict[str, Any]:
    """One change."""
    return {
        "what": turned.rotation.what,
        "files": len(turned.files),
        "processes": len(turned.restarted),
        "restarted": ", ".join(turned.restarted),
        "requests": turned.sent,
        "failed": turned.failed,
        "seconds": round(turned.seconds, 2),
        "old_refused": turned.old_refused,
    }
