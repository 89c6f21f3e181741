"""How long does a shop take from its first process to all healthy?

Every start is one from scratch: a new directory, new ports, and nothing that ran before.  What `make up` does with
RUNTIME=local before it starts anything (people and their hashed passwords, secrets, the CA and its leaves) is told by
itself, as `prepare`.  Then the clock runs: all processes of the shop are started side by side, make what each of them
makes for itself the first time (the identity provider its signing keys and its database), and the clock stops when
the last of them is healthy as `make up` understands it, which looks every 50 ms.  On Linux one more process imports,
of which the others are forks (`compose.preload`); its time is in the figures.  `start again` is a second start with
what the first one left.

Beside it as many Flask applications that answer one word, each behind a gunicorn with one worker and threads, all else
by its default, started side by side by the same Python; that clock stops when each has answered a request, and looks
every 5 ms.  `with our libraries loaded`, each of these loads what a service of ours is made with (SQLAlchemy, pydantic,
cryptography, urllib3, PyJWT, argon2) and does nothing with it: so long a shop takes at least whose processes are all
started alone.  The goal is about `jwt`.  It and they take turns; the other patterns, in a long run, have rounds of
their own afterwards, so compare them with each other.

CPU is that of all processes, their workers with them, up to that moment, and not that of whoever starts them and looks.
Nothing else runs then, so both processors are theirs; and what Python compiles, it has compiled before.

What the figures do not say: how long an order takes that comes first, which finds connections closed and caches empty
(`scenarios.measurements.wire`), and what Compose takes.
"""

from __future__ import annotations

from compose.topology import PATTERNS
from scenarios.bench.contest import Contestant, Course, Goal, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.obstacles import LOADED_TOO
from scenarios.bench.starting import LIBRARIES, BareStart, OurStart

OURS, THEIRS = "jwt", "six bare Flask gunicorns"
LOADED = f"{THEIRS}, {LOADED_TOO}"
GOALS = (
    # A quick run has two rounds; it is to notice when every process imports for itself.
    Goal(OURS, THEIRS, 1.5, 0.5, "start_s"),
)
ROUNDS, QUICK_ROUNDS, ROUNDS_OF_OTHERS = 7, 2, 3
"""A start takes seconds, so there are fewer than of requests."""


def run(sizes: Sizes, told: Told) -> Result:
    """Start `jwt` and the bare ones in turn; then every other pattern."""
    them: list[Contestant]
    if sizes.quick:
        them, rounds = [OurStart(OURS), BareStart(THEIRS)], QUICK_ROUNDS
    else:
        them, rounds = [OurStart(OURS, again=True), BareStart(THEIRS), BareStart(LOADED, LIBRARIES)], ROUNDS
    course = hold(them, min(sizes.rounds, rounds), told, warm=False)
    found, notes = rows(course), []
    if not sizes.quick:
        notes.append(_of_libraries(course))
        others = [OurStart(pattern) for pattern in PATTERNS if pattern != OURS]
        found += rows(hold(others, min(sizes.rounds, ROUNDS_OF_OTHERS), told, warm=False))
    return Result(found, compared(course, GOALS), notes=notes)


def _of_libraries(course: Course) -> str:
    """What a start comes to without a line of ours."""
    alone, ours = course.ratio(LOADED, THEIRS, "start_s"), course.ratio(OURS, LOADED, "start_s")
    return (
        f"The bare ones take {alone.median:.2f} times as long with our libraries loaded and nothing of ours; the whole "
        f"shop takes {ours.median:.2f} times as long as they do then."
    )
