"""The whole page: evidence, claims, costs and guide, put into the templates, with its style and script inside.

Nothing on it comes from elsewhere, and the content security policy at its top says so to the browser: no request leaves
the page, and only this one style sheet and this one script, known by their hashes, have any effect.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from compose.topology import PATTERNS
from scenarios import claims, evidence
from scenarios.bench.record import Bench
from scenarios.evidence import Evidence
from scenarios.registry import gauges, stories
from scenarios.report import bars, costs, figures, measured, sequence, words
from scenarios.report import stories as storybook
from scenarios.report.cited import Cited, cited
from scenarios.report.guide import GUIDE

TEMPLATES = Path(__file__).parent / "templates"
SHOP = Path(__file__).parent.parent.parent / "services" / "templates"
"""The shop's own templates, for the drawings of the locks."""
FILE = evidence.PAGE
STRESSED = re.compile(r"(?<![\w*])\*(\w(?:[^*]*\w)?)\*(?![\w*])")
RULES = {
    r"RFC (\d+)": "https://www.rfc-editor.org/rfc/rfc{}.html",
    r"CWE-(\d+)": "https://cwe.mitre.org/data/definitions/{}.html",
    r"CVE-(\d+-\d+)": "https://www.cve.org/CVERecord?id=CVE-{}",
}
"""Where a reference can be read, for those that have an address that one can tell from the name."""


def write(found: Evidence, bench: Bench | None = None, path: Path = FILE) -> Path:
    """Write the page whole or not at all; where it is."""
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(render(found, bench), encoding="utf-8")
    os.replace(fresh, path)
    return path


def render(found: Evidence, bench: Bench | None = None) -> str:
    """The page of one run, and of what was measured of the costs, if anything was."""
    templates = environment()
    templates.filters["cited"] = lambda reference: cited(reference, found, bench)
    style, script = (_source(name) for name in ("style.css", "open.js"))
    ledger = [(pattern, [each for each in claims.ledger(found) if each.pattern == pattern]) for pattern in PATTERNS]
    groups = storybook.told(found, stories())
    shown = list(storybook.cells(groups))
    return templates.get_template("page.html").render(
        evidence=found,
        surprises=[each.cell for each in shown if each.sense is storybook.Sense.SURPRISE],
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
        summary=claims.summary(found),
        ledger=[(pattern, each) for pattern, each in ledger if each],
        findings=list(claims.Finding),
        groups=groups,
        senses=list(storybook.Sense),
        kinds=sequence.kinds_in(hop for each in shown for hop in each.cell.hops),
        gauged=measured.gauged(found, gauges()),
        guide=GUIDE,
        bench=bench,
        aims=costs.aims(bench) if bench else [],
        glance=costs.glance(bench) if bench else [],
        asked=costs.asked(bench) if bench else [],
    )


def environment() -> jinja2.Environment:
    """Jinja, which escapes everything, stops at a name that is missing, and knows the words of the report."""
    loader = jinja2.ChoiceLoader(
        [jinja2.FileSystemLoader(TEMPLATES), jinja2.PrefixLoader({"shop": jinja2.FileSystemLoader(SHOP)})]
    )
    templates = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    templates.globals |= {
        "PATTERNS": PATTERNS,
        "PATTERN_NAMES": words.PATTERN_NAMES,
        "MEANINGS": words.MEANINGS,
        "draw": sequence.draw,
    }
    templates.filters |= {
        "anchor": words.anchor,
        "coded": coded,
        "counted": words.counted,
        "brief": sequence.brief,
        "kind": sequence.kind,
        "linked": linked,
        "number": figures.number,
        "scales": measured.scales,
        "duration": duration,
        "interval": bars.interval,
        "shown": bars.shown,
        "grouped": grouped,
        "json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    return templates


def policy(style: str, script: str) -> str:
    """What the page may do: use its own style and script, and images that are in it; and nothing else."""
    rules = ("default-src 'none'", f"style-src {_hash(style)}", f"script-src {_hash(script)}", "img-src data:")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def linked(reference: str) -> Markup:
    """A reference, with a link to where it can be read, if its name tells."""
    for rule, address in RULES.items():
        if found := re.search(rule, reference):
            return Markup('<a href="{}" rel="noreferrer">{}</a>').format(
                address.format(found[1]), words.printable(reference)
            )
    return escape(words.printable(reference))


def coded(text: str) -> Markup:
    """Prose in which what stands between backticks is code, and what stands between asterisks is stressed."""
    spoken = escape(words.printable(text)).split("`")
    if len(spoken) % 2 == 0:
        return Markup("`").join(spoken)
    pieces = (Markup("<code>{}</code>").format(each) if n % 2 else _stressed(each) for n, each in enumerate(spoken))
    return Markup("").join(pieces)


def _stressed(prose: Markup) -> Markup:
    """Escaped prose with its stressed words marked; odd ones are what the expression has caught."""
    pieces = enumerate(STRESSED.split(prose))
    return Markup("").join(Markup("<em>{}</em>").format(Markup(each)) if n % 2 else Markup(each) for n, each in pieces)


def grouped(cites: Iterable[Cited]) -> Mapping[str, list[Cited]]:
    """What is cited, by what it is: the same figure or story under several patterns together."""
    together: dict[str, list[Cited]] = {}
    for each in cites:
        together.setdefault(each.what, []).append(each)
    return together


def duration(seconds: float) -> str:
    """A time as people say it: `9 min 12 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    told = itertools.dropwhile(lambda part: not part[0], parts)
    return " ".join(f"{value} {unit}" for value, unit in told) or "less than a second"


def _harmless(value: Any) -> Any:
    """Text without characters that are not to be seen; whatever else as it is."""
    return words.printable(value) if type(value) is str else value


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The text as a content security policy names it (CSP Level 3 §2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
