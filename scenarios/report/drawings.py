"""Small drawings as SVG: a bar with its spread, and the grid of who gets what done from where.

They are made of shapes and classes only; colour, line and type are the style sheet's, so that one page has one look in
the light, in the dark and on paper.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from scenarios.report.words import printable

CELL, LETTER, LINE = 17, 6.2, 18
"""Of the grid, in its own units: the side of a cell, the width of a letter, the height of a line."""
Place = tuple[str, str]
"""A position, and what is held there."""
Operation = tuple[str, str]
"""A service, and what is asked of it."""


def bar(value: float, spread: tuple[float, float] | None = None, ticks: Sequence[float] = ()) -> Markup:
    """A bar from 0 to `value`, its spread as a whisker, ticks as hairlines; all of them shares of the whole width."""
    drawn = Markup('<rect class="bar" y="1" width="{:.1f}" height="8"/>').format(value * 100)
    drawn += Markup("").join(Markup('<path class="tick" d="M{:.1f} 0v10"/>').format(tick * 100) for tick in ticks)
    if spread and spread[1] - spread[0] >= 0.005:
        low, high = (each * 100 for each in spread)
        drawn += Markup('<path class="whisker" d="M{:.1f} 5H{:.1f}M{:.1f} 2v6M{:.1f} 2v6"/>').format(
            low, high, low, high
        )
    return Markup(
        '<svg class="drawn" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(drawn)


def stacked(stretches: Sequence[tuple[float, float]]) -> Markup:
    """A bar of several parts, each from where to where, as shares of the whole width."""
    drawn = Markup("").join(
        Markup('<rect class="part look{}" x="{:.2f}" y="1" width="{:.2f}" height="8"/>').format(
            n, low * 100, (high - low) * 100
        )
        for n, (low, high) in enumerate(stretches)
    )
    return Markup(
        '<svg class="drawn" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(drawn)


def swatch(look: int) -> Markup:
    """A patch of how a part looks, for its key."""
    drawn = Markup('<rect class="part look{}" width="10" height="10"/>').format(look)
    return Markup('<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{}</svg>').format(drawn)


def grid(rows: Sequence[Mapping[str, Any]], title: str, ident: str) -> Markup:
    """Who gets what done from where: a line a place, a column an operation, a full square for what was completed."""
    done = {(place(row), operation(row)): bool(row.get("completed")) for row in rows}
    places, operations = (list(dict.fromkeys(key[n] for key in done)) for n in (0, 1))
    labels = _labels(places)
    left = LETTER * max(map(len, labels)) + 10
    top = LETTER * max(len(name) for _, name in operations) + 10
    bottom = top + len(places) * CELL
    parts = [_head(left + n * CELL, top, name) for n, (_, name) in enumerate(operations)]
    parts += _services(operations, left, bottom)
    for line, at in enumerate(places):
        y = top + line * CELL
        parts.append(Markup('<text class="at" x="{:.0f}" y="{:.0f}">{}</text>').format(left - 6, y + 12, labels[line]))
        parts += [_cell(left + n * CELL, y, done.get((at, what))) for n, what in enumerate(operations)]
    return Markup(
        '<svg class="grid" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" role="img"'
        ' aria-labelledby="{i}-t {i}-d"><title id="{i}-t">{title}</title><desc id="{i}-d">{desc}</desc>{parts}</svg>'
    ).format(
        w=left + len(operations) * CELL + 2,
        h=bottom + LINE,
        i=ident,
        title=printable(title),
        desc=_told(done, places),
        parts=Markup("").join(parts),
    )


def place(row: Mapping[str, Any]) -> Place:
    """Where somebody stands, and what they hold there."""
    return str(row.get("position", "")), str(row.get("holding", ""))


def operation(row: Mapping[str, Any]) -> Operation:
    """What they ask, and of whom."""
    return str(row.get("service", "")), str(row.get("operation", ""))


def called(at: Place) -> str:
    """A place in a few words."""
    return printable(", ".join(filter(None, at)))


def _labels(places: Sequence[Place]) -> list[str]:
    """What each line is called; what is held at the place of the line before is enough to say."""
    said = [called(at) for at in places]
    again = [n for n in range(1, len(places)) if places[n][0] == places[n - 1][0] and places[n][1]]
    return [printable(f"… {places[n][1]}") if n in again else label for n, label in enumerate(said)]


def _head(x: float, bottom: float, name: str) -> Markup:
    """The head of a column, upright."""
    turned = Markup('<text transform="translate({:.0f} {:.0f})rotate(-90)">{}</text>')
    return turned.format(x + 12, bottom - 5, printable(name))


def _services(operations: Sequence[Operation], left: float, y: float) -> Iterator[Markup]:
    """Whose operations they are, below them, with a line between two services."""
    for service, members in itertools.groupby(enumerate(operations), key=lambda each: each[1][0]):
        numbers = [number for number, _ in members]
        x, end = left + numbers[0] * CELL, left + (numbers[-1] + 1) * CELL
        yield Markup('<path class="tick" d="M{:.0f} 0V{:.0f}"/>').format(x - 0.5, y + LINE)
        yield Markup('<text class="of" x="{:.0f}" y="{:.0f}">{}</text>').format(
            (x + end) / 2, y + 13, printable(service)
        )


def _cell(x: float, y: float, completed: bool | None) -> Markup:
    """Full when it was done, a dot when it was not, nothing when it was not tried."""
    if completed is None:
        return Markup("")
    if completed:
        square = Markup('<rect class="done" x="{:.0f}" y="{:.0f}" width="{}" height="{}"/>')
        return square.format(x + 1, y + 1, CELL - 2, CELL - 2)
    return Markup('<circle class="kept" cx="{:.1f}" cy="{:.1f}" r="1.6"/>').format(x + CELL / 2, y + CELL / 2)


def _told(done: Mapping[tuple[Place, Operation], bool], places: Sequence[Place]) -> str:
    """The same in words, a line a place."""
    told = []
    for at in places:
        of_these = [completed for (where, _), completed in done.items() if where == at]
        told.append(f"{called(at)}: {sum(of_these)} of {len(of_these)}")
    return "; ".join(told)
