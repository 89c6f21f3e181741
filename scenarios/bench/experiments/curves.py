"""What does each setting buy, and what is it paid with: caches, lifetimes, ages of connections, costs of a hash?

An introspection that is used again saves questions to the identity provider, and for as long a revoked token goes on
working.  We ask one guarded service twenty times a second and count the questions; then a token is revoked the moment
after it was asked about, which is the worst one, and we ask on until it is refused.  Connections of a bounded age are
the same trade: each costs a handshake, and a certificate that is taken back the moment after one was opened goes on
working for as long.  A token's lifetime is lived through by the provider's own code, with a clock that we move, to
count the new ones that an hour needs; what one costs is measured at the provider that serves, and multiplied.  A
password's hash is made at four costs, ours among them: a log-in pays for it once, and a guesser for each guess.

The lags are worst cases, told to a twentieth of a second, which is how often we ask; a cache that is shared by several
processes, or a list that is published late, is not in them.  New tokens are those of somebody who is there all hour.
Whoever guesses with a stolen file has other hardware than this: read the ratios.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from scenarios.bench import hashing
from scenarios.bench.caller import Caller
from scenarios.bench.chain import FIRST, Chain, chain
from scenarios.bench.contest import Goal, NotProven
from scenarios.bench.experiment import Result, Row, Series, Sizes, Told
from scenarios.bench.lifetimes import reissue_ms, reissues
from scenarios.bench.statistics import Spread, spread
from services.settings import Settings

GOALS: tuple[Goal, ...] = ()
LATE = 5.0
"""How much later than it must a refusal may come, on a slow machine, before we give up waiting for it."""
STEADY_SECONDS = 2.0
AT_ONCE = 8
"""All of those who watch for a while: they wait, for the most part."""
LIVES = (60, 300, 900, 3600)
PROVEN = (
    "whoever shows nothing is refused",
    "what was taken back was served until then, and is refused in the end",
)
Found = tuple[float, list[float], list[float]]
"""A value of a setting, and what two figures came to in each trial."""


def run(sizes: Sizes, told: Told) -> Result:
    """Draw every curve."""
    cache = (0.0, 1.0) if sizes.quick else (0.0, 1.0, 2.0, 5.0)
    ages = (0.5, 1.0) if sizes.quick else (1.0, 2.0, 5.0, 10.0)
    tries = 1 if sizes.quick else 3
    with tempfile.TemporaryDirectory(prefix="five-locks-curves-") as name, ThreadPoolExecutor(AT_ONCE) as pool:
        root = Path(name)
        cached = pool.map(lambda seconds: caching(root / f"c{seconds:g}", seconds, tries), possible(cache))
        aged = pool.map(lambda seconds: ageing(root / f"a{seconds:g}", seconds), ages)
        series = two(
            list(cached),
            ("introspection cache (s)", "questions to the IdP per request", "lag of a token's revocation (s)"),
        )
        series += two(
            list(aged), ("age of a connection (s)", "handshakes per request", "lag of a certificate's revocation (s)")
        )
        told("tokens and certificates were revoked")
        series += lifetimes(root / "lifetimes", 5 if sizes.quick else 20)
        told("tokens have expired")
        series += two(
            list(hashing.tried(root, hashing.COSTS[:3] if sizes.quick else hashing.COSTS, 3 if sizes.quick else 5)),
            ("MiB written for a hash", "guesses per second and core", "CPU of a log-in (ms)"),
        )
    notes = [] if len(possible(cache)) > 1 else ["there is no setting yet by which introspections are used again"]
    return Result(rows=[Row("one service", PROVEN, {})], series=series, notes=notes)


def possible(cache: Sequence[float]) -> Sequence[float]:
    """Those seconds that a service can be told to use an answer for."""
    return cache if "cache_seconds" in Settings.model_fields else cache[:1]


def two(found: Sequence[Found], told: tuple[str, str, str]) -> list[Series]:
    """The two curves that one setting has; `told` are what is on the axes."""
    x, one, other = told
    return [
        Series(f"{x}: {one}", x, one, [(at, spread(figures)) for at, figures, _ in found]),
        Series(f"{x}: {other}", x, other, [(at, spread(figures)) for at, _, figures in found]),
    ]


def caching(directory: Path, seconds: float, tries: int) -> Found:
    """A service that uses what was said of a token for so many seconds: questions per request, and lags."""
    settings = {"cache_seconds": seconds} if seconds else {}
    with chain("oauth2", directory, links=[FIRST], settings=settings) as links:
        links.prove()
        asked = questions(links, max(STEADY_SECONDS, 2 * seconds))
        return seconds, [asked], [lag_of_token(links, seconds + LATE) for _ in range(tries)]


def questions(links: Chain, seconds: float) -> float:
    """Questions to the identity provider for each request, in a steady stream of them."""
    target, before = links.target(), sum(1 for _ in links.said())
    with Caller(target, target.octets(links.credential())) as caller:
        caller.keep_asking(seconds)
    lines = list(links.said())[before:]
    if len(lines) != caller.asked:
        raise NotProven(f"{caller.asked} requests were sent, but {len(lines)} are told of")
    return float(sum(line["idp_calls"] for line in lines) / len(lines))


def lag_of_token(links: Chain, within: float) -> float:
    """Seconds from a token's revocation until it is refused; it is revoked when it has just been asked about."""
    assert links.issuing, "under this pattern nobody issues tokens"
    target, shown = links.target(), links.credential()
    with Caller(target, target.octets(shown)) as caller:
        if not caller.ask():
            raise NotProven("a token is refused before it was revoked")
        links.issuing.revoke(shown["Authorization"].removeprefix("Bearer "))
        return caller.until_refused(within)


def ageing(directory: Path, seconds: float) -> Found:
    """A service that closes connections at an age: handshakes per request, and the lag of a revocation."""
    with chain("mtls", directory, links=[FIRST], age=seconds) as links:
        links.prove()
        target = links.target()
        octets = target.octets(links.credential())
        with Caller(target, octets) as caller:
            caller.keep_asking(max(STEADY_SECONDS, 2 * seconds))
        handshakes = caller.opened / caller.asked
        with Caller(target, octets) as caller:
            if not caller.ask():
                raise NotProven("a certificate is refused before it was taken back")
            links.authority().revoke("gateway")
            links.authority().publish()
            return seconds, [handshakes], [caller.until_refused(seconds + LATE)]


def lifetimes(directory: Path, times: int) -> list[Series]:
    """New tokens in an hour, counted, and what they cost the identity provider."""
    with chain("jwt", directory, links=[FIRST]) as links:
        counted = [(life, reissues(links, life)) for life in LIVES]
        cost = spread([reissue_ms(links, times) for _ in range(3)])
    x, of_idp = "lifetime of a token (s)", "CPU of the identity provider per hour and person (ms)"
    return [
        Series(f"{x}: new ones", x, "new tokens per hour", [(life, spread([count])) for life, count in counted]),
        Series(f"{x}: CPU", x, of_idp, [(life, times_as_much(cost, count)) for life, count in counted]),
    ]


def times_as_much(cost: Spread, count: float) -> Spread:
    """The spread of `count` times a cost."""
    low, high = cost.quartiles
    return replace(
        cost,
        median=cost.median * count,
        low=cost.low * count,
        high=cost.high * count,
        quartiles=(low * count, high * count),
    )
