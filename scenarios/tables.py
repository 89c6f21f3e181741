"""The README's tables: the article's own, the figures and the matrix, made of the evidence; the costs, of the bench.

Each stands in a marked block; a test fails when a block and the evidence disagree.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from compose.topology import PATTERNS, REPO
from scenarios import walk
from scenarios.bench import lines
from scenarios.bench.record import Bench
from scenarios.bench.statistics import Spread
from scenarios.claims import Finding, summary
from scenarios.evidence import Cell, Evidence, Figure
from scenarios.registry import Story
from scenarios.statements import CALLS, HOPS, MEMORY, PASSWORD, READERS

README = REPO / "README.md"
SIGNS = {
    Finding.AGREES: "✓",
    Finding.DISAGREES: "✗",
    Finding.DEPENDS: "±",
    Finding.UNSAID: "",
    Finding.UNMEASURED: "?",
}
WORDS = {"UNISSUED": "unissued", "REFUSED": "refused", "SERVED": "**served**"}
"""Verdicts that are not told better by the status of their answers."""
MOST_NAMED = 5
"""Of the goals that are missed; where they are more, the report has them."""


@dataclass(frozen=True)
class Line:
    """One line of the table of figures."""

    title: str
    measurement: str
    figures: tuple[str, ...]
    """The names that it goes by; not every pattern has the same kind of credential."""
    form: str = "{:g}"

    def figure(self, evidence: Evidence, pattern: str) -> Figure | None:
        """The figure under a pattern; None where there is none."""
        found = (evidence.figure(self.measurement, pattern, name) for name in self.figures)
        return next((each for each in found if each is not None), None)


DISABLED = ("password/person disabled", "token/person disabled")
OPEN = ("service certificate/revoked, open connection",)
LINES = (
    Line("operations inside completed by an attacker with nothing", "blast_radius", ("inside",), "{:.0%}"),
    Line("… by one who broke into inventory, with what it holds", "blast_radius", ("inventory",), "{:.0%}"),
    Line("… by one who broke into orders, with what it holds", "blast_radius", ("orders",), "{:.0%}"),
    Line("… and with what passes by there", "blast_radius", ("orders as people pass by",), "{:.0%}"),
    Line("processes whose memory holds the user's password", "exposure", (PASSWORD,)),
    Line("processes whose memory holds a reusable secret", "exposure", (MEMORY,)),
    Line("hops that carry one", "exposure", (HOPS,)),
    Line("processes that can read the user store", "exposure", (READERS,)),
    Line("seconds of access after a person is disabled", "revocation", DISABLED),
    Line("… after a certificate is revoked, on an open connection", "revocation", OPEN),
    Line("works with the identity provider down", "outage", ("works with the IdP down",), "{:.0%}"),
    Line("calls to the identity provider per order", "idp_calls", (CALLS,)),
    Line("handshakes inside, first order", "wire", ("handshakes, first order",)),
    Line("bytes of credentials per order", "wire", ("credential bytes per order",)),
    Line("bytes on the wire per order", "wire", ("bytes on the wire per order, warm",)),
)  # fmt: skip


def blocks(evidence: Evidence, stories: Mapping[str, Story], bench: Bench | None) -> dict[str, str]:
    """The text of each block by its name."""
    return {
        "walk": walk.text(stories),
        "article": article(evidence),
        "figures": figures(evidence),
        "matrix": matrix(evidence, stories),
        "costs": costs(bench),
    }


def article(evidence: Evidence) -> str:
    """The article's summary table: what it says, what was measured, and whether they agree."""
    rows = summary(evidence)
    lines = [_row("", *(row.question for row in rows)), _row(*["---"] * (len(rows) + 1))]
    for index, pattern in enumerate(cell.pattern for cell in rows[0].cells):
        judged = [row.cells[index] for row in rows]
        told = [f"{cell.article} → {cell.measured} {SIGNS[cell.finding]}".strip() for cell in judged]
        lines.append(_row(f"**{pattern}**", *told))
    return "".join(lines)


def figures(evidence: Evidence) -> str:
    """The most telling figures, a column a pattern."""
    lines = [_row("", *PATTERNS), _row("---", *["---:"] * len(PATTERNS))]
    for line in LINES:
        found = [line.figure(evidence, pattern) for pattern in PATTERNS]
        lines.append(_row(line.title, *(_figure(each, line.form) for each in found)))
    return "".join(lines)


def _figure(figure: Figure | None, form: str) -> str:
    return "–" if figure is None or figure.value is None else form.format(figure.value)


def costs(bench: Bench | None) -> str:
    """What each lock costs, a column a pattern; and what the goals and the peers come to, in a sentence each."""
    if bench is None:
        return "Nothing is measured yet: `make bench` does it, and `make matrix` then writes the table here.\n"
    table = [_row("", *PATTERNS), _row("---", *["---:"] * len(PATTERNS))]
    for line in lines.LINES:
        found = line.costs(bench)
        table.append(_row(line.title, *(_cost(found.get(pattern), line.unit) for pattern in PATTERNS)))
    told = textwrap.fill(" ".join(_sentences(bench)), 120, break_on_hyphens=False, break_long_words=False)
    return f"{''.join(table)}\n{told}\n"


def _sentences(bench: Bench) -> Iterator[str]:
    """When it was measured, which goals are met, and how ours compares with what people would otherwise pick."""
    env, goals = bench.environment, [goal for _, goal in lines.goals(bench)]
    runs = sorted({f"{held.when[:10]} at {held.commit}" for held in bench.experiments.values()})
    yield f"Measured {' and '.join(runs)}, on {env.cores} cores with Python {env.python}."
    if goals:
        missed = [f"{goal.ours} against {goal.theirs} ({goal.ratio.median:.2f})" for goal in goals if not goal.met]
        which = ", ".join(missed) if len(missed) <= MOST_NAMED else "the report says which"
        yield f"Of {len(goals)} goals {len(goals) - len(missed)} are met{'; missed: ' + which if missed else ''}."
    beside = bench.experiments.get("peers")
    if beside and beside.compared:
        ratios = sorted(1 / goal.ratio.median for goal in beside.compared)
        low, high = f"{ratios[0]:.2f}", f"{ratios[-1]:.3g}"
        yield f"Behind other people's libraries a request costs {low} to {high} times what it costs behind ours."


def _cost(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return "–"
    if unit == "times":
        return f"{spread.median:.2f}"
    small = lines.next_to_nothing(spread.median, unit)
    return small or (f"{spread.median:.0f}" if spread.median >= 100 else lines.three_digits(spread.median))


def matrix(evidence: Evidence, stories: Mapping[str, Story]) -> str:
    """What came of each story under each pattern, group by group."""
    lines = [_row("scenario", *PATTERNS), _row("---", *[":---:"] * len(PATTERNS))]
    for group, told in itertools.groupby(stories.values(), key=lambda story: story.group):
        lines.append(_row(f"*{group}*", *[""] * len(PATTERNS)))
        for story in told:
            cells = [evidence.cells.get(f"{story.name}/{pattern}") for pattern in PATTERNS]
            name = story.name.replace("_", " ")
            lines.append(_row(f"[{name}](scenarios/stories/{story.name}.py)", *map(word, cells)))
    return "".join(lines)


def word(cell: Cell | None) -> str:
    """A cell in a word: the verdict, or the statuses that it was given with."""
    if cell is None:
        return "not run"
    if cell.surprises:
        return "**surprise**"
    statuses = sorted({case.status for case in cell.cases if case.status})
    return WORDS.get(cell.expected) or ("4xx" if len(statuses) > 3 else "/".join(map(str, statuses)))


def readme(evidence: Evidence, stories: Mapping[str, Story], bench: Bench | None, text: str) -> str:
    """The README's `text` with every block as the data have it; `ValueError` when a block's marks are missing."""
    for name, block in blocks(evidence, stories, bench).items():
        begin, end = f"<!-- {name}: written by `make compare` -->\n", f"<!-- end of {name} -->\n"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the README has no block {name!r}")
        text = f"{before}{begin}\n{block}\n{end}{after}"
    return text


def write(evidence: Evidence, stories: Mapping[str, Story], bench: Bench | None) -> list[Path]:
    """Write the README's blocks; the README, if it changed by it."""
    text = README.read_text(encoding="utf-8")
    wanted = readme(evidence, stories, bench, text)
    if wanted == text:
        return []
    README.write_text(wanted, encoding="utf-8")
    return [README]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
