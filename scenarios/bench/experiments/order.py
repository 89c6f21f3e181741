"""What does an order cost, from the gateway on, and how long does whoever placed it wait?

Seven shops are up at once, one per pattern, six processes each, as they ship.  In every round each shop has a turn: a
client orders books, one after the other; then four clients do, then sixteen, each on a connection of its own, as four
people; then orders arrive at a fixed rate, far from what the shop could do, and their time counts from when they were
due.  Each turn begins with a few orders that do not count, so that connections are open.  CPU is that of all processes
of the shop for an order, the driver's own not among it.  An order is four requests to a service.  What it is made of
is counted besides: questions to the identity provider, new handshakes, and the bytes of the headers that say who is
asking, on the three hops inside; `scenarios.measurements.wire` tells whole heads, and the first order of all.

`perimeter` is the baseline, and no free one: its gateway looks at passwords too, and each service keeps its books on
disk.  The latencies are those of a machine that runs six other shops and the driver, so take them as ratios.  A p99 is
hardly more than the slowest of a hundred orders.
"""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from compose import ports, processes
from compose.shop import Shop, running
from compose.topology import INSIDE, PATTERNS, PEOPLE, TOKEN_PATTERNS, Person
from scenarios.bench.anatomy import anatomy
from scenarios.bench.clock import cpu_seconds, family
from scenarios.bench.contest import Course, Goal, Sample, hold
from scenarios.bench.experiment import Result, Row, Sizes, Told
from scenarios.bench.load import Bounds, Loaded, arriving, closed, percentiles
from scenarios.bench.openings import opened
from scenarios.bench.proof import locked, opens
from scenarios.bench.statistics import Spread, spread
from scenarios.bench.wire import Target
from scenarios.shopper import Shopper
from services import tls

GOALS: tuple[Goal, ...] = ()
RATE = 4.0
"""Orders a second, where they arrive: with a slow hash at each service that is half of what one core can do."""
ROUNDS, QUICK_ROUNDS = 4, 2
WARM_SECONDS = 5.0
BODY = json.dumps({"sku": "book", "quantity": 1}).encode()
DOORS = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}
Drive = Callable[[Target, Callable[[int], bytes]], Loaded]


@dataclass(frozen=True)
class Way:
    """A way in which orders come in."""

    name: str
    clients: int
    """As many are served before the clock is read, twice each: so connections are open, also between the services."""
    drive: Drive


def ways(quick: bool) -> list[Way]:
    """One client, several, and people who do not wait for each other."""
    seconds = 0.25 if quick else 0.8
    loops = [_loop(clients, Bounds(1000, seconds)) for clients in ((1,) if quick else (1, 4, 16))]
    return loops if quick else [*loops, _arriving(Bounds(1000, 2 * seconds))]


def _loop(clients: int, bounds: Bounds) -> Way:
    name = f"{clients} client{'s' * (clients > 1)}"
    return Way(name, clients, lambda target, octets: closed(target, octets, clients, bounds))


def _arriving(bounds: Bounds) -> Way:
    return Way("arriving", 1, lambda target, octets: arriving(target, octets, RATE, bounds))


@dataclass(frozen=True)
class Counter:
    """One shop, at its counter: what people send who order there."""

    shop: Shop
    people: Sequence[Shopper]
    pids: Mapping[str, Sequence[int]]

    def target(self) -> Target:
        """The door, and an order without a name to it."""
        context = tls.client_context(self.shop.ca_file, None)
        headers = {"Content-Type": "application/json"}
        return Target(f"{self.shop.edge}/api/orders", headers, context, method="POST", body=BODY)

    def credentials(self) -> list[dict[str, str]]:
        """What each of the people shows."""
        return [credential(self.shop.pattern, each) for each in self.people]

    def octets(self) -> Callable[[int], bytes]:
        """An order of one person's after the other, each under a key of its own."""
        target, shown = self.target(), self.credentials()
        return lambda number: target.octets(shown[number % len(shown)] | _key())

    def cpu(self) -> dict[str, float]:
        """CPU seconds that each process has spent so far, with its workers, those included that came up late."""
        return {name: cpu_seconds({each for pid in pids for each in family(pid)}) for name, pids in self.pids.items()}

    def prove(self) -> list[str]:
        """Show that nobody orders, and nobody gets in behind, without what it takes; and that alice does."""
        pattern, target = self.shop.pattern, self.target()
        wrong, right = wrong_credential(pattern), self.credentials()[0]
        shown = [locked("the gateway", _with(target, wrong), is_open=False)]
        for name in INSIDE:
            context = target.tls if self.shop.variant.inner_scheme == "https" else None
            door = Target(self.shop.peers[name] + DOORS[name], {"X-User": "alice"}, context, name)
            shown.append(locked(name, door, is_open=pattern == "perimeter"))
        opens("the gateway", _with(target, right))
        return [*shown, "with the right credential an order is placed"]


@dataclass(frozen=True)
class Ordering:
    """A contestant: one shop, and one way in which orders come in."""

    counter: Counter
    way: Way
    proven: Sequence[str]

    @property
    def name(self) -> str:
        """Both."""
        return _name(self.counter.shop.pattern, self.way)

    def prove(self) -> Sequence[str]:
        """What was shown of the shop."""
        return self.proven

    def turn(self) -> Sample:
        """Some orders."""
        target, octets = self.counter.target(), self.counter.octets()
        closed(target, octets, self.way.clients, Bounds(2 * self.way.clients, WARM_SECONDS))
        before = self.counter.cpu()
        load = self.way.drive(target, octets)
        spent = {name: (now - before[name]) * 1e6 / len(load.latencies) for name, now in self.counter.cpu().items()}
        also = {"idp_us": spent["idp"], "driver_late_ms": load.behind_ms}
        return Sample(sum(spent.values()), load.latencies, also)


def run(sizes: Sizes, told: Told) -> Result:
    """Order in all seven shops."""
    chosen = ways(sizes.quick)
    with counters(PEOPLE[:1] if sizes.quick else PEOPLE, told) as shops:
        proven = {pattern: counter.prove() for pattern, counter in shops.items()}
        them = [Ordering(counter, way, proven[name]) for way in chosen for name, counter in shops.items()]
        course = hold(them, min(sizes.rounds, QUICK_ROUNDS if sizes.quick else ROUNDS), told)
        made_of = {pattern: asdict(anatomy(counter.shop)) for pattern, counter in shops.items()}
    rows = [Row(name, proven[name], figures(course, name, chosen, made_of[name])) for name in shops]
    return Result(rows=rows, notes=[] if sizes.quick else [lateness(course, chosen)])


@contextmanager
def counters(people: Sequence[Person], told: Told) -> Iterator[dict[str, Counter]]:
    """All shops, up inside the block, where so many people order."""
    with tempfile.TemporaryDirectory(prefix="five-locks-order-") as root, ExitStack() as stack:
        opening = (running(pattern, "local", ports.free(), Path(root) / pattern) for pattern in PATTERNS)
        shops = opened(stack, opening)
        pids: dict[Path, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for process, where, role in processes.marked():
            pids[where][role].append(process.pid)
        told(f"{len(shops)} shops are up")
        yield {
            shop.pattern: Counter(shop, [Shopper(shop, person.name) for person in people], pids[shop.dir])
            for shop in shops
        }


def figures(course: Course, pattern: str, chosen: Sequence[Way], made_of: Mapping[str, float]) -> dict[str, Spread]:
    """All that was seen of one shop; CPU is that of an order placed by one client."""
    alone = _name(pattern, chosen[0])
    found = {
        "cpu_us": course.spread(alone),
        "idp_us": course.spread(alone, "idp_us"),
        "times perimeter": course.ratio(alone, _name("perimeter", chosen[0])),
    }
    for way in chosen:
        samples = course.samples[_name(pattern, way)]
        pooled = Loaded([latency for sample in samples for latency in sample.latencies])
        found |= {f"{name}, {way.name}": spread([value]) for name, value in percentiles(pooled).items()}
        if way is not chosen[0]:
            found[f"cpu_us, {way.name}"] = course.spread(_name(pattern, way))
    return found | {name: spread([value]) for name, value in made_of.items()}


def lateness(course: Course, chosen: Sequence[Way]) -> str:
    """By how much the driver itself was late, where it was to be on time."""
    late = [each for pattern in PATTERNS for each in course.figures(_name(pattern, chosen[-1]), "driver_late_ms")]
    return f"where orders arrive, the driver itself sent 99 of 100 at most {max(late):.1f} ms late in its worst turn"


def credential(pattern: str, shopper: Shopper) -> dict[str, str]:
    """The header by which a person proves who they are at the edge."""
    if pattern in TOKEN_PATTERNS:
        return {"Authorization": f"Bearer {shopper.token()}"}
    return _password(shopper.who, shopper.password)


def wrong_credential(pattern: str) -> dict[str, str]:
    """One that looks like alice's, and is not."""
    made_up = secrets.token_urlsafe(32)
    return {"Authorization": f"Bearer {made_up}"} if pattern in TOKEN_PATTERNS else _password("alice", made_up)


def _password(who: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{who}:{password}".encode()).decode()}


def _with(target: Target, shown: Mapping[str, str]) -> Target:
    return Target(target.url, {**target.headers, **shown, **_key()}, target.tls, None, target.method, target.body)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


def _name(pattern: str, way: Way) -> str:
    return f"{pattern}, {way.name}"
