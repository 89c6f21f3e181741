"""The record of a run: what came of every scenario and every measurement under every pattern, as data.

`make compare` writes it to `report/evidence.json`; the README's tables and the report are made from it, and from
nothing else.  Every part has an id that stays: a cell is `story/pattern`, a measurement `name/pattern`, a claim its own
name.  The JSON schema of the whole is printed by `python -m scenarios schema`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from compose.topology import REPO

SCHEMA: Literal[1] = 1
REPORT = REPO / "report"
FILE, BENCH, PAGE = (REPORT / name for name in ("evidence.json", "bench.json", "index.html"))


class Unreadable(Exception):
    """The file is no evidence that we understand; the message says why."""


class Record(BaseModel):
    """A part of the evidence: never changed once made, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Hop(Record):
    """One request from one process to another, as the callee's audit line tells it; secrets are fingerprints."""

    caller: str
    service: str
    request: str
    presented: tuple[str, ...]
    checked: str
    user: str
    vouched_by: str
    authorized_by: str
    answer: str
    idp_calls: int
    milliseconds: float


class Case(Record):
    """What came of one attempt of a story."""

    name: str
    """Empty for a story that is no family."""
    verdict: str | None
    """A `Verdict` by name; None when the attempt broke off."""
    status: int | None
    words: str
    """What whoever refused said of it, or why the attempt broke off; in short."""


class Cell(Record):
    """What came of one story under one pattern."""

    story: str
    pattern: str
    expected: str
    reason: str
    cases: tuple[Case, ...]
    request: str
    """The telling attempt's request, its secrets replaced by fingerprints; empty when there was none."""
    answer: str
    """The status line, the headers that say something, and the beginning of the body."""
    hops: tuple[Hop, ...]
    seconds: float

    @property
    def id(self) -> str:
        return f"{self.story}/{self.pattern}"

    @property
    def surprises(self) -> tuple[Case, ...]:
        """The cases that came otherwise than it was written."""
        return tuple(case for case in self.cases if case.verdict != self.expected)


class Figure(Record):
    """One number, and how far it can be relied on."""

    value: float | None
    """The median of the trials, or the one count; None where there is nothing to measure, and `note` says why."""
    unit: str
    trials: tuple[float, ...] = ()
    """Every trial, in the order in which it was made; empty for a count that cannot vary."""
    note: str = ""

    @property
    def spread(self) -> tuple[float, float] | None:
        """The smallest and the largest trial."""
        return (min(self.trials), max(self.trials)) if self.trials else None


class Measured(Record):
    """What a measurement says of the shop under one pattern."""

    figures: dict[str, Figure]
    """By name; together with the measurement's own name and the pattern that is the id which claims refer to."""
    rows: tuple[dict[str, Any], ...] = ()
    """What the figures were counted from, one record each, all with the same keys: for drawing and for looking up."""


class Measurement(Record):
    """What one measurement found under one pattern; `measured` is None when it broke off, and `broken` says why."""

    name: str
    pattern: str
    measured: Measured | None
    broken: str = ""
    seconds: float

    @property
    def id(self) -> str:
        return f"{self.name}/{self.pattern}"


class Environment(Record):
    """Where and with what a run was made."""

    when: str
    """UTC, ISO 8601."""
    commit: str
    python: str
    openssl: str
    system: str
    cores: int
    memory_gib: float
    engine: str
    """Of Docker, or why there was none."""
    packages: dict[str, str]


class Evidence(Record):
    """A whole run."""

    schema_version: Literal[1] = SCHEMA
    runtime: str
    environment: Environment
    seconds: float
    """Wall clock of everything in it; a run that was narrowed or resumed adds to it."""
    history: tuple[str, ...] = ()
    """The runs that it is made of, the latest last: when, at which commit, of what."""
    cells: dict[str, Cell] = Field(default_factory=dict)
    measurements: dict[str, Measurement] = Field(default_factory=dict)

    def figure(self, measurement: str, pattern: str, name: str) -> Figure | None:
        """One figure; None when it was not measured in this run."""
        found = self.measurements.get(f"{measurement}/{pattern}")
        return found.measured.figures.get(name) if found and found.measured else None

    def rows(self, measurement: str, pattern: str) -> tuple[dict[str, Any], ...]:
        """What a measurement counted; nothing when it was not made in this run."""
        found = self.measurements.get(f"{measurement}/{pattern}")
        return found.measured.rows if found and found.measured else ()

    @property
    def surprises(self) -> tuple[Cell, ...]:
        """The cells in which anything came otherwise than it was written."""
        return tuple(cell for cell in self.cells.values() if cell.surprises)

    @property
    def broken(self) -> tuple[Measurement, ...]:
        """The measurements that broke off."""
        return tuple(each for each in self.measurements.values() if each.measured is None)


def read(path: Path = FILE) -> Evidence:
    """The evidence in a file; raises `Unreadable`, and `FileNotFoundError` when no run was made yet."""
    text = path.read_text(encoding="utf-8")
    try:
        return Evidence.model_validate_json(text)
    except ValueError as error:
        raise Unreadable(f"{path.name} is not evidence of schema {SCHEMA}: {str(error).splitlines()[0]}") from None


def write(evidence: Evidence, path: Path = FILE) -> None:
    """Write the evidence whole or not at all, a line a record, so that two runs can be compared with diff."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text(evidence), encoding="utf-8")
    os.replace(fresh, path)


def text(evidence: Evidence) -> str:
    """The evidence as JSON, its parts in the order of their ids, each cell and measurement on a line of its own."""
    whole = evidence.model_dump(mode="json")
    cells, measurements = whole.pop("cells"), whole.pop("measurements")
    head = json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True)[:-2]
    return f'{head},\n "cells": {_lines(cells)},\n "measurements": {_lines(measurements)}\n}}\n'


def _lines(records: Mapping[str, Any]) -> str:
    each = [f"  {json.dumps(key)}: {json.dumps(records[key], ensure_ascii=False)}" for key in sorted(records)]
    return "{\n" + ",\n".join(each) + "\n }" if each else "{}"
