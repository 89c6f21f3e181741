"""What each lock costs in a few lines, a figure a pattern: what the README and the report's guide say of the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from compose.topology import PATTERNS
from scenarios.bench.record import Bench, Compared
from scenarios.bench.statistics import Spread

CONNECTS_LIKE = {"perimeter": "perimeter", "mtls": "mtls", "zerotrust": "mtls"}
"""Whose new connections are the same; the others' are those of `jwt`: TLS, and no certificate of the client's."""

LEAST = {"ms": 0.01}
"""Less than this of a unit is next to nothing, and not told more exactly: it is no request's, but time that passed."""


@dataclass(frozen=True)
class Line:
    """One figure under every pattern, and where in the record it stands."""

    name: str
    """Its id: the report has it as `cost:name/pattern`."""
    title: str
    unit: str
    experiment: str
    figure: str
    contestant: Callable[[str], str] = str
    """Who it is of, under a pattern."""
    divided_by: float = 1.0

    def cost(self, bench: Bench, pattern: str) -> Spread | None:
        """The figure under a pattern; None when it was not measured."""
        held = bench.experiments.get(self.experiment)
        row = held.rows.get(self.contestant(pattern)) if held else None
        found = row.figures.get(self.figure) if row else None
        return divided(found, self.divided_by) if found else None

    def costs(self, bench: Bench) -> dict[str, Spread]:
        """Those that were measured, by pattern."""
        found = {pattern: self.cost(bench, pattern) for pattern in PATTERNS}
        return {pattern: spread for pattern, spread in found.items() if spread}


LINES = (
    Line("guarded_hop", "a guarded request, times the same one open", "times", "hop", "times open"),
    Line("connection", "a new connection, ms of the server's CPU", "ms", "hop", "cpu_us",
         lambda pattern: f"{CONNECTS_LIKE.get(pattern, 'jwt')}, open, new connections", 1000),
    Line("order", "an order, ms of CPU in all processes", "ms", "order", "cpu_us", divided_by=1000),
    Line("order_at_idp", "an order, ms of CPU in the identity provider", "ms", "order", "idp_us", divided_by=1000),
    Line("order_beside", "an order, times that under perimeter", "times", "order", "times perimeter"),
    Line("idp_calls", "an order, calls to the identity provider", "calls", "order", "idp_calls"),
    Line("half_wait", "an order among four clients, ms of wait, median", "ms", "order", "p50_ms, 4 clients"),
    Line("some_wait", "an order among four clients, ms of wait, 95th percentile", "ms", "order", "p95_ms, 4 clients"),
)  # fmt: skip


def goals(bench: Bench) -> Iterator[tuple[str, Compared]]:
    """Every goal, after the experiment that it belongs to."""
    return ((name, goal) for name, held in bench.experiments.items() for goal in held.compared)


def verdict(goal: Compared) -> str:
    """Whether it is met, in words."""
    return "met" if goal.met else "clearly missed" if goal.broken else "missed"


def next_to_nothing(value: float, unit: str) -> str:
    """What is said of a value that is too small for its unit; empty for all others."""
    least = LEAST.get(unit, 0.0)
    return f"< {least:g}" if 0 < value < least else ""


def three_digits(value: float) -> str:
    """A number under a hundred with three digits that count, noughts among them, or as the whole one that it is."""
    return f"{value:.0f}" if value == int(value) else f"{value:#.3g}".rstrip(".")


def divided(spread: Spread, by: float) -> Spread:
    """The same in a larger unit."""
    low, high = spread.quartiles
    return replace(
        spread, median=spread.median / by, low=spread.low / by, high=spread.high / by, quartiles=(low / by, high / by)
    )
