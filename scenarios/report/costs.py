"""What there is to show of what each lock costs: the goals, and of each experiment its charts, its table and curves.

Nothing here knows an experiment by its name.  A figure that was taken in rounds is a chart with a bar a contestant;
parts of one are such a bar together; latencies, and what was counted once, share one table; a series is a curve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from scenarios.bench import lines, obstacles
from scenarios.bench.record import Bench, Compared, Held
from scenarios.bench.statistics import Spread
from scenarios.report import curves, drawings
from scenarios.report.bars import Chart, Figures, chart, named
from scenarios.report.stacks import Stack, stack
from scenarios.report.words import anchor

LONG = 5000.0
"""From this many microseconds on, at the middle one of its contestants, an experiment's CPU is told in milliseconds."""
MICROSECONDS = re.compile(r"_us\b")
LATENCY = re.compile(r"p\d+_ms")


@dataclass(frozen=True)
class Board:
    """The figures that share a table: columns that belong together under one head."""

    heads: tuple[tuple[str, tuple[str, ...]], ...]
    """What several columns are about, and the name of each."""
    lines: tuple[tuple[str, tuple[Spread | None, ...]], ...]
    """A contestant, and the figure in each column."""


@dataclass(frozen=True)
class Aim:
    """One goal, and what came of it."""

    experiment: str
    place: str
    what: str
    against: str
    figure: str
    ratio: str
    interval: str
    most: str
    verdict: str
    drawn: Markup
    obstacle: str
    """Of one that is missed, what stands in the way; empty where that was not looked into."""


@dataclass(frozen=True)
class Asked:
    """One experiment."""

    name: str
    place: str
    held: Held
    method: tuple[str, ...]
    charts: tuple[Chart, ...]
    stack: Stack | None
    boards: tuple[Board, ...]
    curves: tuple[curves.Drawn, ...]
    proven: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """Contestants, and what each of them was shown to do before it was timed."""


def aims(bench: Bench) -> list[Aim]:
    """Every goal, those of one experiment together."""
    return [_aim(bench, name, goal) for name, goal in lines.goals(bench)]


def _aim(bench: Bench, experiment: str, goal: Compared) -> Aim:
    """The bar ends where the ratio does, up to half as much again as the goal, which is the line."""
    low, high, at = (min(1.0, each / goal.most / 1.5) for each in (goal.ratio.low, goal.ratio.high, goal.ratio.median))
    return Aim(
        experiment=experiment,
        place=place(experiment),
        what=goal.ours,
        against=goal.theirs,
        figure="" if goal.figure == "cpu_us" else named(goal.figure)[0],
        ratio=_ratio(goal.ratio.median),
        interval=f"{_ratio(goal.ratio.low)} to {_ratio(goal.ratio.high)}",
        most=_ratio(goal.most),
        verdict=lines.verdict(goal),
        drawn=drawings.bar(at, (low, high), [1 / 1.5]),
        obstacle="" if goal.met else obstacles.words(bench, experiment, goal),
    )


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def glance(bench: Bench) -> list[Chart]:
    """What it comes to for each pattern: the lines that the README has too."""
    found = ((line, line.costs(bench)) for line in lines.LINES)
    return [
        chart(line.title, line.unit, costs, {pattern: cited_at(line.name, pattern) for pattern in costs})
        for line, costs in found
        if costs
    ]


def asked(bench: Bench) -> list[Asked]:
    """Every experiment."""
    return [_asked(name, held, f"curve-{n}") for n, (name, held) in enumerate(bench.experiments.items())]


def place(experiment: str) -> str:
    """An experiment's place on the page."""
    return anchor(f"experiment:{experiment}")


def cited_at(line: str, pattern: str) -> str:
    """The place of one of the lines, under one pattern."""
    return anchor(f"cost:{line}/{pattern}")


def _asked(name: str, held: Held, ident: str) -> Asked:
    found = _figures(held)
    in_rounds = [each for each, figures in found.items() if _is_drawn(each, figures)]
    return Asked(
        name=name,
        place=place(name),
        held=held,
        method=tuple(" ".join(each.split()) for each in held.method.split("\n\n") if each.strip()),
        charts=tuple(chart(*named(each), found[each]) for each in in_rounds),
        stack=stack(held),
        boards=tuple(_boards({each: figures for each, figures in found.items() if each not in in_rounds})),
        curves=tuple(curves.charts(held.series, ident)),
        proven=_proven(held),
    )


def _figures(held: Held) -> dict[str, dict[str, Spread]]:
    """By name, and by contestant; long CPU times in milliseconds."""
    cpu = [row.figures["cpu_us"].median for row in held.rows.values() if "cpu_us" in row.figures]
    long = bool(cpu) and median(cpu) >= LONG
    found: dict[str, dict[str, Spread]] = {}
    for contestant, row in held.rows.items():
        for name, spread in row.figures.items():
            if name.startswith(obstacles.PART):
                continue  # the stack has it
            if long and MICROSECONDS.search(name):
                name, spread = MICROSECONDS.sub("_ms", name), lines.divided(spread, 1000)
            found.setdefault(name, {})[contestant] = spread
    return found


def _is_drawn(name: str, figures: Figures) -> bool:
    """Whether a figure is a chart of its own: it was taken in rounds, and is not one of many latencies."""
    return ", " not in name and not LATENCY.match(name) and any(each.count > 1 for each in figures.values())


def _boards(found: Mapping[str, Figures]) -> Iterator[Board]:
    """What is about nothing in particular, then the rest; it is about what stands behind the comma of a name."""
    by_subject: dict[str, list[str]] = {}
    for name in found:
        by_subject.setdefault(name.partition(", ")[2], []).append(name)
    plain = by_subject.pop("", [])
    return (_board(found, each) for each in ({"": plain} if plain else {}, by_subject) if each)


def _board(found: Mapping[str, Figures], by_subject: Mapping[str, Sequence[str]]) -> Board:
    columns = [name for names in by_subject.values() for name in names]
    contestants = dict.fromkeys(whose for name in columns for whose in found[name])
    return Board(
        heads=tuple((about, tuple(_head(name) for name in names)) for about, names in by_subject.items()),
        lines=tuple((whose, tuple(found[name].get(whose) for name in columns)) for whose in contestants),
    )


def _head(name: str) -> str:
    words, unit = named(name)
    return f"{words}, {unit}" if unit and unit not in words.split() else words


def _proven(held: Held) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """What was shown of the contestants, those together of whom it is the same."""
    together: dict[tuple[str, ...], list[str]] = {}
    for contestant, row in held.rows.items():
        if row.proven:
            together.setdefault(row.proven, []).append(contestant)
    return tuple((tuple(whose), shown) for shown, whose in together.items())
