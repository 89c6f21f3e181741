"""The tables that are made of the stories: what comes of each under each pattern, and which attack is covered by what.

`make matrix` writes both; a test fails when they are not as the stories have it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

from compose.topology import PATTERNS, REPO
from scenarios.catalogue import ROWS, SECTIONS, Row
from scenarios.registry import Story
from scenarios.verdict import Verdict

README = REPO / "README.md"
COVERAGE = REPO / "scenarios" / "COVERAGE.md"
BEGIN, END = "<!-- matrix: written by `make matrix` -->\n", "<!-- end of matrix -->\n"
PLACE = "## Reading the code\n"
WORDS = {
    Verdict.UNISSUED: "unissued",
    Verdict.REFUSED: "refused",
    Verdict.UNAUTHENTICATED: "401",
    Verdict.FORBIDDEN: "403",
    Verdict.INVALID: "400",
    Verdict.UNAVAILABLE: "503",
    Verdict.SERVED: "**served**",
}
LEGEND = """\
This is what we **expect**, written down before it is tried; it is not yet the record of a run. `make stories` tries all
of it, under every pattern.

`make scenario NAME=…` tells one and says why it comes as it does; `make scenarios` acts all of them out. **served**:
they got what they wanted, which is right for some and a weakness for others · 503: nobody can tell, so no · 400: no
good, whoever sends it · 403 (or 404): known, and no · 401: unknown · refused: not even a connection · unissued: nothing
to try with.

Which attack is covered by what stands in [COVERAGE.md](scenarios/COVERAGE.md). `make diff FROM=basic TO=jwt` shows what
changes between two patterns, and `make sabotage` breaks each guard on purpose to see that a test notices.
"""


def matrix(stories: Mapping[str, Story]) -> str:
    """What is expected of each story under each pattern, group by group."""
    lines = [_row("scenario", *PATTERNS), _row("---", *[":---:"] * len(PATTERNS))]
    for group, told in itertools.groupby(stories.values(), key=lambda story: story.group):
        lines.append(_row(f"*{group}*", *[""] * len(PATTERNS)))
        for story in told:
            verdicts = [WORDS[story.expected[pattern].verdict] for pattern in PATTERNS]
            name = story.name.replace("_", " ")
            lines.append(_row(f"[{name}](scenarios/stories/{story.name}.py)", *verdicts))
    return "".join(lines)


def coverage(stories: Mapping[str, Story]) -> str:
    """Every row of the catalogue with the stories and tests that cover it; `open` where none does."""
    covered = {row.id: _covering(row, stories) for row in ROWS}
    still_open = [row_id for row_id, by in covered.items() if not by]
    lines = [
        "# What is covered by what\n\n",
        "Written by `make matrix`, from the stories' `CATALOGUE` and from [catalogue.py](catalogue.py).\n\n",
        f"{len(ROWS) - len(still_open)} of {len(ROWS)} attacks and faults are covered by a scenario or by named tests.",
        f" Open: {', '.join(still_open)}.\n" if still_open else " None is open.\n",
    ]
    for kind, title in SECTIONS.items():
        lines += [
            f"\n## {title[0].upper()}{title[1:]}\n\n",
            _row("id", "attack or fault", "covered by"),
            _row(*["---"] * 3),
        ]
        for row in (row for row in ROWS if row.id.startswith(f"{kind}-")):
            lines.append(_row(row.id, row.title, "<br>".join(covered[row.id]) or "**open**"))
    return "".join(lines)


def _covering(row: Row, stories: Mapping[str, Story]) -> list[str]:
    """Links to the stories, and the names of the tests."""
    told = [f"[{name}](stories/{name}.py)" for name, story in stories.items() if row.id in story.catalogue]
    return told + [f"`test_{test}`" for test in row.tests]


def unknown(stories: Iterable[Story]) -> list[tuple[str, str]]:
    """What stories claim to cover and the catalogue does not hold: (story, id)."""
    ids = {row.id for row in ROWS}
    return [(story.name, row_id) for story in stories for row_id in story.catalogue if row_id not in ids]


def readme(stories: Mapping[str, Story], text: str) -> str:
    """The README's `text` with the matrix as it is now, in its marked block; without one, before "Reading the code"."""
    block = f"{BEGIN}\n{LEGEND}\n{matrix(stories)}\n{END}"
    if BEGIN not in text:
        return text.replace(PLACE, f"## What comes of what\n\n{block}\n{PLACE}")
    before, rest = text.split(BEGIN, 1)
    return before + block + rest.split(END, 1)[1]


def write(stories: Mapping[str, Story]) -> list[Path]:
    """Write both tables; the files that changed by it."""
    wanted = {README: readme(stories, README.read_text(encoding="utf-8")), COVERAGE: coverage(stories)}
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(wanted[path], encoding="utf-8")
    return changed


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
