"""Where an attempt stopped, in the order in which a request meets the guards."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(Enum):
    """How far somebody got."""

    UNISSUED = "nobody gave them a credential to try with"
    REFUSED = "no handshake, no HTTP"
    UNAUTHENTICATED = "401: we do not know who you are"
    FORBIDDEN = "403, or 404 for what is not theirs: we know, and the answer is no"
    INVALID = "400 and the like: the request itself is no good, whoever sends it"
    UNAVAILABLE = "503: we cannot tell, so the answer is no"
    SERVED = "2xx: they got what they wanted"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Expect:
    """What should come of an attempt under one pattern, and why."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Answer:
    """What came of one attempt."""

    verdict: Verdict
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    detail: str = ""
    """Why there was no answer, in the words of whoever hung up."""
    request: str = field(default="", compare=False)
    """What was sent, its secrets replaced by fingerprints."""
    trace: str | None = field(default=None, compare=False)
    """The trace id under which the audit lines of every service tell of it (W3C Trace Context), if there is one."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took, once there was a connection; 0.0 when nobody looked at the clock."""

    def json(self) -> Any:
        """The body as JSON."""
        import json

        return json.loads(self.body)


UNISSUED = Answer(Verdict.UNISSUED, detail="there was nothing to try with")
_BY_STATUS = {401: Verdict.UNAUTHENTICATED, 403: Verdict.FORBIDDEN, 404: Verdict.FORBIDDEN, 503: Verdict.UNAVAILABLE}


def answer(status: int, headers: dict[str, str], body: str) -> Answer:
    """The verdict that an HTTP answer amounts to; `ValueError` for one that no attempt may bring about (500, 1xx …)."""
    if 200 <= status < 300:
        return Answer(Verdict.SERVED, status, headers, body)
    if status in _BY_STATUS:
        return Answer(_BY_STATUS[status], status, headers, body)
    if status in {502, 504}:
        return Answer(Verdict.UNAVAILABLE, status, headers, body)
    if 300 <= status < 500 or status in {501, 505}:
        return Answer(Verdict.INVALID, status, headers, body)
    raise ValueError(f"status {status} is no refusal and no service, but something broken: {body[:200]}")


def refused(detail: str) -> Answer:
    """There was no HTTP at all."""
    return Answer(Verdict.REFUSED, detail=detail)


def furthest(answers: list[Answer]) -> Answer:
    """Of several attempts the one that got furthest: an attacker needs only one to work."""
    order = list(Verdict)
    return max(answers, key=lambda each: order.index(each.verdict))
