"""What changes between two patterns: code, configuration, moving parts, and what comes of each scenario."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compose.refusals import CannotRun
from compose.topology import EDGE, INSIDE, PATTERNS, REPO, assignments, variant
from scenarios import evidence
from scenarios.evidence import Evidence
from scenarios.registry import Story
from scenarios.statements import CALLS

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
Rows = list[tuple[str, str, str]]


def known(name: str, what: str) -> str:
    """`name`, if it is a pattern's; `CannotRun` with the list when it is not."""
    if name not in PATTERNS:
        said = f"there is no pattern {name!r}" if name else f"{what} names no pattern"
        raise CannotRun(said, f"make diff FROM=basic TO=jwt; each is one of {', '.join(PATTERNS)}")
    return name


def show(before: str, after: str, stories: Mapping[str, Story], out: Console) -> None:
    """Print all four kinds of difference."""
    out.rule(f"[bold]{before} → {after}[/]: code", align="left")
    out.print(code(before, after), soft_wrap=True)
    for heading, rows in (
        ("configuration", configuration(before, after)),
        ("moving parts", moving_parts(before, after)),
        ("what comes of the scenarios", verdicts(before, after, stories)),
    ):
        out.rule(heading, align="left")
        if rows:
            out.print(_table(before, after, rows))
        else:
            out.print("no difference")


def code(before: str, after: str) -> Text:
    """The difference of the two pattern modules, line by line."""
    was, is_now = _module(before), _module(after)
    names = [path.relative_to(REPO).as_posix() for path in (was, is_now)]
    drawn = Text()
    for line in difflib.unified_diff(_lines(was), _lines(is_now), names[0], names[1], lineterm=""):
        drawn.append(line + "\n", style=COLOURS.get(line[:1], ""))
    return drawn or Text("no difference\n")


def configuration(before: str, after: str) -> Rows:
    """The lines of the env files, and the secret files that each process holds."""
    env = _pairs(assignments(before), assignments(after), "{}")
    return env + _pairs(_secrets(before), _secrets(after), "secrets of {}")


def _secrets(pattern: str) -> dict[str, str]:
    return {name: " ".join(files) for name, files in variant(pattern).secrets.items()}


def moving_parts(before: str, after: str) -> Rows:
    """What has to be there, and what is asked of it."""
    return _pairs(_parts(before), _parts(after), "{}")


def _parts(pattern: str) -> dict[str, str]:
    here = variant(pattern)
    return {
        "pattern module": f"{len(_lines(_module(pattern)))} lines",
        "IdP calls per order": _idp_calls(pattern),
        "hops inside": {"http": "plain HTTP", "https": "TLS"}[here.inner_scheme],
        "who has a certificate": ", ".join(name for name in (*EDGE, *INSIDE) if name in here.leaves),
        "who reads the user store": ", ".join(here.readers) or "only the identity provider",
    }


def _idp_calls(pattern: str) -> str:
    """As the last run counted them."""
    try:
        found = _evidence().figure("idp_calls", pattern, CALLS)
    except FileNotFoundError:
        found = None
    return f"{found.value:g}" if found and found.value is not None else "not measured yet: make compare"


@functools.cache
def _evidence() -> Evidence:
    return evidence.read()


def _module(pattern: str) -> Path:
    return REPO / "services" / "patterns" / f"{pattern}.py"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def verdicts(before: str, after: str, stories: Mapping[str, Story]) -> Rows:
    """The stories that end differently, each end with its reason."""
    rows = []
    for story in stories.values():
        was, is_now = story.expected[before], story.expected[after]
        if was.verdict is not is_now.verdict:
            rows.append((story.name, f"{was.verdict}: {was.reason}", f"{is_now.verdict}: {is_now.reason}"))
    return rows


def _pairs(before: Mapping[str, str], after: Mapping[str, str], label: str) -> Rows:
    """What differs between the two, under its name."""
    names = dict.fromkeys((*before, *after))
    found = [(label.format(name), before.get(name, ""), after.get(name, "")) for name in names]
    return [(name, was or "nothing", is_now or "nothing") for name, was, is_now in found if was != is_now]


def _table(before: str, after: str, rows: Rows) -> Table:
    drawn = Table(pad_edge=False, show_lines=True)
    drawn.add_column("")
    drawn.add_column(before, overflow="fold")
    drawn.add_column(after, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn
