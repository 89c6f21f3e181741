"""What was measured, on the terminal; whatever colour says is said in words too."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from scenarios.bench.record import Held
from scenarios.bench.statistics import Spread


def heading(name: str, held: Held) -> str:
    """What was asked, and how much of it."""
    what = f"{held.rounds} rounds of {held.requests}, {held.seconds:.0f} s"
    return f"[bold]{name}[/] · {escape(held.question)} · [dim]{what}[/]"


def found(held: Held) -> Table:
    """The figures of one experiment, a line a contestant: the median, and the quartiles."""
    figures = list(dict.fromkeys(figure for row in held.rows.values() for figure in row.figures))
    drawn = Table("contestant")
    for figure in figures:
        drawn.add_column(figure.replace("_", " "), justify="right")
    for contestant, row in held.rows.items():
        drawn.add_row(escape(contestant), *(_spread(row.figures.get(figure)) for figure in figures))
    if held.notes:
        drawn.caption = escape("\n".join(held.notes))
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


def _number(value: float) -> str:
    """As many digits as tell something."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
