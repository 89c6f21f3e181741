"""Break each guard on purpose, one line at a time, and see that a test notices.

The data is in `sabotages`: a file, the exact line, what replaces it, and the check that must turn.  Each worker has a
copy of the tree of its own; product code carries no switches for any of this.  First every check has to pass with
nothing broken, or it would "notice" anything.
"""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import SimpleQueue

from rich.console import Console
from rich.markup import escape

from compose.refusals import CannotRun
from compose.topology import REPO
from scenarios import narrowing
from scenarios.sabotages import SABOTAGES, Sabotage

WORKERS = 2
SECONDS = 240
"""No check may take longer than this; a busy machine is no reason to fail."""
TREES = ("services", "idp", "certs", "compose", "scenarios", "tests", "conftest.py", "pyproject.toml")
NOT_SOURCES = shutil.ignore_patterns("__pycache__", "node_modules")
PASSED, FAILED = 0, 1  # what pytest's exit code says; anything else is that it could not run


class Result(Enum):
    """What came of one sabotage."""

    NOTICED = "noticed"
    NOT_NOTICED = "NOT NOTICED"
    GONE = "THE LINE IS NO LONGER THERE"
    FAILS_ANYWAY = "THE CHECK FAILS WITH NOTHING BROKEN"
    UNCHECKED = "THE CHECK COULD NOT RUN"


@dataclass(frozen=True)
class Report:
    """One sabotage, and what came of it."""

    sabotage: Sabotage
    result: Result
    seconds: float
    words: str = ""
    """The last words of a check that did not do what it should."""


def found(sabotage: Sabotage, root: Path = REPO) -> bool:
    """Whether each of its lines is in its file, exactly once."""
    return all((root / file).read_text(encoding="utf-8").count(line) == 1 for file, line, _ in sabotage.edits())


@contextmanager
def broken(sabotage: Sabotage, root: Path) -> Iterator[None]:
    """The tree at `root` with the sabotage committed, and mended afterwards."""
    whole = {root / file: (root / file).read_text(encoding="utf-8") for file, _, _ in sabotage.edits()}
    try:
        for file, line, instead in sabotage.edits():
            text = (root / file).read_text(encoding="utf-8")
            (root / file).write_text(text.replace(line, instead), encoding="utf-8")
        yield
    finally:
        for path, text in whole.items():
            path.write_text(text, encoding="utf-8")


class Checker:
    """One copy of the tree, and a warm Python beside it that runs pytest in there; end it when done."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._said = root.with_name(f"{root.name}.said")
        ours = ("PYTEST", "PYTHON", "MAKE", "SHOP_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._python = subprocess.Popen(
            [sys.executable, "-I", str(REPO / "scenarios" / "warm.py")],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, nodes: Sequence[str]) -> tuple[int, str]:
        """Run pytest on `nodes`: its exit code, and its last words."""
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        wanted = {"root": str(self.root), "nodes": nodes, "said": str(self._said)}
        print(json.dumps(wanted), file=self._python.stdin, flush=True)
        child = int(self._python.stdout.readline())
        late = threading.Timer(SECONDS + 10 * len(nodes), _end, [child])
        late.start()
        try:
            code = int(self._python.stdout.readline())
        finally:
            late.cancel()
        lines = self._said.read_text(encoding="utf-8", errors="replace").splitlines()
        return code, "\n".join([line for line in lines if line.strip()][-3:])

    def end(self) -> None:
        """Let the Python go."""
        with self._python:  # closes its standard input, which is how it learns that there is nothing more to do
            pass


def _end(child: int) -> None:
    """It takes too long: as Ctrl-C does it, so that pytest ends what its tests have started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGINT)


@contextmanager
def checkers(number: int) -> Iterator[list[Checker]]:
    """As many copies of the tree, each with its Python; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fivelocks-sabotage-") as directory, contextlib.ExitStack() as ending:
        made = []
        for each in range(number):
            root = Path(directory) / str(each)
            root.mkdir()
            for name in TREES:
                if (REPO / name).is_dir():
                    shutil.copytree(REPO / name, root / name, ignore=NOT_SOURCES)
                else:
                    shutil.copy2(REPO / name, root / name)
            # Checked by content: by its date and size, one sabotage could pass for the next.
            compileall.compile_dir(root, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
            made.append(Checker(root))
            ending.callback(made[-1].end)
        yield made


def commit(sabotage: Sabotage, checker: Checker) -> Report:
    """Break the line in the checker's copy, run the check, and mend the line again."""
    began = time.monotonic()
    if not found(sabotage, checker.root):
        return Report(sabotage, Result.GONE, 0)
    with broken(sabotage, checker.root):
        code, words = checker.check([sabotage.check])
    result = {FAILED: Result.NOTICED, PASSED: Result.NOT_NOTICED}.get(code, Result.UNCHECKED)
    return Report(sabotage, result, time.monotonic() - began, "" if result is Result.NOTICED else words)


def unsound(checker: Checker, nodes: Sequence[str]) -> dict[str, str]:
    """Those of `nodes` that do not pass with nothing broken, and their last words; looked for singly when one fails."""
    code, words = checker.check(nodes)
    if code == PASSED:
        return {}
    if len(nodes) == 1:
        return {nodes[0]: words}
    return {node: words for single in nodes for node, words in unsound(checker, [single]).items()}


def by_file(sabotages: Iterable[Sabotage]) -> dict[str, list[Sabotage]]:
    """The sabotages by the file that their check is in: run together, so that the baseline of each is run once."""
    grouped: dict[str, list[Sabotage]] = {}
    for sabotage in sabotages:
        grouped.setdefault(sabotage.check.partition("::")[0], []).append(sabotage)
    return grouped


def run(
    sabotages: Sequence[Sabotage],
    tell: Callable[[Report], None],
    say: Callable[[str], None],
    workers: int = WORKERS,
) -> list[Report]:
    """Commit them all, `workers` at a time, each in a copy of its own; `tell` is told of each as soon as it is done."""
    reports: list[Report] = []
    idle: SimpleQueue[Checker] = SimpleQueue()
    telling = threading.Lock()

    def told(report: Report) -> Report:
        with telling:
            reports.append(report)
            tell(report)
        return report

    def baseline(group: list[Sabotage]) -> tuple[list[Sabotage], dict[str, str]]:
        checker = idle.get()
        try:
            return group, unsound(checker, sorted({sabotage.check for sabotage in group}))
        finally:
            idle.put(checker)

    def one(sabotage: Sabotage) -> Report:
        checker = idle.get()
        try:
            return told(commit(sabotage, checker))
        finally:
            idle.put(checker)

    with checkers(workers) as made, ThreadPoolExecutor(workers) as pool:
        for checker in made:
            idle.put(checker)
        try:
            sound = [pool.submit(baseline, group) for group in by_file(sabotages).values()]
            todo = []
            for number, done in enumerate(as_completed(sound), 1):
                group, wrong = done.result()
                say(f"{number}/{len(sound)} {group[0].check.partition('::')[0]}: its checks, with nothing broken")
                for sabotage in group:
                    if sabotage.check in wrong:
                        told(Report(sabotage, Result.FAILS_ANYWAY, 0, wrong[sabotage.check]))
                    else:
                        todo.append(pool.submit(one, sabotage))
            for each in as_completed(todo):
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return reports


def report(out: Console, only: str = "") -> bool:
    """Run the sabotages whose name, file or check matches `only`, and print each; whether every one was noticed."""
    wanted = narrowing.pattern(only)
    chosen = [each for each in SABOTAGES if wanted.search(f"{each.name} {each.file} {each.check}")]
    if not chosen:
        raise CannotRun("no sabotage matches", "ONLY is a regular expression on a sabotage's name, file and check")
    began, width = time.monotonic(), len(str(len(chosen)))
    done = 0

    def tell(came: Report) -> None:
        nonlocal done
        done += 1
        noticed = came.result is Result.NOTICED
        said = f"[green]{came.result.value}[/]" if noticed else f"[bold red]{came.result.value}[/]"
        where = f"{came.sabotage.file}: {came.sabotage.name}"
        out.print(f"{done:>{width}}/{len(chosen)} {came.seconds:5.1f} s  {said}  {escape(where)}", soft_wrap=True)
        if not noticed:
            out.print(f"{came.sabotage.check}\n{came.words}", style="dim", markup=False, soft_wrap=True)

    reports = run(chosen, tell, lambda line: out.print(line, style="dim", markup=False))
    missed = [each for each in reports if each.result is not Result.NOTICED]
    seconds = time.monotonic() - began
    said = f"[bold red]{len(missed)} were not noticed[/]" if missed else "[green]every one was noticed[/]"
    out.print(f"{len(reports)} sabotages in {seconds:.0f} s: {said}")
    return not missed
