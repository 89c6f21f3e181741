"""The article's summary table as questions: its word for each pattern, where it has one, and who answers for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compose.topology import INSIDE, PATTERNS, TOKEN_PATTERNS
from scenarios.judging import Finding, Look
from scenarios.statements import CALLS, MEMORY, PASSWORD, UNASKED, counted, holds, processes

Answer = Callable[[Look, str], tuple[str, Finding]]
"""Says what was measured under a pattern, and what that makes of the article's word."""


@dataclass(frozen=True)
class Question:
    """One row of the article's summary table: its word for each pattern that it has one for, and who answers."""

    asks: str
    words: Mapping[str, str]
    answer: Answer


def _at_service(look: Look, pattern: str) -> tuple[str, Finding]:
    asking = len(INSIDE) - int(look.figure("blast_radius", pattern, UNASKED))
    return f"{asking} of {len(INSIDE)} services ask", holds((asking == 0) is (pattern == "perimeter"))


def _exposure(look: Look, pattern: str) -> tuple[str, Finding]:
    password, any_secret = look.figure("exposure", pattern, PASSWORD), look.figure("exposure", pattern, MEMORY)
    most = max(look.figure("exposure", each, PASSWORD) for each in PATTERNS)
    measured = f"the password in {processes(password)}, something reusable in {any_secret:.0f}"
    return measured, holds((password == most) is (pattern == "basic"))


def _end_user(look: Look, pattern: str) -> tuple[str, Finding]:
    forged = look.served("forge_the_user", pattern)
    known = pattern in {"basic", *TOKEN_PATTERNS}
    return "whoever the caller says" if forged else "proven at each service", holds(forged is not known)


def _external_idp(look: Look, pattern: str) -> tuple[str, Finding]:
    calls, dark = look.figure("idp_calls", pattern, CALLS), look.served("idp_dark", pattern)
    measured = f"{counted(calls, 'call')} an order; without it {'orders go on' if dark else 'orders stop'}"
    if pattern == "jwt":  # needed for a log-in, and for nothing after it
        return measured, Finding.DEPENDS if dark else Finding.AGREES
    return measured, holds((calls > 0) is (pattern in TOKEN_PATTERNS))


QUESTIONS = (
    Question(
        "authentication at service",
        {"perimeter": "no", "basic": "yes", "subsystem": "yes", "mtls": "yes", "oauth2": "yes", "jwt": "yes"},
        _at_service,
    ),
    Question("risk of credential exposure", {"basic": "very high"}, _exposure),
    Question(
        "end user known at service",
        {"basic": "yes", "subsystem": "no", "mtls": "no", "oauth2": "yes", "jwt": "yes"},
        _end_user,
    ),
    Question("external identity provider", {"oauth2": "yes", "jwt": "yes"}, _external_idp),
)
