"""Figures as words and as bars: values with their units, spreads, and scales that fit what they show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scenarios.evidence import Figure
from scenarios.report import drawings
from scenarios.report.words import counted

NOT_MEASURED = "not measured in this run"
WIDE = 30.0
"""From this ratio of the largest to the smallest on, bars are logarithmic."""
TIMES = {1.0: "1 s", 60.0: "1 min", 3600.0: "1 h", 86400.0: "1 day"}


@dataclass(frozen=True)
class Scale:
    """From where to where the bars of a chart go."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def over(cls, figures: Iterable[Figure]) -> Scale:
        """The scale that fits all these figures and their spreads."""
        figures = list(figures)
        if figures and figures[0].unit.startswith("share"):
            return cls(0.0, 1.0, False)
        return cls.fitting(each for figure in figures for each in (figure.value, *figure.trials) if each is not None)

    @classmethod
    def fitting(cls, values: Iterable[float]) -> Scale:
        """The scale that fits all these."""
        seen = [each for each in values if each > 0]
        high, low = max(seen, default=1.0), min(seen, default=1.0)
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
        ticks = [self.at(each) for each in self.ticks(figure.unit)]
        return drawings.bar(self.at(figure.value), (self.at(limits[0]), self.at(limits[1])) if limits else None, ticks)

    def words(self, unit: str) -> str:
        """What to know about the scale."""
        if not self.logarithmic:
            return ""
        ticks = " and ".join(TIMES[each] for each in self.ticks(unit))
        return f"The bars are logarithmic{f'; the lines are at {ticks}' if ticks else ''}."

    def ticks(self, unit: str) -> Sequence[float]:
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
    trials = counted(len(figure.trials), "trial")
    return f"{low} to {high}, {trials}" if low != high else f"each of {trials}"


def number(value: float) -> str:
    """A number with three digits that count, thousands set apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}".replace(",", "\u202f")
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.2g}"
