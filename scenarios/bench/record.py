"""What was measured, as data: `report/bench.json`; a quick run's lies beside it as `bench-quick.json`, uncommitted.

    schema_version          1
    environment             where and with what the latest run was made, as in the evidence (`scenarios.evidence`)
    experiments             by name, each:
      question, method      the docstring of its module: what it asks, how, and what the figures do not say
      when, commit          of the run that it comes from, for a narrowed run leaves the others as they are
      seconds, quick, rounds, requests
      rows                  by contestant: `proven`, what its preflight showed; `figures`, each a spread
      compared              the goals: ours, theirs, figure, most, margin, and `ratio`, a spread; `met`, `broken`
      series                curves: name, x and y with their units, and points of x and a spread of y
      notes                 what else is to be known

A spread is the median of the rounds, a 95 % interval of it (low, high), the quartiles, and the count of rounds.  CPU
times are microseconds (`_us`), latencies milliseconds (`_ms`); a ratio is of pairs, each from one round.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from scenarios.bench.experiment import Result, Sizes
from scenarios.bench.statistics import Spread
from scenarios.evidence import BENCH, REPORT, Environment, Record

SCHEMA: Literal[1] = 1
FILE = BENCH
QUICK_FILE = REPORT / "bench-quick.json"


class Row(Record):
    """One contestant."""

    proven: tuple[str, ...]
    figures: dict[str, Spread]


class Compared(Record):
    """One goal."""

    ours: str
    theirs: str
    figure: str
    most: float
    margin: float
    ratio: Spread
    met: bool
    broken: bool


class Series(Record):
    """One curve."""

    name: str
    x: str
    y: str
    points: tuple[tuple[float, Spread], ...]


class Held(Record):
    """One experiment, held."""

    question: str
    method: str
    when: str
    commit: str
    seconds: float
    quick: bool
    rounds: int
    requests: int
    rows: dict[str, Row]
    compared: tuple[Compared, ...]
    series: tuple[Series, ...]
    notes: tuple[str, ...]


class Bench(Record):
    """Everything."""

    schema_version: Literal[1] = SCHEMA
    environment: Environment
    experiments: dict[str, Held] = Field(default_factory=dict)


class Unreadable(Exception):
    """The file is no record that we understand; the message says why."""


def held(text: str, result: Result, sizes: Sizes, environment: Environment, seconds: float) -> Held:
    """What `result` comes to, with the docstring `text` of its module."""
    question, _, method = text.partition("\n\n")
    return Held(
        question=question,
        method=method,
        when=environment.when,
        commit=environment.commit,
        seconds=round(seconds, 1),
        quick=sizes.quick,
        rounds=sizes.rounds,
        requests=sizes.requests,
        rows={row.name: Row(proven=tuple(row.proven), figures=dict(row.figures)) for row in result.rows},
        compared=tuple(
            Compared(**vars(each.goal), ratio=each.ratio, met=each.met, broken=each.broken) for each in result.compared
        ),
        series=tuple(Series(name=one.name, x=one.x, y=one.y, points=tuple(one.points)) for one in result.series),
        notes=tuple(result.notes),
    )


def merged(before: Bench | None, new: Mapping[str, Held], environment: Environment, known: Collection[str]) -> Bench:
    """The record with what is `new` in the place of what stood there, and nothing that is not `known` any more."""
    whole = {**(before.experiments if before else {}), **new}
    kept = {name: whole[name] for name in sorted(whole) if name in known}
    return Bench(environment=environment, experiments=kept)


def read(path: Path = FILE) -> Bench:
    """The record in a file; raises `Unreadable`, and `FileNotFoundError` when no run was made yet."""
    try:
        return Bench.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unreadable(f"{path.name} is no record of schema {SCHEMA}: {str(error).splitlines()[0]}") from None


def write(bench: Bench, path: Path = FILE) -> None:
    """Write the record whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text(bench), encoding="utf-8")
    os.replace(fresh, path)


def text(bench: Bench) -> str:
    """The record as JSON, a line for each contestant and goal, so that two runs can be compared with diff."""
    whole = bench.model_dump(mode="json")
    lines = []
    for name, held in whole.pop("experiments").items():
        parts = [f"  {json.dumps(key)}: {_part(value)}" for key, value in held.items()]
        lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(parts) + "\n }")
    head = json.dumps(whole, indent=1, ensure_ascii=False)[:-2]
    return f'{head},\n "experiments": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def _part(value: object) -> str:
    """A member of an experiment: each item of a list or an object on a line of its own."""
    if isinstance(value, dict) and value:
        items = [f"   {json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n  }"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"   {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"
    return json.dumps(value, ensure_ascii=False)
