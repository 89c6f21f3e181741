"""Which attack of the catalogue is covered by what: the stories by their `CATALOGUE`, the tests by `catalogue`.

`make matrix` writes the table, and a test fails when it is not as the stories have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from compose.topology import REPO
from scenarios.catalogue import ROWS, SECTIONS, Row
from scenarios.registry import Story

COVERAGE = REPO / "scenarios" / "COVERAGE.md"


def coverage(stories: Mapping[str, Story]) -> str:
    """Every row of the catalogue with the stories and tests that cover it; `open` where none does."""
    covered = {row.id: _covering(row, stories) for row in ROWS}
    still_open = [row_id for row_id, by in covered.items() if not by]
    lines = [
        "# What is covered by what\n\n",
        "Written by `make matrix`, from the stories' `CATALOGUE` and from [catalogue](catalogue).\n\n",
        f"{len(ROWS) - len(still_open)} of {len(ROWS)} attacks and faults are covered by a scenario, a measurement or ",
        "named tests.",
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
    """Links to the stories and measurements, and the names of the tests."""
    told = [f"[{name}](stories/{name}.py)" for name, story in stories.items() if row.id in story.catalogue]
    told += [f"[{name}](measurements/{name}.py)" for name in row.measured]
    return told + [f"`test_{test}`" for test in row.tests]


def unknown(stories: Iterable[Story]) -> list[tuple[str, str]]:
    """What stories claim to cover and the catalogue does not hold: (story, id)."""
    ids = {row.id for row in ROWS}
    return [(story.name, row_id) for story in stories for row_id in story.catalogue if row_id not in ids]


def write(stories: Mapping[str, Story]) -> list[Path]:
    """Write the table; the file, if it changed by it."""
    wanted = coverage(stories)
    if COVERAGE.exists() and COVERAGE.read_text(encoding="utf-8") == wanted:
        return []
    COVERAGE.write_text(wanted, encoding="utf-8")
    return [COVERAGE]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
