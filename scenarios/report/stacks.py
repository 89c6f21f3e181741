"""A figure and the parts that it is made of: a bar a contestant, cut where one part ends and the next begins."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from scenarios.bench.obstacles import parts
from scenarios.bench.record import Held
from scenarios.bench.statistics import Spread
from scenarios.report import drawings
from scenarios.report.figures import number


@dataclass(frozen=True)
class Stacked:
    """One contestant: its bar, what all parts come to, and each of them."""

    whose: str
    drawn: Markup
    whole: str
    parts: tuple[Spread | None, ...]


@dataclass(frozen=True)
class Stack:
    """Contestants whose figure has the same parts."""

    keys: tuple[tuple[Markup, str], ...]
    """How each part looks, and what it is."""
    bars: tuple[Stacked, ...]


def stack(held: Held) -> Stack | None:
    """What an experiment has taken apart; None when that is nothing."""
    apart = {whose: found for whose, row in held.rows.items() if (found := parts(row.figures))}
    names = tuple(dict.fromkeys(part for found in apart.values() for part in found))
    most = max((_whole(found) for found in apart.values()), default=0.0)
    if most <= 0:
        return None
    return Stack(
        keys=tuple((drawings.swatch(n), name) for n, name in enumerate(names)),
        bars=tuple(_stacked(whose, found, names, most) for whose, found in apart.items()),
    )


def _stacked(whose: str, found: Mapping[str, Spread], names: tuple[str, ...], most: float) -> Stacked:
    shown = tuple(found.get(name) for name in names)
    shares = [max(0.0, each.median) / most if each else 0.0 for each in shown]
    ends = list(itertools.accumulate(shares, initial=0.0))
    return Stacked(whose, drawings.stacked(list(itertools.pairwise(ends))), number(round(_whole(found))), shown)


def _whole(found: Mapping[str, Spread]) -> float:
    return sum(max(0.0, each.median) for each in found.values())
