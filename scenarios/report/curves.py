"""Curves as SVG: lines through medians with their intervals, on axes that are logarithmic where the range asks for it.

A curve is told by its colour, its dashes and the shape of its points; the figures themselves stand in the table below
each drawing, whose heads show which curve is whose.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from compose.topology import PATTERNS
from scenarios.bench.record import Series
from scenarios.bench.statistics import Spread
from scenarios.report.figures import number
from scenarios.report.words import printable

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 54, 22, 10, 38
"""The margins, in which the numbers of the axes and the name of the lower one stand."""
LETTER = 6.4
WIDE_ACROSS, WIDE_UP = 30.0, 100.0
"""From this ratio of the largest to the smallest on, an axis is logarithmic; heights are compared by eye, so later."""
SHAPES = (
    "m-1.2-3.6h2.4v2.4h2.4v2.4h-2.4v2.4h-2.4v-2.4h-2.4v-2.4h2.4z",
    "m-3-3h6v6h-6z",
    "m0-4l4 4l-4 4l-4-4z",
    "m0-4l3.8 6.8h-7.6z",
    "m0 4l3.8-6.8h-7.6z",
    "m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0z",
    "m-4-1.8h8v3.6h-8z",
)
"""Of the points, one a curve: cross, square, diamond, triangle, the same upside down, circle, bar."""
FIRST_LOOK = 5
"""Of curves that are no pattern's: a full line."""


@dataclass(frozen=True)
class Axis:
    """From where to where an axis goes; on a logarithmic one nought, if it is there, stands at the lower end."""

    low: float
    high: float
    logarithmic: bool
    nought: bool = False

    @classmethod
    def over(cls, values: Iterable[float], wide: float, *, from_nought: bool) -> Axis:
        """The axis that fits all these values."""
        seen = sorted(set(values))
        above = [each for each in seen if each > 0]
        if not above:
            return cls(0.0, 1.0, False)
        low, high = above[0], above[-1]
        if high / low < wide:
            return cls(0.0 if from_nought else seen[0], high, False)
        nought = seen[0] <= 0
        return cls(low / (high / low) ** 0.2 if nought else low, high, True, nought)

    def at(self, value: float) -> float:
        """Where a value lies, as a share of the length."""
        if self.low == self.high:
            return 0.5
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low) if value > self.low else 0.0

    def steps(self) -> list[float]:
        """Round values along it, four or so, or powers of ten."""
        if self.logarithmic:
            first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high))
            among = (1, 2, 5) if last - first < 3 else (1,)
            powers = [10.0**n for n in range(first, last + 1, max(1, (last - first) // 4))]
            return [each for power in powers for part in among if self.low <= (each := part * power) <= self.high]
        rough = self.high / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough)
        return [step * n for n in range(int(self.high / step) + 1)]


@dataclass(frozen=True)
class Curve:
    """One line of a chart."""

    label: str
    look: int
    """Which colour, dashes and shape it has; a pattern has the same in every chart."""
    points: tuple[tuple[float, Spread], ...]

    def key(self) -> Markup:
        """A piece of it, for the head of its column."""
        return Markup(
            '<svg class="key-line" width="26" height="10" aria-hidden="true"><g class="curve look{n}">'
            '<path class="through" d="M0 5H26"/><path class="point" d="M13 5{shape}"/></g></svg>'
        ).format(n=self.look, shape=SHAPES[self.look])


@dataclass(frozen=True)
class Drawn:
    """A chart: curves that share both axes."""

    x: str
    y: str
    curves: tuple[Curve, ...]
    drawing: Markup
    scale: str
    """What there is to say of the axes."""

    @property
    def lines(self) -> list[tuple[str, list[Spread | None]]]:
        """The same as a table: each x, and what each curve has there."""
        found = [dict(curve.points) for curve in self.curves]
        return [(number(x), [each.get(x) for each in found]) for x in sorted({x for each in found for x in each})]


def charts(series: Sequence[Series], ident: str) -> list[Drawn]:
    """A chart for each pair of axes, in the order in which they come; `ident` is the beginning of the ids in them."""
    together: dict[tuple[str, str], list[Series]] = {}
    for each in series:
        if each.points:
            together.setdefault((each.x, each.y), []).append(each)
    return [_chart(x, y, members, f"{ident}-{n}") for n, ((x, y), members) in enumerate(together.items())]


def _chart(x: str, y: str, series: Sequence[Series], ident: str) -> Drawn:
    curves = tuple(_curves(series))
    points = [point for curve in curves for point in curve.points]
    across = Axis.over((at for at, _ in points), WIDE_ACROSS, from_nought=False)
    heights = (each for _, spread in points for each in (spread.median, spread.low, spread.high))
    up = Axis.over(heights, WIDE_UP, from_nought=True)
    return Drawn(x, y, curves, _draw(curves, across, up, x, y, ident), _words(across, up))


def _curves(series: Sequence[Series]) -> Iterator[Curve]:
    """Each with what of its name the others do not share, and a look of its own."""
    names = [each.name for each in series]
    heads, tails = zip(*(_apart(name) for name in names), strict=True)
    labels = [""] if len(names) == 1 else list(tails if len(set(heads)) == 1 else names)
    known = set(labels) <= set(PATTERNS)
    for n, (label, each) in enumerate(zip(labels, series, strict=True)):
        look = list[str](PATTERNS).index(label) if known else (n + FIRST_LOOK) % len(SHAPES)
        yield Curve(label, look, tuple(sorted(each.points, key=lambda point: point[0])))


def _apart(name: str) -> tuple[str, str]:
    """The first part of a name, and the rest: `hops, jwt`."""
    found = re.match(r"(.+?(?:, |: ))(.+)", name, re.DOTALL)
    return (found[1], found[2]) if found else ("", name)


def _words(across: Axis, up: Axis) -> str:
    told = {"horizontal": across, "vertical": up}
    which = [name for name, axis in told.items() if axis.logarithmic]
    if not which:
        return ""
    nought = "; 0 stands at its low end" if any(axis.nought for axis in told.values()) else ""
    return f"The {' and the '.join(which)} axis {'is' if len(which) == 1 else 'are each'} logarithmic{nought}."


def _draw(curves: Sequence[Curve], across: Axis, up: Axis, x: str, y: str, ident: str) -> Markup:
    parts = [*_up(up), *_across(across, sorted({at for curve in curves for at, _ in curve.points}))]
    name = Markup('<text class="of" x="{:.0f}" y="{}">{}</text>').format(
        (WIDTH + LEFT - RIGHT) / 2, HEIGHT - 4, printable(x)
    )
    parts += [name, *(_line(curve, across, up) for curve in curves)]
    return Markup(
        '<svg class="curves" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{i}-t {i}-d"><title id="{i}-t">'
        '{title}</title><desc id="{i}-d">The figures are in the table below the drawing.</desc>{parts}</svg>'
    ).format(w=WIDTH, h=HEIGHT, i=ident, title=printable(f"{y}, by {x}"), parts=Markup("").join(parts))


def _left(share: float) -> float:
    return LEFT + 6 + share * (WIDTH - LEFT - RIGHT - 6)


def _top(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _up(axis: Axis) -> Iterator[Markup]:
    """The lines across, each with its number."""
    marked = [(axis.at(value), number(value)) for value in axis.steps()]
    for share, label in [(0.0, "0"), *marked] if axis.nought else marked:
        y = _top(share)
        yield Markup('<path class="tick" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT)
        yield Markup('<text class="at" x="{}" y="{:.1f}">{}</text>').format(LEFT - 5, y + 4, label)
    yield Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT)


def _across(axis: Axis, values: Sequence[float]) -> Iterator[Markup]:
    """A mark for every value there is, and its number where there is room."""
    free = 0.0
    for value in values:
        x, label = _left(axis.at(value)), number(value)
        yield Markup('<path class="axis" d="M{:.1f} {}v4"/>').format(x, HEIGHT - BOTTOM)
        if x - len(label) * LETTER / 2 >= free:
            free = x + len(label) * LETTER / 2 + 6
            yield Markup('<text class="of" x="{:.1f}" y="{}">{}</text>').format(x, HEIGHT - BOTTOM + 16, label)


def _line(curve: Curve, across: Axis, up: Axis) -> Markup:
    """Through the medians; an upright stroke at each is its interval."""
    places = [(_left(across.at(at)), spread) for at, spread in curve.points]
    through = "L".join(f"{x:.1f} {_top(up.at(spread.median)):.1f}" for x, spread in places)
    strokes = "".join(f"M{x:.1f} {_top(up.at(each.low)):.1f}V{_top(up.at(each.high)):.1f}" for x, each in places)
    points = "".join(f"M{x:.1f} {_top(up.at(each.median)):.1f}{SHAPES[curve.look]}" for x, each in places)
    return Markup(
        '<g class="curve look{}"><path class="through" d="M{}"/><path class="interval" d="{}"/>'
        '<path class="point" d="{}"/></g>'
    ).format(curve.look, through, strokes, points)
