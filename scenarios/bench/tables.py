"""What was measured, on the terminal; whatever colour says is said in words too."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from scenarios.bench.record import Held
from scenarios.bench.statistics import Spread


def found(name: str, held: Held) -> Table:
    """The figures of one experiment, a line a contestant: the median, and the quartiles."""
    figures = list(dict.fromkeys(figure for row in held.rows.values() for figure in row.figures))
    title = f"{name}: {held.question}  [dim]({held.rounds} rounds of {held.requests}, {held.seconds:.0f} s)[/]"
    drawn = Table(title=title, title_justify="left")
    drawn.add_column("contestant")
    for figure in figures:
        drawn.add_column(figure.replace("_", " "), justify="right")
    for contestant, row in held.rows.items():
        drawn.add_row(escape(contestant), *(_spread(row.figures.get(figure)) for figure in figures))
    if held.notes:
        drawn.caption = escape("\n".join(held.notes))
    return drawn


def goals(experiments: Mapping[str, Held]) -> Table:
    """Every goal: the ratio that was measured, how far it can be trusted, and whether the goal is met."""
    drawn = Table("experiment", "what", "against", title="Goals", title_justify="left")
    for column in ("ratio", "95 % interval", "goal", ""):
        drawn.add_column(column, justify="right")
    for name, held in experiments.items():
        for each in held.compared:
            interval = f"{each.ratio.low:.2f} to {each.ratio.high:.2f}"
            verdict = "[green]met[/]" if each.met else "[bold red]BROKEN[/]" if each.broken else "[red]not met[/]"
            ratio, most = f"{each.ratio.median:.3f}", f"≤ {each.most:.2f}"
            drawn.add_row(name, escape(each.ours), escape(each.theirs), ratio, interval, most, verdict)
    return drawn


def _spread(spread: Spread | None) -> str:
    """The median, and how far half of the rounds were from it."""
    if spread is None:
        return ""
    low, high = spread.quartiles
    return f"{_number(spread.median)} [dim]({_number(low)}–{_number(high)})[/]"


def _number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
