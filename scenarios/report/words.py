"""How the report calls things: patterns by the article's names, verdicts as in the README, and text without traps."""

from __future__ import annotations

import re
import unicodedata

from scenarios import tables
from scenarios.evidence import Case, Cell
from scenarios.verdict import Verdict

PATTERN_NAMES = {
    "perimeter": "perimeter security",
    "basic": "username and password of the end user",
    "subsystem": "username and password of a trusted subsystem",
    "mtls": "two-way SSL",
    "oauth2": "OAuth 2.0 and OpenID Connect",
    "jwt": "self-contained JWT",
    "zerotrust": "beyond the article",
}
MEANINGS = {
    "served": Verdict.SERVED.value,
    "502, 503, 504": "they cannot tell, so the answer is no",
    "403, 404": Verdict.FORBIDDEN.value.partition(": ")[2],
    "401": Verdict.UNAUTHENTICATED.value.partition(": ")[2],
    "other 4xx, 501": "the request itself is no good, whoever sends it",
    "refused": Verdict.REFUSED.value,
    "unissued": Verdict.UNISSUED.value,
}
"""What the words of the matrix mean, from the one that got furthest to the one that did not even begin."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ORDER = [verdict.name for verdict in Verdict]


def outcome(cell: Cell) -> str:
    """What came of a cell, as the README's matrix has it; of a surprise, the one that got furthest."""
    if not cell.surprises and cell.cases:
        return tables.word(cell).strip("*")
    known = [case.verdict for case in cell.surprises if case.verdict is not None]
    return f"surprise: {max(known, key=_rank).lower()}" if known else "surprise: broke off"


def verdict(case: Case) -> str:
    """What came of a case: the verdict, after the status that it was given with."""
    said = case.verdict.lower() if case.verdict else "broke off"
    return f"{case.status} {said}" if case.status else said


def _rank(verdict: str) -> int:
    """How far a verdict got; one that this version does not know comes last, so that it is seen."""
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def printable(text: str) -> str:
    """The text with every character that is not to be seen replaced: control characters, and what turns lines round."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in _UNSEEN and c not in "\n\t" else c for c in text)


def anchor(evidence_id: str) -> str:
    """The place on the page that an evidence id names: the id itself, without what an address cannot hold."""
    return re.sub(r"[^\w:/.-]", "-", evidence_id)


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun: `1 case`, `2 cases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")
