"""The article's statements, in our words, each with what the run says of it.

A statement comes with a judge, which looks figures and cells up in the evidence and says what they amount to; what it
looked at is what the finding rests on.  Nothing is typed in: a run that lacks a figure leaves the statement unmeasured.
"""

from __future__ import annotations

from dataclasses import dataclass

from compose.topology import PATTERNS
from scenarios.evidence import Evidence
from scenarios.judging import Finding as Finding
from scenarios.judging import Look, NotMeasured
from scenarios.questions import QUESTIONS, Question
from scenarios.statements import STATEMENTS, Statement


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
    """The article's word for it; a dash where it has none."""
    measured: str
    finding: Finding
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class SummaryRow:
    """One row of the article's summary table."""

    question: str
    cells: tuple[Judged, ...]


def ledger(evidence: Evidence) -> tuple[Claim, ...]:
    """Every statement with what this run says of it."""
    return tuple(_judged(statement, evidence) for statement in STATEMENTS)


def summary(evidence: Evidence) -> tuple[SummaryRow, ...]:
    """The article's own table, each cell with the article's word and ours."""
    return tuple(
        SummaryRow(question.asks, tuple(_answered(question, pattern, evidence) for pattern in PATTERNS))
        for question in QUESTIONS
    )


def _judged(statement: Statement, evidence: Evidence) -> Claim:
    look = Look(evidence)
    try:
        measured, finding, why = statement.judge(look)
    except NotMeasured as missing:
        measured, finding, why = "–", Finding.UNMEASURED, f"this run has no {missing}"
    return Claim(statement.id, statement.pattern, statement.says, measured, finding, why, tuple(look.seen))


def _answered(question: Question, pattern: str, evidence: Evidence) -> Judged:
    look, word = Look(evidence), question.words.get(pattern, "–")
    try:
        measured, finding = question.answer(look, pattern)
    except NotMeasured:
        return Judged(pattern, word, "–", Finding.UNMEASURED, tuple(look.seen))
    return Judged(pattern, word, measured, finding if word != "–" else Finding.UNSAID, tuple(look.seen))
