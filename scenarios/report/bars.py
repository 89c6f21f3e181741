"""Spreads as bars: a figure of every contestant, with its interval, its unit, and a scale that fits them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from scenarios.bench import lines
from scenarios.bench.statistics import Spread
from scenarios.report import drawings
from scenarios.report.figures import Scale, number

UNITS = {"_us": "µs", "_ms": "ms", "_s": "s", "_mib": "MiB"}
WORDS = {
    "cpu": "CPU",
    "cpu again": "CPU of a start again",
    "first": "CPU at the start of a turn",
    "idp": "CPU of the identity provider",
    "idp calls": "calls to the identity provider",
}
Figures = Mapping[str, Spread]
"""One figure of each contestant."""


@dataclass(frozen=True)
class Bar:
    """A figure of one contestant."""

    whose: str
    drawn: Markup
    value: str
    interval: str
    place: str | None = None
    """Its id on the page, where it is cited."""


@dataclass(frozen=True)
class Chart:
    """A figure of every contestant that has it."""

    name: str
    unit: str
    bars: tuple[Bar, ...]
    scale: str


def named(figure: str) -> tuple[str, str]:
    """A figure's name in words, without what it is about, and its unit."""
    name = figure.partition(", ")[0]
    ending, unit = next((each for each in UNITS.items() if name.endswith(each[0])), ("", ""))
    words = name.removesuffix(ending).replace("_", " ")
    return WORDS.get(words, words), "times" if words.startswith("times") else unit


def chart(name: str, unit: str, figures: Figures, places: Mapping[str, str] | None = None) -> Chart:
    """A bar a contestant, from nought unless they are too far apart for that; a line where a ratio is 1.

    How far apart they are is told by those that are more than next to nothing beyond doubt.
    """
    least = lines.LEAST.get(unit, 0.0)
    told = [each for each in figures.values() if each.low > least] or list(figures.values())
    scale = Scale.fitting(value for each in told for value in (each.median, each.low, each.high))
    ticks = _ticks(scale, unit)
    shares = [scale.at(tick) for tick in ticks]
    bars = (
        Bar(
            whose=whose,
            drawn=drawings.bar(scale.at(each.median), (scale.at(each.low), scale.at(each.high)), shares),
            value=shown(each.median, unit),
            interval=interval(each, unit),
            place=places.get(whose) if places else None,
        )
        for whose, each in figures.items()
    )
    said = f"The line{'s are' if len(ticks) > 1 else ' is'} at {', '.join(map(number, ticks))}." if ticks else ""
    return Chart(name, unit, tuple(bars), f"{scale.words('')} {said}".strip())


def _ticks(scale: Scale, unit: str) -> list[float]:
    """Where to draw a line: at powers of ten, where there are no equal steps, and at what is as much as the other."""
    if scale.logarithmic:
        return [10.0**n for n in range(-6, 10) if scale.low < 10.0**n < scale.high]
    return [1.0] if unit == "times" and scale.high > 1 else []


def shown(value: float, unit: str = "") -> str:
    """A value that has this unit, without it: with three digits, of a ratio two behind the point."""
    if unit == "times" and value < 100:
        return f"{value:.2f}"
    small = lines.next_to_nothing(value, unit)
    return small or (lines.three_digits(value) if 0.001 <= abs(value) < 100 else number(value))


def interval(spread: Spread, unit: str = "") -> str:
    """From where to where the median may be, if that is more than one number."""
    low, high = shown(spread.low, unit), shown(spread.high, unit)
    return "" if low == high else f"{low} to {high}"
