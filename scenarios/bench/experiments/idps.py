"""Does our identity provider cost more than the least that Authlib can do, and does it start as fast as others?

Each stands in processes of its own, behind TLS 1.3 where it can, with the same two clients.  On one kept-alive
connection it is asked for client-credentials JWTs under ES256, and about one of them by the resource server that they
are for; each round in five turns, and all are started anew four times in between.  `Authlib, in memory` keeps tokens in
a dictionary, `Authlib, SQLAlchemy` in SQLite with the mixins that Authlib brings for it, `Flask alone` answers a
constant: all on gunicorn with our options.

The figures are the CPU time of the provider's processes per request; the seconds from the start of its process to its
first discovery document, and what its processes hold after the last round, what they share counted once.  Ours is
timed as a test borrows it, too: from `idp.running()`, the first of its process, which makes a CA, keys, tables and a
person as well, to its discovery document.  The series issue 100,000 tokens in one process, on a clock that lets 5,000
of them live.

What the figures do not say: ours writes each token down before it hands it out, checks that what it is asked about was
not taken back, and says in a line what it decided; in memory nothing of that is done.  oidc-provider keeps no JWT and
cannot be asked about one, so it is asked about opaque tokens; the two mocks let anybody in.  oidc-provider-mock knows
no client credentials and no introspection: it gives opaque tokens for a code or a refresh token, after a log-in without
a password, which is another thing than what is timed here.  So there is of it how it starts and what it holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from scenarios.bench.contest import Course, Goal, hold
from scenarios.bench.experiment import Result, Row, Series, Sizes, Told, compared, rows
from scenarios.bench.idps import flat, lent
from scenarios.bench.idps.ground import furnish
from scenarios.bench.idps.recipes import MEMORY, OURS, SQL, Recipe, recipes
from scenarios.bench.idps.running import Running, running
from scenarios.bench.statistics import Spread, spread

START = "cold_start_s"
SLICES = 5
STARTS = 7
ANEW = 5
"""How many processes of each share the rounds: where its memory happens to lie makes one up to 0.05 dearer."""
TOKENS, LOOKS, ALIVE = 100_000, 10, 5_000
GOALS = (
    Goal(OURS, MEMORY, 1.05, 0.15),
    Goal(OURS, MEMORY, 1.05, 0.15, "introspection_us"),
    Goal(OURS, SQL, 0.75),
    Goal(OURS, SQL, 0.75, figure="introspection_us"),
)


def run(sizes: Sizes, told: Told) -> Result:
    """Start them all several times over; then ask, a share of the rounds from each of several processes."""
    known = recipes()
    here = [recipe for recipe in known if recipe.trouble is None]
    notes = [f"{recipe.name} was left out: {recipe.trouble}" for recipe in known if recipe.trouble]
    with tempfile.TemporaryDirectory(prefix="idps-") as name:
        places = [(recipe, _place(Path(name), number)) for number, recipe in enumerate(here)]
        ways = {place[0].name: partial(_started_in, *place) for place in places}
        starts = _starts({**ways, **lent.WAYS}, 1 if sizes.quick else STARTS, told)
        course, anew = Course(), min(ANEW, sizes.rounds)
        for number in range(anew):
            told(f"processes {number + 1} of {anew}")
            with ExitStack() as open_:
                all_ = [open_.enter_context(running(*place, sizes.requests // SLICES)) for place in places]
                course.go_on(hold([each for each in all_ if each.recipe.token], sizes.rounds // anew, told, SLICES))
                held = {each.name: spread([each.memory_mib()]) for each in all_}
    found = {row.name: row for row in rows(course)}
    table = [_row(found.get(each.name), each, starts[each.name], held[each.name]) for each in all_]
    table += [Row(name, ["it answers with its discovery document"], {START: starts[name]}) for name in lent.WAYS]
    return Result(table, compared(course, GOALS), () if sizes.quick else _flat(told), notes)


def _place(directory: Path, number: int) -> Path:
    place = directory / str(number)
    furnish(place)
    return place


def _started_in(recipe: Recipe, place: Path) -> float:
    with running(recipe, place) as started:
        return started.started_in


def _starts(ways: Mapping[str, Callable[[], float]], times: int, told: Told) -> dict[str, Spread]:
    """Seconds that each takes to start, in turn; the first start, which makes what later ones find, is left out."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(times + 1):
        for name, start in ways.items():
            taken[name].append(start())
        told(f"start {number} of {times}")
    return {name: spread(seconds[1:]) for name, seconds in taken.items()}


def _row(row: Row | None, each: Running, start: Spread, held: Spread) -> Row:
    """What was measured of it, and how it starts and what it holds."""
    row = row or Row(each.name, ["it offers neither of what is asked for: its start and its memory are all"], {})
    return replace(row, figures={**row.figures, START: start, "memory_mib": held})


def _flat(told: Told) -> list[Series]:
    """What there is while tokens come and go."""
    seen = []
    for each in flat.issue(TOKENS, LOOKS, ALIVE):
        told(f"{each.issued} of {TOKENS} tokens")
        seen.append(each)
    return [
        Series(name, "tokens issued", y, [(each.issued, spread([getattr(each, figure)])) for each in seen])
        for name, y, figure in (
            ("rows in the store", "rows", "rows"),
            ("size of the store", "MiB", "store_mib"),
            ("memory of the process", "MiB", "memory_mib"),
        )
    ]
