"""How does the cost of a request grow: with hops, bodies, scopes, users, live tokens, and revoked certificates?

Small guarded services stand in a ring of three, so a request may pass up to six guards; what is told is the CPU of all
processes for one request, the identity provider's among it.  All points but two kinds have two turns in every round.
The tokens alive only ever become more, so the store grows while it is asked; most are rows that the database made, and
those asked about were issued by the provider's own code.  A list of revoked certificates is looked into in memory,
without a network, and only the server's side of the handshake is counted.

Three services that a request passes twice do not show what six machines would.  Users come one after the other here:
what grows is what has to be remembered of them, not how many wait.  SQLite's file lies in memory, as small ones do; a
store that does not fit there would grow otherwise.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose.topology import PEOPLE
from scenarios.bench.asking import Asking, turns
from scenarios.bench.chain import Chain, chain
from scenarios.bench.contest import Course, Goal, hold
from scenarios.bench.crls import Ends
from scenarios.bench.experiment import Result, Row, Series, Sizes, Told
from scenarios.bench.introspecting import Introspecting
from scenarios.bench.load import Bounds
from scenarios.bench.openings import opened
from scenarios.bench.statistics import Spread, spread
from services.users import UserStore

GOALS: tuple[Goal, ...] = ()
MICROSECONDS = "CPU of all processes per request (µs)"
PATTERNS = ("perimeter", "jwt", "mtls", "oauth2", "zerotrust", "basic")
ROUNDS, QUICK_ROUNDS = 5, 2
SLICES = 2
"""Turns that each point has in a round."""
USERS_MOST = 32
Shown = Callable[[Chain], Sequence[dict[str, str]]]


@dataclass(frozen=True)
class Point:
    """Where on which curve, and what is asked of whom there."""

    curve: str
    x: str
    at: float
    pattern: str
    path: str = "/chain/0"
    body: bytes = b""
    credentials: Shown = lambda chain: [chain.credential()]

    @property
    def name(self) -> str:
        """Unlike any other's."""
        return f"{self.curve}: {self.at:g}"


def points(quick: bool) -> Iterator[Point]:
    """All of them that are asked of chains."""
    for pattern in ("perimeter", "jwt", "mtls", "oauth2", "zerotrust"):
        for hops in (1, 3, 6) if quick else range(1, 7):
            yield Point(f"hops, {pattern}", "guarded hops", hops, pattern, f"/chain/{hops - 1}")
    for pattern in ("perimeter", "jwt", "mtls"):
        for octets in (0, 15_000) if quick else (0, 1000, 8000, 15_000):
            body = b"x" * octets
            yield Point(f"body, {pattern}", "bytes of body", octets, pattern, "/chain", body)
    for count in (1, 50) if quick else (1, 10, 25, 50):
        yield Point("scopes, jwt", "scopes in the token", count, "jwt", credentials=with_scopes(count))
    for pattern in ("jwt", "oauth2", "basic"):
        for users in (1, USERS_MOST) if quick else (1, 4, 16, USERS_MOST):
            yield Point(f"users, {pattern}", "distinct credentials", users, pattern, credentials=of_users(users))


def with_scopes(count: int) -> Shown:
    """A token of that many scopes, the one that is needed among them."""
    scopes = ["items:read", *(f"scope{number}:read" for number in range(1, count))]
    return lambda chain: [chain.credential(scopes=scopes)]


def of_users(count: int) -> Shown:
    """As many credentials that differ; where a person can have but one, as many people."""

    def shown(chain: Chain) -> list[dict[str, str]]:
        people = [guest(number) for number in range(count)] if chain.issuing is None else [each.name for each in PEOPLE]
        return [chain.credential(people[number % len(people)]) for number in range(count)]

    return shown


def guest(number: int) -> str:
    """The name of somebody who comes to be counted, and their password."""
    return f"guest-{number}"


def run(sizes: Sizes, told: Told) -> Result:
    """Draw every curve."""
    rounds = min(sizes.rounds, QUICK_ROUNDS if sizes.quick else ROUNDS)
    bounds = Bounds(sizes.requests, 0.03 if sizes.quick else 0.12)
    with tempfile.TemporaryDirectory(prefix="five-locks-growth-") as root:
        with chains(Path(root), told) as up:
            proven = {pattern: up[pattern].prove() for pattern in PATTERNS}
            here = list(points(sizes.quick))
            them = [asking(point, up[point.pattern], proven[point.pattern], bounds) for point in here]
            drawn = curves(here, hold(them, rounds, told, SLICES))
            alive = tokens_alive(Introspecting(up["oauth2"]), sizes.quick, rounds, turns(sizes), told)
        drawn += [alive, *revoked(Ends(Path(root) / "crl"), sizes.quick, rounds, told)]
    return Result(rows=[Row(pattern, shown, {}) for pattern, shown in proven.items()], series=drawn)


@contextmanager
def chains(root: Path, told: Told) -> Iterator[Mapping[str, Chain]]:
    """A chain under each pattern, up inside the block; under `basic` there are people enough."""
    with ExitStack() as stack:
        opening = opened(stack, (chain(pattern, root / pattern) for pattern in PATTERNS))
        found = dict(zip(PATTERNS, opening, strict=True))
        told(f"{len(found)} chains are up")
        store = UserStore(found["basic"].shop.dir / "users" / "users.db", writable=True)
        for number in range(USERS_MOST):
            store.add(guest(number), guest(number), PEOPLE[0].scopes)
        yield found


def asking(point: Point, links: Chain, proven: Sequence[str], bounds: Bounds) -> Asking:
    """The contestant that asks what the point says."""
    return Asking(point.name, links, bounds, point.path, point.body, point.credentials, proven)


def curves(here: Sequence[Point], course: Course) -> list[Series]:
    """The points put together that belong together."""
    found: dict[tuple[str, str], list[tuple[float, Spread]]] = defaultdict(list)
    for point in here:
        found[point.curve, point.x].append((point.at, course.spread(point.name)))
    return [Series(curve, x, MICROSECONDS, drawn) for (curve, x), drawn in found.items()]


def tokens_alive(idp: Introspecting, quick: bool, rounds: int, bounds: Bounds, told: Told) -> Series:
    """An introspection, as the store fills."""
    idp.prove()
    drawn = []
    for count in (1, 10_000) if quick else (1, 100, 10_000, 100_000, 1_000_000):
        questions = idp.among(count)
        idp.microseconds(questions, bounds)
        drawn.append((float(count), spread([idp.microseconds(questions, bounds) for _ in range(rounds)])))
        told(f"{count} tokens are alive")
    return Series("tokens alive", "tokens", "CPU of the identity provider per introspection (µs)", drawn)


def revoked(ends: Ends, quick: bool, rounds: int, told: Told) -> list[Series]:
    """A context and a handshake, as the list of revoked certificates grows."""
    loaded, first, later = [], [], []
    for count in (0, 1000, 10_000) if quick else (0, 1000, 10_000, 100_000):
        home = ends.with_list(count)
        loads, firsts = zip(*((ends.load(home), ends.handshake(home)) for _ in range(rounds)), strict=True)
        loaded.append((float(count), spread(loads)))
        first.append((float(count), spread(firsts)))
        later.append((float(count), spread([ends.handshake(home) for _ in range(10 * rounds)])))
        told(f"{count} certificates are revoked")
    entries = "certificates on the list"
    return [
        Series("CRL, context", entries, "CPU to load a context (µs)", loaded),
        Series("CRL, first handshake", entries, "server's CPU for the first mutual handshake after that (µs)", first),
        Series("CRL, handshake", entries, "server's CPU for each later mutual handshake (µs)", later),
    ]
