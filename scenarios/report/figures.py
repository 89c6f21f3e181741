"""The numbers of the measurements: as words, and as charts with a bar a pattern.

Nothing here knows a measurement by its name: whatever a measurement calls its figures, each becomes a chart.  Where the
figures of a chart span more than two orders of magnitude its bars are logarithmic, and the chart says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from compose.topology import PATTERNS
from scenarios.evidence import Evidence, Figure
from scenarios.registry import Gauge
from scenarios.report import drawings
from scenarios.report.words import counted

NOT_MEASURED = "not measured in this run"
WIDE = 100.0
"""From this ratio of the largest to the smallest on, bars are logarithmic."""
TIMES = {1.0: "1 s", 60.0: "1 min", 3600.0: "1 h", 86400.0: "1 day"}
MOST_ROWS = 400
"""Of what a measurement counted; whoever wants more of it has the evidence."""


@dataclass(frozen=True)
class Bar:
    """One pattern in a chart."""

    pattern: str
    drawn: Markup
    value: str
    spread: str
    note: str


@dataclass(frozen=True)
class Chart:
    """One figure under every pattern that has it."""

    measurement: str
    name: str
    unit: str
    bars: tuple[Bar, ...]
    scale: str
    """What there is to say of the scale; empty for bars that begin at nought."""
    footnotes: tuple[str, ...]


@dataclass(frozen=True)
class Gauged:
    """One measurement under all patterns."""

    name: str
    title: str
    method: tuple[str, ...]
    references: tuple[str, ...]
    charts: tuple[Chart, ...]
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
    tried = [each for pattern in PATTERNS if (each := evidence.measurements.get(f"{name}/{pattern}"))]
    broken: dict[str, list[str]] = {}
    for each in tried:
        if each.measured is None:
            broken.setdefault(each.broken, []).append(each.pattern)
    method = gauge.method if gauge else "This measurement is in the evidence, and no longer in the tree."
    return Gauged(
        name=name,
        title=gauge.title if gauge else name.replace("_", " "),
        method=tuple(" ".join(each.split()) for each in method.split("\n\n")),
        references=gauge.references if gauge else (),
        charts=tuple(_charts(evidence, name)),
        broken=broken,
        rows=tuple(rows[:MOST_ROWS]),
        more_rows=max(0, len(rows) - MOST_ROWS),
        grids=_grids(evidence, name),
    )


def _grids(evidence: Evidence, name: str) -> dict[str, Markup]:
    """A grid a pattern, for a measurement that counts who gets what done from where."""
    grids = {}
    for pattern in PATTERNS:
        rows = [row for row in evidence.rows(name, pattern) if {"position", "operation", "completed"} <= row.keys()]
        if rows:
            grids[pattern] = drawings.grid(rows, f"{pattern}: what is completed from where", f"grid-{name}-{pattern}")
    return grids


def _charts(evidence: Evidence, measurement: str) -> Iterable[Chart]:
    found = {
        pattern: each.measured.figures
        for pattern in PATTERNS
        if (each := evidence.measurements.get(f"{measurement}/{pattern}")) and each.measured
    }
    for name in dict.fromkeys(name for figures in found.values() for name in figures):
        yield _chart(measurement, name, {pattern: figures.get(name) for pattern, figures in found.items()})


def _chart(measurement: str, name: str, figures: Mapping[str, Figure | None]) -> Chart:
    have = {pattern: figure for pattern, figure in figures.items() if figure is not None}
    unit = next(iter(have.values())).unit
    scale = _Scale.over(have.values())
    shared = _shared_notes(have)
    bars = [
        Bar(pattern, scale.bar(figure), bare(figure), spread(figure), "" if figure.note in shared else figure.note)
        for pattern, figure in have.items()
    ]
    footnotes = tuple(f"{', '.join(patterns)}: {note}" for note, patterns in shared.items())
    return Chart(measurement, name, unit, tuple(bars), scale.words(unit), footnotes)


def _shared_notes(figures: Mapping[str, Figure]) -> dict[str, list[str]]:
    """The notes that more than one pattern has, and whose they are: said once, below."""
    by_note: dict[str, list[str]] = {}
    for pattern, figure in figures.items():
        by_note.setdefault(figure.note, []).append(pattern)
    return {note: patterns for note, patterns in by_note.items() if note and len(patterns) > 1 and len(note) > 24}


@dataclass(frozen=True)
class _Scale:
    """From where to where the bars of a chart go."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def over(cls, figures: Iterable[Figure]) -> _Scale:
        """The scale that fits all these figures and their spreads."""
        figures = list(figures)
        seen = [each for figure in figures for each in (figure.value, *figure.trials) if each is not None and each > 0]
        high, low = max(seen, default=1.0), min(seen, default=1.0)
        if figures and figures[0].unit.startswith("share"):
            return cls(0.0, 1.0, False)
        return cls(low / 2, high, True) if high / low >= WIDE else cls(0.0, high, False)

    def at(self, value: float) -> float:
        """Where a value lies, as a share of the width."""
        if value <= self.low:
            return 0.0
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return value / self.high

    def bar(self, figure: Figure) -> Markup:
        """The figure's bar."""
        if figure.value is None:
            return Markup("")
        limits = figure.spread
        ticks = [self.at(each) for each in self._ticks(figure.unit)]
        return drawings.bar(self.at(figure.value), (self.at(limits[0]), self.at(limits[1])) if limits else None, ticks)

    def words(self, unit: str) -> str:
        """What to know about the scale."""
        if not self.logarithmic:
            return ""
        ticks = " and ".join(TIMES[each] for each in self._ticks(unit))
        return f"The bars are logarithmic{f'; the lines are at {ticks}' if ticks else ''}."

    def _ticks(self, unit: str) -> Sequence[float]:
        inside = [each for each in TIMES if self.low < each < self.high]
        return inside if self.logarithmic and is_time(unit) else []


def is_time(unit: str) -> bool:
    """Whether the unit is the second."""
    return unit in {"s", "second", "seconds"} or unit.startswith(("s ", "seconds "))


def bare(figure: Figure) -> str:
    """The value without its unit, for where the unit is said once for all."""
    if figure.value is None:
        return "–"
    return f"{figure.value * 100:.0f} %" if figure.unit.startswith("share") else number(figure.value)


def amount(figure: Figure | None) -> str:
    """The figure in words: its value with its unit, or why there is none."""
    if figure is None:
        return NOT_MEASURED
    if figure.value is None:
        return figure.note or "nothing to measure"
    return f"{bare(figure)} {figure.unit.removeprefix('share').strip()}".rstrip()


def spread(figure: Figure) -> str:
    """From where to where the trials went, and how many there were."""
    limits = figure.spread
    if limits is None or figure.value is None or len(figure.trials) < 2:
        return ""
    percent = figure.unit.startswith("share")
    low, high = (f"{each * 100:.0f}" if percent else number(each) for each in limits)
    return f"{f'{low} to {high}' if low != high else 'always the same'}, {counted(len(figure.trials), 'trial')}"


def number(value: float) -> str:
    """A number with three digits that count, thousands set apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}".replace(",", "\u202f")
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.2g}"
