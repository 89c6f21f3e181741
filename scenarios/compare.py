"""Everything, under every pattern: the run that the comparison is made of.

Each pattern is a column, in a process and a shop of its own; as many run side by side as this machine can bear.  What
comes of each cell is written down at once, so that a run that is cut off can be taken up again; and a cell that breaks
off is shown, and the rest goes on.
"""

from __future__ import annotations

import json
import os
import platform
import queue
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from compose import engine
from compose.topology import PATTERNS, REPO
from scenarios import evidence, narrowing
from scenarios.evidence import Cell, Environment, Evidence, Measurement

SIDE_BY_SIDE = 2
PACKAGES = ("flask", "gunicorn", "requests", "pyjwt", "cryptography", "authlib", "argon2-cffi", "sqlalchemy")
Record = Cell | Measurement


class Died(Exception):
    """A column's process ended before its work; the message holds its last words."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, column by column, and in which runtime."""

    runtime: str
    columns: Mapping[str, tuple[str, ...]]
    """By pattern, the names of stories and measurements."""
    only: str = ""

    @property
    def total(self) -> int:
        return sum(map(len, self.columns.values()))


@dataclass
class Progress:
    """How far each column has got, for whoever watches."""

    plan: Plan
    began: float = field(default_factory=time.monotonic)
    done: dict[str, int] = field(default_factory=dict)
    now: dict[str, str] = field(default_factory=dict)
    """What runs at this moment, by pattern; a column that is not begun, or is over, has nothing here."""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


Tell = Callable[[Progress, Record | None], None]
"""Is told of every step: how far all is, and the record that has just come, if one has."""


def plan(names: Iterable[str], runtime: str, only: str = "", done: Iterable[str] = ()) -> Plan:
    """Every name under every pattern whose id matches the regular expression `only` and is not `done` already."""
    already, asked_for = set(done), narrowing.pattern(only).search
    columns = {
        pattern: tuple(name for name in names if (each := f"{name}/{pattern}") not in already and asked_for(each))
        for pattern in PATTERNS
    }
    return Plan(runtime, {pattern: wanted for pattern, wanted in columns.items() if wanted}, only)


def run(planned: Plan, tell: Tell) -> Iterator[Record]:
    """Do all that is planned; what each cell and measurement comes to, as soon as it is there.

    `tell` is told of every step.  Raises `Died` at the end when a column could not go on, once the others are done.
    """
    progress, events = Progress(planned), Events()
    waiting, running, dead = list(planned.columns), 0, []
    with _ending() as started:
        while waiting or running:
            while waiting and running < SIDE_BY_SIDE:
                running += 1
                started.append(_start(planned, waiting.pop(0), events))
            pattern, event = events.get()
            record = _understood(event) if event else None
            if event is None or event["event"] == "died":
                running -= 1 if event is None else 0
                progress.now.pop(pattern, None)
                dead += [f"{pattern}: {event['words']}"] if event else []
            elif event["event"] in {"up", "begun"}:
                progress.now[pattern] = event.get("id", "the shop is up").partition("/")[0]
            elif record:
                progress.done[pattern] = progress.done.get(pattern, 0) + 1
            tell(progress, record)
            if record:
                yield record
    if dead:
        raise Died("\n".join(dead))


def _understood(event: Mapping[str, Any]) -> Record | None:
    kinds: dict[str, type[Record]] = {"cell": Cell, "measurement": Measurement}
    kind = kinds.get(event["event"])
    return kind.model_validate(event["record"]) if kind else None


Events = queue.SimpleQueue[tuple[str, dict[str, Any] | None]]
"""What the columns say, each with its pattern; None is a column's end."""


def _start(planned: Plan, pattern: str, events: Events) -> _Column:
    """Begin a column, and have a thread pass on what it says."""
    command = [sys.executable, "-m", "scenarios.column", pattern, planned.runtime]
    process = subprocess.Popen(
        command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(planned.columns[pattern]))
    process.stdin.close()
    listener = threading.Thread(target=_listen, args=(process, pattern, events), daemon=True)
    listener.start()
    return _Column(process, listener)


@dataclass(frozen=True)
class _Column:
    """One column at work, and the thread that listens to it."""

    process: subprocess.Popen[str]
    listener: threading.Thread


def _listen(process: subprocess.Popen[str], pattern: str, events: Events) -> None:
    """Pass on what a column says, and how it ended if it did not end well."""
    assert process.stdout is not None
    assert process.stderr is not None
    words: list[str] = []
    complaints = threading.Thread(target=lambda stream: words.extend(stream), args=(process.stderr,), daemon=True)
    with process:  # closes its streams when all is said
        complaints.start()
        for line in process.stdout:
            events.put((pattern, json.loads(line)))
        complaints.join()
    if process.returncode:
        events.put((pattern, {"event": "died", "words": "".join(words[-8:]).strip() or f"code {process.returncode}"}))
    events.put((pattern, None))


@contextmanager
def _ending() -> Iterator[list[_Column]]:
    """The columns that were begun; whatever happens, each has ended its shop when the block is left."""
    started: list[_Column] = []
    try:
        yield started
    finally:
        for column in started:
            if column.process.poll() is None:
                column.process.terminate()
        for column in started:
            column.listener.join()


def merged(before: Evidence | None, records: Iterable[Record], planned: Plan, seconds: float) -> Evidence:
    """The evidence with what came of this run in it, in place of what stood there before."""
    now = environment()
    what = f"{now.when} at {now.commit}, {planned.total} cells{f' of {planned.only!r}' if planned.only else ''}"
    base = before or Evidence(runtime=planned.runtime, environment=now, seconds=0.0)
    made = list(records)
    cells = base.cells | {record.id: record for record in made if isinstance(record, Cell)}
    measurements = base.measurements | {record.id: record for record in made if isinstance(record, Measurement)}
    return Evidence(
        runtime=planned.runtime,
        environment=now,
        seconds=round(base.seconds + seconds, 1),
        history=(*base.history, what),
        cells=cells,
        measurements=measurements,
    )


def without(evidence: Evidence, known: Iterable[str]) -> Evidence:
    """The evidence without what there is no story or measurement for any more."""
    names = set(known)
    cells = {each: cell for each, cell in evidence.cells.items() if cell.story in names}
    measurements = {each: found for each, found in evidence.measurements.items() if found.name in names}
    return evidence.model_copy(update={"cells": cells, "measurements": measurements})


def environment() -> Environment:
    """Where and with what this is."""
    missing = engine.trouble()
    server = missing or engine.docker("version", "--format", "{{.Server.Version}}").stdout.strip()
    return Environment(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        python=platform.python_version(),
        openssl=ssl.OPENSSL_VERSION,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        engine=server,
        packages={name: metadata.version(name) for name in PACKAGES},
    )


def _commit() -> str:
    """The commit that the tree is at, and whether anything was changed since; `unknown` without git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude", "*"], cwd=REPO, capture_output=True, text=True
        )
    except FileNotFoundError:
        return "unknown"
    return said.stdout.strip() or "unknown"


def file(runtime: str) -> Path:
    """Where the evidence of that runtime is kept: the local one is what the README and the report are made from."""
    return evidence.FILE if runtime == "local" else evidence.FILE.with_name(f"evidence-{runtime}.json")
