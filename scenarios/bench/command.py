"""`make bench` as it is watched: each experiment in turn, what it found, and at the end which goals are met."""

from __future__ import annotations

import importlib
import inspect
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from compose.refusals import CannotRun
from scenarios import compare, narrowing
from scenarios.bench import experiments, record, tables
from scenarios.bench.experiment import FULL, QUICK, Experiment, Sizes, Told
from scenarios.bench.record import Bench, Held
from scenarios.evidence import Environment

HERE = Path(experiments.__file__).parent


def names(only: str = "") -> list[str]:
    """The experiments whose names match the regular expression `only`, in alphabetical order."""
    return list(filter(narrowing.pattern(only).search, _files()))


def _files() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


def bench(out: Console, only: str, quick: bool) -> bool:
    """Hold every experiment, or those that `only` matches; whether all went well.

    One that fails is told of, and the rest goes on.  In the quick form a promise that is clearly broken counts as well.
    """
    sizes, path = (QUICK, record.QUICK_FILE) if quick else (FULL, record.FILE)
    chosen = names(only)
    if not chosen:
        raise CannotRun("no experiment has such a name", f"ONLY is a regular expression on {', '.join(names())}")
    before = kept(path) if only else None
    began, now, done, part = time.monotonic(), compare.environment(), {}, path.with_suffix(".part")
    for name, held in _each(chosen, sizes, now, out):
        done[name] = held
        record.write(record.merged(before, done, now, names()), part)
        out.print(tables.heading(name, held))
        for part_of_it in tables.found(held):
            out.print(part_of_it)
    if done:
        part.replace(path)
        out.print("[bold]goals[/]", tables.goals(done), sep="\n")
    failed = ", ".join(name for name in chosen if name not in done)
    out.print(f"{len(done)} of {len(chosen)} experiments in {time.monotonic() - began:.0f} s", end=" ")
    out.print(f"[bold red]failed: {failed}[/]" if failed else f"→ report/{path.name}")
    broken = quick and any(each.broken for held in done.values() for each in held.compared)
    return not failed and not broken


def _each(chosen: list[str], sizes: Sizes, now: Environment, out: Console) -> Iterator[tuple[str, Held]]:
    """What each experiment found that could be held to its end."""
    began = time.monotonic()
    for number, name in enumerate(chosen, 1):
        try:
            with _telling(out, f"{number}/{len(chosen)} {name}", began) as told:
                held = hold(name, sizes, now, told)
        except Exception as error:  # whatever it is, the others can still be held
            out.print(f"{name} failed: {_words(error)}", style="bold red", markup=False, soft_wrap=True)
        else:
            yield name, held


def hold(name: str, sizes: Sizes, now: Environment, told: Told) -> Held:
    """Hold one experiment; raises whatever it raises."""
    began = time.monotonic()
    experiment: Experiment = importlib.import_module(f"{experiments.__name__}.{name}")
    result = experiment.run(sizes, told)
    return record.held(inspect.getdoc(experiment) or "", result, sizes, now, time.monotonic() - began)


def kept(path: Path) -> Bench | None:
    """What an earlier run has left; None when there was none, or `CannotRun` when it cannot be understood."""
    try:
        return record.read(path)
    except FileNotFoundError:
        return None
    except record.Unreadable as error:
        raise CannotRun(str(error), "make bench, without ONLY") from None


def _words(error: Exception) -> str:
    """What went wrong, and where, in a line or two."""
    [*_, last] = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"


@contextmanager
def _telling(out: Console, what: str, began: float) -> Iterator[Told]:
    """A line that moves on a terminal; elsewhere a line when the experiment begins."""

    def line(step: str) -> str:
        return f"{escape(what)} · {escape(step)} · {time.monotonic() - began:.0f} s so far"

    if not out.is_terminal:
        out.print(line("begins"))
        yield lambda step: None
        return
    with out.status(line("begins")) as status:
        yield lambda step: status.update(line(step))
