"""A record of costs that is made up: what `make bench` would leave, for tests of what is made of it."""

from __future__ import annotations

from collections.abc import Mapping

from compose.topology import PATTERNS
from scenarios.bench.record import Bench, Compared, Held, Row, Series
from scenarios.bench.statistics import Spread
from tests.evidence_support import ENVIRONMENT

CONTESTANTS = ("", ", open", ", open, new connections")


def spread(median: float, most: float = 1.1) -> Spread:
    """A figure that was taken in five rounds."""
    low, high = median / most, median * most
    return Spread(median, low, high, (low, high), 5)


def counted(value: float) -> Spread:
    """One that was counted once."""
    return Spread(value, value, value, (value, value), 1)


def goal(ours: str, theirs: str, most: float, ratio: Spread) -> Compared:
    """A goal, and whether that ratio meets it."""
    met, broken = ratio.median <= most, ratio.low > most + 0.1
    return Compared(
        ours=ours, theirs=theirs, figure="cpu_us", most=most, margin=0.1, ratio=ratio, met=met, broken=broken
    )


def held(
    rows: Mapping[str, Mapping[str, Spread]],
    *compared: Compared,
    series: tuple[Series, ...] = (),
    notes: tuple[str, ...] = (),
    question: str = "What does it cost?",
) -> Held:
    """An experiment that found these."""
    return Held(
        question=question,
        method="It is *asked* again and again, `often`.\n\nWhat the figures do not say: whether\nit is worth it.",
        when="2026-01-02T03:04:05+00:00",
        commit="0123abc",
        seconds=61.5,
        quick=False,
        rounds=15,
        requests=200,
        rows={name: Row(proven=("who shows nothing is refused",), figures=dict(found)) for name, found in rows.items()},
        compared=compared,
        series=series,
        notes=notes,
    )


def hop() -> Held:
    """One of the goals is met, one missed, and one clearly missed."""
    rows = {
        f"{pattern}{what}": {"cpu_us": spread(500.0 + 100 * number), "p50_ms": spread(0.5)}
        for number, pattern in enumerate(PATTERNS)
        for what in CONTESTANTS
    }
    for number, pattern in enumerate(PATTERNS):
        rows[pattern] |= {"times open": spread(1.0 + number / 10), "over open_us": spread(50.0 * (number + 1))}
    return held(
        rows,
        goal("jwt", "jwt, open", 1.10, spread(1.05)),
        goal("mtls", "perimeter, open", 1.12, spread(1.2)),
        goal("basic", "basic, open", 1.10, spread(1.7)),
        question="What does each lock add?",
    )


def where() -> Held:
    """What four contestants are made of: above the open endpoint, each guarded one has a part that is far dearer."""
    made_of = {
        "perimeter, open": {"wire": 20.0, "guard": 0.0},
        "jwt, open": {"wire": 60.0, "guard": 0.0},
        "jwt": {"wire": 62.0, "guard": 50.0},
        "oauth2, cached 5 s": {"wire": 60.0, "guard": 40.0},
    }
    rows = {
        name: {"cpu_us": spread(400.0 + sum(parts.values())), "part_us, Flask": spread(400.0)}
        | {f"part_us, {part}": spread(us) for part, us in parts.items()}
        for name, parts in made_of.items()
    }
    return held(rows, question="Where does it go?")


def order() -> Held:
    """Long CPU times, latencies of several clients, and counts."""
    rows = {
        pattern: {
            "cpu_us": spread(20_000.0 + 1000 * number),
            "idp_us": spread(10_000.0) if pattern == "oauth2" else counted(0.0),
            "times perimeter": spread(1.0 + number / 10),
            "p50_ms, 1 client": counted(40.0),
            "p50_ms, 4 clients": counted(160.0 + number),
            "p95_ms, 4 clients": counted(320.0 + number),
            "idp_calls": counted(4.0 if pattern == "oauth2" else 0.0),
        }
        for number, pattern in enumerate(PATTERNS)
    }
    return held(rows, question="What does an order cost?")


def growth() -> Held:
    """Curves that share their axes, one alone, and one that is logarithmic from nought on."""
    hops = tuple(
        Series(name=f"hops, {pattern}", x="hops", y="CPU (µs)", points=tuple((n, spread(500.0 * n)) for n in (1, 3, 6)))
        for pattern in ("perimeter", "jwt")
    )
    listed = Series(
        name="CRL", x="entries", y="load (µs)", points=tuple((n, spread(3000.0 + n)) for n in (0, 100, 100_000))
    )
    return held({"jwt": {}}, series=(*hops, listed), notes=("one setting is not there yet",))


def made_up_costs() -> Bench:
    """A whole record."""
    beside = held(
        {"jwt": {"cpu_us": spread(600.0)}, "another library": {"cpu_us": spread(1200.0)}},
        goal("jwt", "another library", 1.0, spread(0.5)),
        goal("basic", "a slow library", 1.0, spread(0.01)),
    )
    return Bench(
        environment=ENVIRONMENT,
        experiments={"growth": growth(), "hop": hop(), "order": order(), "peers": beside},
    )
