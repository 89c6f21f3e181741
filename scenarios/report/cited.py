"""The evidence that a claim or an answer rests on, looked up: what it is called, what it says, where it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenarios.evidence import Evidence
from scenarios.report.figures import NOT_MEASURED, amount
from scenarios.report.words import anchor, outcome

CELL = re.compile(r"cell:(?P<story>[^/#]+)/(?P<pattern>[^/#]+)")
FIGURE = re.compile(r"figure:(?P<measurement>[^/#]+)/(?P<pattern>[^/#]+)#(?P<name>.+)")


@dataclass(frozen=True)
class Cited:
    """One piece of evidence."""

    what: str
    pattern: str
    value: str
    place: str | None
    """Where on the page it is shown; None for what was not measured in this run."""
    surprise: bool = False


def cited(reference: str, evidence: Evidence) -> Cited:
    """What `reference` (`cell:story/pattern` or `figure:measurement/pattern#name`) says in this run."""
    if found := CELL.fullmatch(reference):
        return _cell(reference, evidence, **found.groupdict())
    if found := FIGURE.fullmatch(reference):
        return _figure(reference, evidence, **found.groupdict())
    return Cited(reference, "", NOT_MEASURED, None)


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
