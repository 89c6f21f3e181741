"""The evidence that a claim or an answer rests on, looked up: what it is called, what it says, where it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenarios.bench import lines
from scenarios.bench.record import Bench
from scenarios.evidence import Evidence
from scenarios.report.bars import shown
from scenarios.report.costs import cited_at
from scenarios.report.figures import NOT_MEASURED, amount
from scenarios.report.words import anchor, outcome

CELL = re.compile(r"cell:(?P<story>[^/#]+)/(?P<pattern>[^/#]+)")
FIGURE = re.compile(r"figure:(?P<measurement>[^/#]+)/(?P<pattern>[^/#]+)#(?P<name>.+)")
COST = re.compile(r"cost:(?P<line>[^/#]+)/(?P<pattern>[^/#]+)")


@dataclass(frozen=True)
class Cited:
    """One piece of evidence."""

    what: str
    pattern: str
    value: str
    place: str | None
    """Where on the page it is shown; None for what was not measured in this run."""
    surprise: bool = False


def cited(reference: str, evidence: Evidence, bench: Bench | None) -> Cited:
    """What `reference` says: `cell:story/pattern`, `figure:measurement/pattern#name` or `cost:line/pattern`."""
    if found := CELL.fullmatch(reference):
        return _cell(reference, evidence, **found.groupdict())
    if found := FIGURE.fullmatch(reference):
        return _figure(reference, evidence, **found.groupdict())
    if found := COST.fullmatch(reference):
        return _cost(bench, **found.groupdict())
    return Cited(reference, "", NOT_MEASURED, None)


def _cost(bench: Bench | None, line: str, pattern: str) -> Cited:
    of = next((each for each in lines.LINES if each.name == line), None)
    spread = of.cost(bench, pattern) if of and bench else None
    if of is None or spread is None:
        return Cited(of.title if of else line, pattern, NOT_MEASURED, None)
    return Cited(of.title, pattern, f"{shown(spread.median, of.unit)} {of.unit}", cited_at(line, pattern))


def _cell(reference: str, evidence: Evidence, story: str, pattern: str) -> Cited:
    cell, what = evidence.cells.get(f"{story}/{pattern}"), story.replace("_", " ")
    if cell is None:
        return Cited(what, pattern, NOT_MEASURED, None)
    return Cited(what, pattern, outcome(cell), anchor(reference), surprise=bool(cell.surprises))


def _figure(reference: str, evidence: Evidence, measurement: str, pattern: str, name: str) -> Cited:
    figure, what = evidence.figure(measurement, pattern, name), f"{measurement}: {name}".replace("_", " ")
    if figure is None:
        return Cited(what, pattern, NOT_MEASURED, None)
    return Cited(what, pattern, amount(figure), anchor(reference))
