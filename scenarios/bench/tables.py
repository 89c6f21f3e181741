"""What was measured, on the terminal; whatever colour says is said in words too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from scenarios.bench.record import Held
from scenarios.bench.statistics import Spread

SIDE_BY_SIDE = 6
"""Figures that fit beside each other in a terminal, each with its quartiles."""


def heading(name: str, held: Held) -> str:
    """What was asked, and how much of it."""
    what = f"{held.rounds} rounds of {held.requests}, {held.seconds:.0f} s"
    return f"[bold]{name}[/] · {escape(held.question)} · [dim]{what}[/]"


def found(held: Held) -> Iterator[Table | str]:
    """What one experiment found: its contestants, its curves, its notes."""
    figures = list(dict.fromkeys(figure for row in held.rows.values() for figure in row.figures))
    if figures:
        yield _few(held, figures) if len(figures) <= SIDE_BY_SIDE else _many(held, figures)
    if held.series:
        yield _series(held)
    yield from map(escape, held.notes)


def _few(held: Held, figures: Sequence[str]) -> Table:
    """A line a contestant: of each figure the median, and the quartiles."""
    drawn = Table("contestant")
    for figure in figures:
        drawn.add_column(_words(figure), justify="right")
    for contestant, row in held.rows.items():
        drawn.add_row(escape(contestant), *(_spread(row.figures.get(figure)) for figure in figures))
    return drawn


def _many(held: Held, figures: Sequence[str]) -> Table:
    """A line a figure: of each contestant the median."""
    drawn = Table("figure")
    for contestant in held.rows:
        drawn.add_column(escape(contestant), justify="right")
    for figure in figures:
        drawn.add_row(_words(figure), *(_median(row.figures.get(figure)) for row in held.rows.values()))
    return drawn


def _series(held: Held) -> Table:
    """A line a curve: the median at each point."""
    drawn = Table("curve", "of", "at", "comes to")
    for curve in held.series:
        points = [(f"{x:,.6g}", _median(y)) for x, y in curve.points]
        at, comes_to = (" · ".join(each) for each in zip(*points, strict=True))
        drawn.add_row(escape(curve.name), escape(curve.y), at, comes_to)
    return drawn


def goals(experiments: Mapping[str, Held]) -> Table:
    """Every goal: the ratio that was measured, how far it can be trusted, and whether the goal is met."""
    drawn = Table("experiment", "what", "against")
    for column in ("ratio", "95 % interval", "goal", ""):
        drawn.add_column(column, justify="right")
    for name, held in experiments.items():
        for each in held.compared:
            interval = f"{_number(each.ratio.low)} to {_number(each.ratio.high)}"
            verdict = "[green]met[/]" if each.met else "[bold red]BROKEN[/]" if each.broken else "[red]not met[/]"
            ratio, most = _number(each.ratio.median), f"≤ {each.most:.2f}"
            drawn.add_row(name, escape(each.ours), escape(each.theirs), ratio, interval, most, verdict)
    return drawn


def _spread(spread: Spread | None) -> str:
    """The median, and how far half of the rounds were from it."""
    if spread is None:
        return ""
    low, high = spread.quartiles
    return f"{_number(spread.median)} [dim]({_number(low)}–{_number(high)})[/]"


def _median(spread: Spread | None) -> str:
    return "" if spread is None else _number(spread.median)


def _words(figure: str) -> str:
    """`p50_ms` as `p50 ms`."""
    return escape(figure.replace("_", " "))


def _number(value: float) -> str:
    """As many digits as tell something."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"
