"""Evidence that is made up: what a run would leave if all came as the stories say, for tests of what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compose.topology import INSIDE, PATTERNS, TOKEN_PATTERNS
from scenarios.evidence import Case, Cell, Environment, Evidence, Figure, Hop, Measured, Measurement
from scenarios.registry import Story, stories
from scenarios.statements import CALLS, HOPS, MEMORY, READERS, UNASKED
from scenarios.verdict import Verdict
from services import audit

STATUSES = {
    Verdict.SERVED: 200,
    Verdict.UNAVAILABLE: 503,
    Verdict.INVALID: 400,
    Verdict.FORBIDDEN: 403,
    Verdict.UNAUTHENTICATED: 401,
}
ORDER = (
    ("you", "gateway", "POST /api/orders"),
    ("gateway", "orders", "POST /orders"),
    ("orders", "inventory", "POST /reservations"),
    ("orders", "billing", "POST /charges"),
)
CALLS_PER_ORDER = {"oauth2": 4, "zerotrust": 3}
POSITIONS = ("outside", "inside", "gateway", *INSIDE)
OPERATIONS = ("POST /things", "GET /things", "GET /things/ID", "POST /things/ID/undo")
SECONDS = {"perimeter": 0.02, "basic": 0.05, "oauth2": 0.3, "jwt": 298.0, "zerotrust": 61.0}


def made_up() -> Evidence:
    """A whole run without a surprise."""
    cells = [cell(story, pattern) for story in stories().values() for pattern in PATTERNS]
    found = [each for pattern in PATTERNS for each in measurements(pattern)]
    return Evidence(
        runtime="local",
        environment=ENVIRONMENT,
        seconds=552.4,
        history=("2026-01-02T03:04:05+00:00 at 0123abc, 672 cells",),
        cells={each.id: each for each in cells},
        measurements={each.id: each for each in found},
    )


ENVIRONMENT = Environment(
    when="2026-01-02T03:04:05+00:00",
    commit="0123abc",
    python="3.11.9",
    openssl="OpenSSL 3.0.13",
    system="Linux 6.1 x86_64",
    cores=2,
    memory_gib=7.6,
    engine="29.1.0",
    packages={"flask": "3.1.0", "gunicorn": "23.0.0"},
)


def cell(story: Story, pattern: str) -> Cell:
    """A cell that came as it was expected."""
    verdict = story.expected[pattern].verdict
    status = STATUSES.get(verdict)
    words = "" if status else "the handshake was broken off" if verdict is Verdict.REFUSED else "nothing to try with"
    return Cell(
        story=story.name,
        pattern=pattern,
        expected=verdict.name,
        reason=story.expected[pattern].reason,
        cases=tuple(Case(name=name, verdict=verdict.name, status=status, words=words) for name in story.cases),
        request=f"POST https://localhost:8443/api/orders\nAuthorization: {presented('you', pattern)[-1]}",
        answer=f'HTTP {status}\ncontent-type: application/json\n\n{{"status": {status}}}' if status else "",
        hops=tuple(hops(pattern, status)) if status else (),
        seconds=0.25,
    )


def presented(caller: str, pattern: str) -> tuple[str, ...]:
    """What a caller shows, as the audit lines have it."""
    of_its_own = caller if pattern == "zerotrust" else ""
    token, certificate = (
        f"Bearer {audit.fingerprint(pattern + of_its_own)}",
        f"certificate of spiffe://shop.test/{caller}",
    )
    if caller == "you":
        return (token,) if pattern in TOKEN_PATTERNS else ("Basic alice:***",)
    inside = {
        "perimeter": ("X-User: alice",),
        "basic": ("Basic alice:***",),
        "subsystem": (f"Basic {caller}:***", "X-User: alice"),
        "mtls": (certificate, "X-User: alice"),
        "zerotrust": (certificate, token),
    }
    return inside.get(pattern, (token,))


def hops(pattern: str, status: int) -> Iterator[Hop]:
    """The hops of an order, or the one at which it ended; with the questions to the identity provider."""
    asks = pattern in CALLS_PER_ORDER
    for caller, service, request in ORDER if status == 200 else ORDER[:1]:
        yield Hop(
            caller=caller,
            service=service,
            request=request,
            presented=presented(caller, pattern),
            checked="whatever there is to check",
            user="alice",
            vouched_by="idp" if asks else "caller",
            authorized_by="scope orders:write",
            answer=f"{status}" if status < 300 else f"{status} for a reason",
            idp_calls=int(asks),
            milliseconds=12.5,
        )
        if asks:
            yield Hop(
                caller=service,
                service="idp",
                request="POST /introspect",
                presented=(f"Basic {service}:***",),
                checked="",
                user="alice",
                vouched_by="",
                authorized_by="",
                answer="200",
                idp_calls=0,
                milliseconds=2.5,
            )


def measurements(pattern: str) -> Iterator[Measurement]:
    """One of each kind: shares with rows to be drawn, counts, times, and what cannot be measured."""
    rows = tuple(blast(pattern))
    shares = {
        position: Figure(value=sum(row["completed"] for row in rows if row["position"] == position) / 12, unit="share")
        for position in POSITIONS
    }
    answering = Figure(value=3.0 if pattern == "perimeter" else 0.0, unit="of 3 services")
    yield _measured("blast_radius", pattern, shares | {UNASKED: answering}, rows)
    place = 5.0 if pattern == "basic" else 2.0
    yield _measured(
        "exposure",
        pattern,
        {
            MEMORY: Figure(value=place, unit="processes", trials=(place - 1, place, place + 1)),
            HOPS: Figure(value=place, unit="hops"),
            READERS: Figure(value=place, unit="processes"),
        },
    )
    yield _measured("idp_calls", pattern, {CALLS: Figure(value=CALLS_PER_ORDER.get(pattern, 0), unit="calls")})
    seconds = SECONDS.get(pattern)
    after = Figure(
        value=seconds,
        unit="s",
        trials=(seconds * 0.9, seconds, seconds * 1.3) if seconds else (),
        note="" if seconds else "there is nothing of the user's to take back",
    )
    yield _measured("revocation", pattern, {"access after the user is disabled": after})
    turned = {
        f"{what}: files": Figure(value=2.0, unit="files", note=f"the files of {what}") for what in ("key", "leaf")
    }
    turned |= {
        "key: seconds until in force": Figure(value=1.5, unit="s"),
        "leaf: requests failed": Figure(value=0, unit=""),
    }
    yield _measured("rotation", pattern, turned)
    yield Measurement(name="outage", pattern=pattern, measured=None, broken="TooLong: not over", seconds=180.0)


def blast(pattern: str) -> Iterator[dict[str, Any]]:
    """Who gets what done from where; the further in the more, and under perimeter everything."""
    for depth, position in enumerate(POSITIONS):
        for number, (service, operation) in enumerate((service, each) for service in INSIDE for each in OPERATIONS):
            done = depth > 0 and (pattern == "perimeter" or number % 7 < depth - 1)
            yield {
                "position": position,
                "holding": "at rest",
                "service": service,
                "operation": operation,
                "completed": done,
            }


def _measured(
    name: str, pattern: str, figures: dict[str, Figure], rows: tuple[dict[str, Any], ...] = ()
) -> Measurement:
    return Measurement(name=name, pattern=pattern, measured=Measured(figures=figures, rows=rows), seconds=1.5)
