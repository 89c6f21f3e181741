"""The article's statements, in our words, each with what the run says of it.

A claim names the figures and cells that it rests on and judges them; the finding is a product of the evidence, never
typed.  `ledger` is the list of claims, `summary` the article's own table, cell by cell next to its word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Finding(Enum):
    """What the run says of a statement."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    DEPENDS = "it depends"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Claim:
    """One statement, judged."""

    id: str
    pattern: str
    """The pattern that it is about."""
    statement: str
    measured: str
    """What was measured, in words with the numbers in them."""
    finding: Finding
    why: str
    evidence: tuple[str, ...]
    """What it rests on: `cell:story/pattern` or `figure:measurement/pattern#name`."""


@dataclass(frozen=True)
class Judged:
    """One cell of the article's summary table."""

    pattern: str
    article: str
    """The article's word for it."""
    measured: str
    finding: Finding
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class SummaryRow:
    """One row of the article's summary table."""

    question: str
    cells: tuple[Judged, ...]
