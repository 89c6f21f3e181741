"""`make compare` as it is watched: what runs, what is left, how long so far; and what is written when it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from compose import engine
from compose.refusals import CannotRun
from compose.shop import open_shop
from compose.topology import PATTERNS, REPO
from scenarios import compare, coverage, evidence, tables
from scenarios.bench import command as benchmarks
from scenarios.bench import record
from scenarios.compare import Plan, Progress, Record
from scenarios.evidence import Cell, Evidence
from scenarios.registry import gauges, stories
from scenarios.report import page


def comparison(out: Console, runtime: str, only: str, resume: bool) -> bool:
    """Run everything, or what `only` matches, and write what is made from it; whether nothing came as a surprise."""
    _insist_on(runtime)
    names = [*gauges(), *stories()]
    path = compare.file(runtime)
    part = path.with_suffix(".part")
    before = _kept(part if resume else path, resume=resume) if resume or only else None
    planned = compare.plan(names, runtime, only, [*before.cells, *before.measurements] if before and resume else [])
    if not planned.total:
        what = "ONLY is a regular expression on ids like idp_dark/jwt; with RESUME=1 only what is missing is run"
        raise CannotRun("there is nothing to do", what)
    out.print(f"{planned.total} cells in {len(planned.columns)} columns, {compare.SIDE_BY_SIDE} at a time ({runtime})")
    records: list[Record] = []
    began, died = time.monotonic(), ""
    try:
        with _watching(planned, out) as tell:
            for record in compare.run(planned, tell):
                records.append(record)
    except compare.Died as trouble:
        died = str(trouble)
    finally:
        seconds = time.monotonic() - began
        so_far = compare.without(compare.merged(before, records, planned, seconds), names)
        evidence.write(so_far, part)
        whole = _is_whole(so_far, names, part, out)
    if died:
        out.print(f"a column could not go on:\n{died}", style="bold red", markup=False)
    if whole:
        part.replace(path)
        _publish(so_far, path, out)
    told = {record.id for record in records} | (set(so_far.cells) | set(so_far.measurements) if resume else set())
    return _verdict(so_far, told, seconds, out) and not died


def _insist_on(runtime: str) -> None:
    """Raise `CannotRun` for a runtime that there is not, or not on this machine, before anything is written."""
    open_shop(PATTERNS[0], runtime)
    if runtime == "compose":
        engine.require()


def _is_whole(so_far: Evidence, names: list[str], part: Path, out: Console) -> bool:
    """Whether all is in it; if not, say where it is kept meanwhile, also to whoever has pressed Ctrl-C."""
    missing = len(names) * len(PATTERNS) - len(so_far.cells) - len(so_far.measurements)
    if missing:
        kept = part.relative_to(REPO)
        out.print(f"{missing} cells are not in it yet: kept as {kept}; go on with: make compare RESUME=1")
    return not missing


def _kept(path: Path, *, resume: bool) -> Evidence | None:
    """What an earlier run has left; None when a narrowed run is the first."""
    try:
        return evidence.read(path)
    except FileNotFoundError:
        if resume:
            raise CannotRun("there is no run to go on with", "make compare") from None
        return None


def _publish(whole: Evidence, path: Path, out: Console) -> None:
    """Write what is made from the evidence, where it is the one that counts."""
    out.print(f"wrote {path.relative_to(REPO)}")
    if path == evidence.FILE:
        told, bench = stories(), benchmarks.kept(record.FILE)
        for written in (*tables.write(whole, told, bench), *coverage.write(told), page.write(whole, bench)):
            out.print(f"wrote {written.relative_to(REPO)}")
    other = compare.file("compose" if whole.runtime == "local" else "local")
    if other.exists():
        for line in differences(evidence.read(other), whole):
            out.print(line, style="bold red", markup=False)


def differences(one: Evidence, other: Evidence) -> Iterator[str]:
    """The cells whose verdicts are not the same in two runs, in words."""
    for each in sorted(one.cells.keys() & other.cells.keys()):
        here, there = ({case.name: case.verdict for case in run.cells[each].cases} for run in (one, other))
        for case in sorted(name for name in here.keys() & there.keys() if here[name] != there[name]):
            name = f"{each} {case}".strip()
            yield f"{name}: {here[case]} ({one.runtime}), {there[case]} ({other.runtime})"


def _verdict(so_far: Evidence, told: set[str], seconds: float, out: Console) -> bool:
    """The last word on the cells that are `told` of: how many, how many cases, how long, and every surprise."""
    cells = [cell for cell in so_far.cells.values() if cell.id in told]
    surprised = [cell for cell in cells if cell.surprises]
    broken = [found for found in so_far.broken if found.id in told]
    cases = sum(len(cell.cases) for cell in cells)
    measured = len(told) - len(cells)
    out.print(f"{len(cells)} cells with {cases} cases and {measured} measurements in {seconds:.0f} s", end=": ")
    if not surprised and not broken:
        out.print("[green]no surprise[/]")
        return True
    out.print(f"[bold red]{len(surprised)} surprises, {len(broken)} broke off[/]")
    for cell in surprised:
        out.print(_surprise(cell), style="red", markup=False, soft_wrap=True)
    for found in broken:
        out.print(f"{found.id}: {found.broken}", style="red", markup=False, soft_wrap=True)
    return False


def _surprise(cell: Cell) -> str:
    told = "; ".join(
        f"{case.name + ': ' if case.name else ''}{case.verdict or 'broke off'} {case.words}".strip()
        for case in cell.surprises[:3]
    )
    more = len(cell.surprises) - 3
    return f"{cell.id}: not {cell.expected}, but {told}{f' … and {more} more' if more > 0 else ''}"


@contextmanager
def _watching(planned: Plan, out: Console) -> Iterator[compare.Tell]:
    """A display that moves on a terminal; elsewhere a line for each surprise and each column that is over."""
    with Live(console=out, refresh_per_second=4, transient=True) if out.is_terminal else _lines() as live:

        def tell(progress: Progress, record: Record | None) -> None:
            if isinstance(record, Cell) and record.surprises:
                out.print(_surprise(record), style="red", markup=False, soft_wrap=True)
            if isinstance(live, Live):
                live.update(_display(progress))
            elif record and progress.done[record.pattern] == len(planned.columns[record.pattern]):
                done = sum(progress.done.values())
                out.print(f"{record.pattern}: over · {done}/{planned.total} · {progress.seconds:.0f} s so far")

        yield tell


@contextmanager
def _lines() -> Iterator[None]:
    yield None


def _display(progress: Progress) -> Group:
    """A line a column, and one for the whole."""
    drawn = Table.grid(padding=(0, 2))
    for pattern, wanted in progress.plan.columns.items():
        done = progress.done.get(pattern, 0)
        at = progress.now.get(pattern, "over" if done == len(wanted) else "waits")
        drawn.add_row(f"[bold]{pattern}[/]", f"{done}/{len(wanted)}", _bar(done, len(wanted)), escape(at))
    done = sum(progress.done.values())
    return Group(drawn, Text(f"{done}/{progress.plan.total} · {progress.seconds:.0f} s so far", style="dim"))


def _bar(done: int, of: int, width: int = 24) -> str:
    full = round(width * done / of)
    return "█" * full + "░" * (width - full)
