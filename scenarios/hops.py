"""The story of one request, hop by hop, read from the audit lines of every process by its trace id.

A hop's caller is not what the callee believes, but what the trace shows: the line whose span is the hop's parent.  Each
line says how many calls its request made, so we know when all the lines of a story are there.
"""

from __future__ import annotations

import json
import time
from typing import Any

from rich.markup import escape
from rich.table import Table

from compose.processes import whole_lines
from compose.shop import Shop
from scenarios.evidence import Hop

SERVICES = ("gateway", "orders", "inventory", "billing", "idp")
PATIENCE_SECONDS = 5.0


class StoryIncomplete(Exception):
    """Some lines of the trace did not turn up; `hops` are what the others tell."""

    def __init__(self, trace: str, hops: list[Hop]) -> None:
        super().__init__(f"of trace {trace} only {len(hops)} lines were found")
        self.hops = hops


def story(shop: Shop, trace: str, patience: float = PATIENCE_SECONDS) -> list[Hop]:
    """The hops of `trace` in the order in which they began; waits `patience` seconds for the last lines to be written.

    Raises `StoryIncomplete`.
    """
    deadline = time.monotonic() + patience
    while True:
        is_last = time.monotonic() > deadline  # however long the look before it took
        lines = _lines(shop, trace)
        if _complete(lines):
            return _told(lines, "you")
        if is_last:
            raise StoryIncomplete(trace, _told(lines, "?"))
        time.sleep(0.05)  # the lines are in files or an engine's log: there is nothing to wait on but the next look


def _told(lines: list[dict[str, Any]], unseen: str) -> list[Hop]:
    """The hops that the lines tell of; `unseen` is who called where a caller is named whose line is not there."""
    services = {line["span"]: line["service"] for line in lines}
    return [_hop(line, services.get(line["parent"], unseen if line["parent"] else "you")) for line in _in_order(lines)]


def _lines(shop: Shop, trace: str) -> list[dict[str, Any]]:
    """The audit lines of `trace`, from every process that writes them."""
    found = []
    for name in SERVICES:
        for text in whole_lines(shop.logs(name)):
            if trace in text:
                found.append(json.loads(text))
    return [line for line in found if line.get("trace") == trace]


def _complete(lines: list[dict[str, Any]]) -> bool:
    """Whether the line of the first request is there, and those of all the calls that the lines tell of."""
    expected = 1 + sum(line["calls"] + line["idp_calls"] for line in lines)
    return bool(_first(lines)) and len(lines) >= expected


def _first(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of requests that came from outside of the shop's processes: nobody's line is their parent."""
    spans = {line["span"] for line in lines}
    return [line for line in lines if line["parent"] not in spans]


def _in_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Callers before callees, and siblings as they were answered."""
    ordered: list[dict[str, Any]] = []

    def visit(siblings: list[dict[str, Any]]) -> None:
        for line in sorted(siblings, key=lambda line: str(line["time"])):
            ordered.append(line)
            visit([child for child in lines if child["parent"] == line["span"]])

    visit(_first(lines))
    return ordered


def _hop(line: dict[str, Any], caller: str) -> Hop:
    return Hop(
        caller=caller,
        service=line["service"],
        request=f"{line['method']} {line['route'] or '?'}",
        presented=tuple(line["presented"]) or ("nothing",),
        checked=line.get("checked") or "",
        user=line.get("user") or "",
        vouched_by=line.get("vouched_by") or "",
        authorized_by=line.get("authorized_by") or "",
        answer=f"{line['status']} {line.get('reason') or ''}".strip(),
        idp_calls=line["idp_calls"],
        milliseconds=line["duration_ms"],
    )


def table(hops: list[Hop]) -> Table:
    """The hops as a table for the terminal."""
    drawn = Table(show_lines=True, pad_edge=False)
    for heading in ("caller → service", "presented", "checked", "user, by whose word", "allowed by"):
        drawn.add_column(heading, overflow="fold")
    drawn.add_column("answer", overflow="fold")
    drawn.add_column("IdP calls", justify="right")
    drawn.add_column("ms", justify="right")
    for hop in hops:
        drawn.add_row(
            f"[bold]{hop.caller} → {hop.service}[/]\n{escape(hop.request)}",
            escape("\n".join(hop.presented).replace(" of spiffe:", " of\nspiffe:")),
            escape(hop.checked),
            escape(f"{hop.user}\n{hop.vouched_by}" if hop.user else hop.vouched_by),
            escape(hop.authorized_by),
            escape(hop.answer),
            str(hop.idp_calls or ""),
            f"{hop.milliseconds:.0f}",
        )
    return drawn
