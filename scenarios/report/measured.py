"""What there is to show of each measurement: its figures as charts or as one board, its grids, and what was counted.

Nothing here knows a measurement by its name.  A figure is a line with a bar a pattern.  Figures share a board when
their names have two parts, such as `token/person disabled` or `signing key: files`, or when they are many; others are
a chart each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from compose.topology import PATTERNS
from scenarios.evidence import Evidence, Figure
from scenarios.registry import Gauge
from scenarios.report import drawings
from scenarios.report.figures import Scale, bare, spread
from scenarios.report.words import anchor

MOST_CHARTS = 8
MOST_ROWS = 400
"""Of what a measurement counted; whoever wants more of it has the evidence."""
TWO_PARTS = re.compile(r"(?P<about>.+?)(?:: |/)(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True)
class Bar:
    """A figure under one pattern."""

    place: str
    """Its id on the page."""
    drawn: Markup
    value: str
    spread: str
    note: str


@dataclass(frozen=True)
class Line:
    """A figure under every pattern that has it."""

    about: str
    """The first part of its name, if that has two."""
    name: str
    unit: str
    bars: Mapping[str, Bar]
    scale: str
    """What there is to say of the scale; nothing of bars that begin at nought."""
    notes: tuple[str, ...]
    """What several patterns have to say alike, or all of it on a board; after whose it is."""


@dataclass(frozen=True)
class Gauged:
    """One measurement under all patterns."""

    name: str
    title: str
    method: tuple[str, ...]
    references: tuple[str, ...]
    charts: tuple[Line, ...]
    board: Mapping[str, list[Line]]
    """Lines by what they are about."""
    broken: Mapping[str, list[str]]
    """Why it broke off, and under which patterns."""
    rows: tuple[dict[str, Any], ...]
    """What was counted, the pattern first; no more than `MOST_ROWS`."""
    more_rows: int
    grids: Mapping[str, Markup]


def gauged(evidence: Evidence, gauges: Mapping[str, Gauge]) -> list[Gauged]:
    """Every measurement that there is, whether in this run or in the tree."""
    names = dict.fromkeys((*gauges, *sorted({each.name for each in evidence.measurements.values()})))
    return [_gauged(evidence, name, gauges.get(name)) for name in names]


def _gauged(evidence: Evidence, name: str, gauge: Gauge | None) -> Gauged:
    rows = [{"pattern": pattern, **row} for pattern in PATTERNS for row in evidence.rows(name, pattern)]
    found = _figures(evidence, name)
    in_two_parts = sum(bool(TWO_PARTS.fullmatch(each)) for each in found)
    together = len(found) > MOST_CHARTS or in_two_parts * 2 > len(found)
    method = gauge.method if gauge else "This measurement is in the evidence, and no longer in the tree."
    return Gauged(
        name=name,
        title=gauge.title if gauge else name.replace("_", " "),
        method=tuple(" ".join(each.split()) for each in method.split("\n\n")),
        references=gauge.references if gauge else (),
        charts=() if together else tuple(_chart(name, each, figures) for each, figures in found.items()),
        board=_board(name, found) if together else {},
        broken=_broken(evidence, name),
        rows=tuple(rows[:MOST_ROWS]),
        more_rows=max(0, len(rows) - MOST_ROWS),
        grids=_grids(evidence, name),
    )


def _figures(evidence: Evidence, measurement: str) -> dict[str, dict[str, Figure]]:
    """By name and pattern."""
    found: dict[str, dict[str, Figure]] = {}
    for pattern in PATTERNS:
        each = evidence.measurements.get(f"{measurement}/{pattern}")
        for name, figure in each.measured.figures.items() if each and each.measured else ():
            found.setdefault(name, {})[pattern] = figure
    return found


def _broken(evidence: Evidence, name: str) -> dict[str, list[str]]:
    broken: dict[str, list[str]] = {}
    for pattern in PATTERNS:
        each = evidence.measurements.get(f"{name}/{pattern}")
        if each and each.measured is None:
            broken.setdefault(each.broken, []).append(pattern)
    return broken


def _grids(evidence: Evidence, name: str) -> dict[str, Markup]:
    """A grid a pattern, for a measurement that counts who gets what done from where."""
    grids = {}
    for pattern in PATTERNS:
        rows = [row for row in evidence.rows(name, pattern) if {"position", "operation", "completed"} <= row.keys()]
        if rows:
            grids[pattern] = drawings.grid(rows, f"{pattern}: what is completed from where", f"grid-{name}-{pattern}")
    return grids


def _chart(measurement: str, name: str, figures: Mapping[str, Figure]) -> Line:
    """A figure by itself, with a scale of its own; long notes that patterns share are said once, below."""
    shared = {note: whose for note, whose in _whose(figures).items() if len(whose) > 1 and len(note) > 24}
    return _line(measurement, name, figures, Scale.over(figures.values()), shared)


def _board(measurement: str, found: Mapping[str, Mapping[str, Figure]]) -> dict[str, list[Line]]:
    """All figures in one table, those of one unit with one scale; notes are said beneath it."""
    by_unit: dict[str, list[Figure]] = {}
    for figures in found.values():
        for figure in figures.values():
            by_unit.setdefault(figure.unit, []).append(figure)
    scales = {unit: Scale.over(figures) for unit, figures in by_unit.items()}
    board: dict[str, list[Line]] = {}
    for name, figures in found.items():
        line = _line(measurement, name, figures, scales[_unit(figures)], _whose(figures))
        board.setdefault(line.about, []).append(line)
    return board


def _line(
    measurement: str, name: str, figures: Mapping[str, Figure], scale: Scale, apart: Mapping[str, list[str]]
) -> Line:
    """A line with its bars; the notes that are said `apart` are not repeated beside each bar."""
    parts = TWO_PARTS.fullmatch(name)
    bars = {
        pattern: Bar(
            place=anchor(f"figure:{measurement}/{pattern}#{name}"),
            drawn=scale.bar(figure),
            value=bare(figure),
            spread=spread(figure),
            note="" if figure.note in apart else figure.note,
        )
        for pattern, figure in figures.items()
    }
    return Line(
        about=parts["about"] if parts else "",
        name=parts["name"] if parts else name,
        unit=_unit(figures),
        bars=bars,
        scale=scale.words(_unit(figures)),
        notes=tuple(f"{', '.join(whose)}: {note}" for note, whose in apart.items()),
    )


def _unit(figures: Mapping[str, Figure]) -> str:
    return next(iter(figures.values())).unit


def _whose(figures: Mapping[str, Figure]) -> dict[str, list[str]]:
    """Every note, and the patterns that have it."""
    by_note: dict[str, list[str]] = {}
    for pattern, figure in figures.items():
        by_note.setdefault(figure.note, []).append(pattern)
    by_note.pop("", None)
    return by_note


def scales(board: Mapping[str, Iterable[Line]]) -> list[str]:
    """What there is to say of the scales of a board, each once."""
    return list(dict.fromkeys(line.scale for lines in board.values() for line in lines if line.scale))
