"""The hops of one request, drawn as a sequence: who asked whom, what they showed, and what was answered.

A life line a process, a full arrow a request, a dashed one its answer.  What is shown is coloured by its kind, and said
in words too; its secrets were replaced by fingerprints before they came here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scenarios.evidence import Hop
from scenarios.report.words import counted, printable

KNOWN = ("you", "gateway", "orders", "inventory", "billing", "idp")
KINDS = (
    ("Basic ", "password"),
    ("Bearer ", "token"),
    ("DPoP ", "token"),
    ("certificate", "certificate"),
    ("a certificate", "certificate"),
    ("X-User", "word"),
    ("session cookie", "cookie"),
    ("nothing", "nothing"),
)
KIND_NAMES = {
    "password": "a name and password",
    "token": "a token",
    "certificate": "a certificate",
    "word": "the caller’s word",
    "cookie": "a session cookie",
    "other": "something else",
    "nothing": "nothing",
}
FIRST, COLUMN, HEAD, LINE = 44, 144, 30, 15
"""In the drawing's units: the first life line, the way to the next, the height of the names, of a line of text."""
LETTER = 6.8
LONGEST = 64


def kind(presented: str) -> str:
    """What kind of a credential it is."""
    return next((name for begin, name in KINDS if presented.startswith(begin)), "other")


def brief(text: str) -> str:
    """A request or a credential as it fits on an arrow."""
    text = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text)
    text = re.sub(r"spiffe://[^/ ]+/", "", text)
    return printable(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


@dataclass(frozen=True)
class _Arrow:
    """One request or answer, where it is drawn."""

    hop: int
    asked: bool
    x: int
    to: int
    y: int
    labels: tuple[tuple[str, str], ...]
    """Lines of text above it: the class that colours each, and the line."""


def draw(hops: Sequence[Hop], ident: str) -> Markup:
    """The whole sequence; `ident` is the beginning of the ids in it."""
    at = {name: FIRST + n * COLUMN for n, name in enumerate(_cast(hops))}
    arrows = list(_arrows(hops, at))
    bottom = arrows[-1].y + 12
    widest = max(min(each.x, each.to) + 14 + LETTER * len(text) for each in arrows for _, text in each.labels)
    parts = [_life(name, x, bottom) for name, x in at.items()]
    parts += [*_busy(arrows), *map(_drawn, arrows)]
    return Markup(
        '<svg class="sequence" viewBox="0 0 {w:.0f} {h}" width="{w:.0f}" height="{h}" role="img"'
        ' aria-labelledby="{i}-t {i}-d"><title id="{i}-t">{title}</title><desc id="{i}-d">{desc}</desc>{parts}</svg>'
    ).format(
        w=max(max(at.values()) + 48, widest),
        h=bottom + 2,
        i=ident,
        title=f"{counted(len(hops), 'request')}, from {printable(hops[0].caller)} on",
        desc="Each of them is a line of the table below the drawing.",
        parts=Markup("").join(parts),
    )


def _arrows(hops: Sequence[Hop], at: Mapping[str, int]) -> Iterator[_Arrow]:
    """Every request and answer, one below the other."""
    y = HEAD + 4
    for number, asked in _messages(hops):
        hop = hops[number]
        if asked:
            labels = [("request", brief(hop.request)), *((kind(each), brief(each)) for each in hop.presented)]
        else:
            labels = [("good" if hop.answer.startswith("2") else "bad", brief(hop.answer))]
        y += LINE * len(labels) + (8 if asked else 6)
        yield _Arrow(number, asked, at[hop.caller], at[hop.service], y, tuple(labels))


def _cast(hops: Sequence[Hop]) -> list[str]:
    """Everybody who takes part: who is known in the usual order, then the others as they come."""
    names = dict.fromkeys(name for hop in hops for name in (hop.caller, hop.service))
    return [name for name in KNOWN if name in names] + [name for name in names if name not in KNOWN]


def _messages(hops: Sequence[Hop]) -> Iterator[tuple[int, bool]]:
    """Requests and answers in their order, as (which hop, whether it is the request): callers come before callees."""
    unanswered: list[int] = []
    for number, hop in enumerate(hops):
        while unanswered and hops[unanswered[-1]].service != hop.caller:
            yield unanswered.pop(), False
        unanswered.append(number)
        yield number, True
    while unanswered:
        yield unanswered.pop(), False


def _life(name: str, x: int, bottom: int) -> Markup:
    line = Markup('<path class="life" d="M{} {}V{}"/>').format(x, HEAD - 6, bottom)
    return line + Markup('<text class="who" x="{}" y="16">{}</text>').format(x, printable(name))


def _busy(arrows: Sequence[_Arrow]) -> Iterator[Markup]:
    """A bar on a life line for as long as a process is at work for a request."""
    began = {each.hop: each.y for each in arrows if each.asked}
    bar = Markup('<rect class="busy" x="{}" y="{}" width="6" height="{}"/>')
    return (bar.format(each.to - 3, began[each.hop], each.y - began[each.hop]) for each in arrows if not each.asked)


def _drawn(arrow: _Arrow) -> Markup:
    """An arrow, with its lines of text above its left end."""
    toward = 4 if arrow.to >= arrow.x else -4
    begin, end = arrow.x + toward, arrow.to - toward
    way = f"M{begin} {arrow.y}H{end}" if arrow.asked else f"M{end} {arrow.y}H{begin}"
    left, last = min(arrow.x, arrow.to) + 10, len(arrow.labels) - 1
    texts = [
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(sort, left, arrow.y - 5 - LINE * (last - n), text)
        for n, (sort, text) in enumerate(arrow.labels)
    ]
    return Markup('<path class="{}" d="{}"/>').format("call" if arrow.asked else "back", way) + Markup("").join(texts)


def kinds_in(all_hops: Iterable[Hop]) -> Mapping[str, str]:
    """The kinds of credentials that were shown anywhere, with their names: for the legend."""
    shown = {kind(each) for hop in all_hops for each in hop.presented}
    return {each: name for each, name in KIND_NAMES.items() if each in shown}
