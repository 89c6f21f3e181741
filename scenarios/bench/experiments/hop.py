"""What does each lock add to one request?

One small endpoint of a service, made by `services.app.create_app` and served by `services.server`, in a process with
one worker for each pattern.  It is asked 200 times a round on a kept-alive connection that is open already, in five
turns, between which all others have theirs; behind a slow hash, 10 times.  The figure is the CPU time of the server's
processes per request, user and system, as the kernel counts it: what the caller spends, and what the identity provider
spends (told beside it), is not in it.

A turn begins with ten requests that are not in the figure: twenty other processes have just had the processor's caches
to themselves, and *warm* means that what is at work is not the first of its kind.  What those ten cost on average is
`first_us`: that, rather, is what a lock costs on a machine that is busy with much else.

`open` is the same endpoint in the same process, on the same kind of connection, shown no credential and asking for
none: it has the audit line, the checks of the host and everything else that the guarded one has, so the ratio is the
lock's alone; that a token has to be received and read at all is part of it, and told apart by `open, shown a
token`.  TLS is on both sides of it wherever TLS is not the lock itself.  For `mtls` and `zerotrust` it is: they
are compared with the open endpoint over plain HTTP.  What TLS without a client's certificate costs, and the open
endpoint behind the very handshake, are in the rows.

*Warm*: the same credential each time.  *Never seen*: another one each time, signed or registered beforehand.  *New
connections*: a connection for each request, with its handshake.  With introspection cached for 5 s the identity
provider is still asked every 5 s, which at the pace of these rounds is about one request in a hundred.

What the figures do not say: what the lock costs the caller (`calls`), how it fares with many clients at once, and
milliseconds on another machine.  Latencies are from one client on the same machine, which takes its own share of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

from scenarios.bench.contest import Contestant, Course, Goal, hold
from scenarios.bench.experiment import Result, Row, Sizes, Told, compared, rows
from scenarios.bench.ground import PASSWORD, Ground, laid
from scenarios.bench.knocking import Headers, Knocking, paced
from scenarios.bench.serving import Process
from scenarios.bench.shown import Shown, basic, bearer, nothing, shown
from scenarios.bench.statistics import above
from scenarios.bench.wire import Target

SLICES, LEAD = 5, 10
"""Turns that each has in a round, and the requests that each turn begins with before the clock is read."""
PLAIN = "perimeter, open"
CACHED = "oauth2, cached 5 s"
GOALS = (
    # In a long run some come to 0.1 more than they should; a quick one is to notice when it is far more than that.
    Goal("jwt", "jwt, open", 1.10, 0.10),
    Goal("jwt, never seen", "jwt, open", 1.75, 0.10),
    Goal("basic", "basic, open", 1.10, 0.20),
    Goal("mtls", PLAIN, 1.12, 0.20),
    Goal("oauth2", "oauth2, open", 3.5, 0.20),
    Goal(CACHED, f"{CACHED}, open", 1.12, 0.20),
)
PROCESSES = {
    "perimeter": ("perimeter", {}),
    "mtls": ("mtls", {}),
    "zerotrust": ("zerotrust", {}),
    "jwt": ("jwt", {}),
    "oauth2": ("oauth2", {}),
    CACHED: ("oauth2", {"SHOP_CACHE_SECONDS": "5"}),
    "basic": ("basic", {}),
    "subsystem": ("subsystem", {}),
}
"""The pattern of each, and what else it is told; in an order in which what is compared takes its turns side by side."""
PROMISED = {name for goal in GOALS for name in (goal.ours, goal.theirs.removesuffix(", open"))}
"""What the goals are about; a quick run keeps to that, and to connections that are kept."""
TLS_IS_THE_LOCK = {"mtls", "zerotrust"}
ANEW = "new connections"
NEW_CONNECTIONS = {"perimeter", "jwt", "mtls"}
"""Plain, TLS, and TLS with a certificate on both ends: the other patterns connect as one of these does."""
BODY = b'{"status":"ok"}\n'


def run(sizes: Sizes, told: Told) -> Result:
    """Every pattern, open and guarded, warm and never seen, on a kept-alive connection and on new ones."""
    with laid() as ground, ExitStack() as open_:
        wanted = {name: told for name, told in PROCESSES.items() if name in PROMISED or not sizes.quick}
        started = {
            name: open_.enter_context(ground.served(pattern, **more)) for name, (pattern, more) in wanted.items()
        }
        contestants: list[Contestant] = []
        for name, process in started.items():
            pattern, _ = wanted[name]
            contestants += _of(name, Endpoint(pattern, ground, process.wait(), shown(pattern, ground)), sizes)
        course = hold(contestants, sizes.rounds, told, SLICES)
    return Result([_beside_open(course, row) for row in rows(course)], compared(course, GOALS))


def _beside_open(course: Course, row: Row) -> Row:
    """The row of what is guarded, with how many times as much as `open` it takes, and how much more."""
    if "open" in row.name.split(", "):
        return row
    opened = _opened(row.name)
    over = above(course.figures(row.name), course.figures(opened))
    first = {"cpu_us": row.figures["cpu_us"], "times open": course.ratio(row.name, opened), "over open_us": over}
    return replace(row, figures=first | dict(row.figures))


def _opened(name: str) -> str:
    """The open endpoint that a guarded one is compared with."""
    process = CACHED if name == CACHED else name.partition(", ")[0]
    opened = PLAIN if process in TLS_IS_THE_LOCK else f"{process}, open"
    return f"{opened}, {ANEW}" if name.endswith(ANEW) else opened


@dataclass(frozen=True)
class Endpoint:
    """The endpoint of one process."""

    pattern: str
    ground: Ground
    process: Process
    shown: Shown

    def asked(self, name: str, count: int) -> Knocking:
        """The guarded endpoint, asked with the same credential again and again."""
        idp = self.ground.idp if self.pattern == "oauth2" else None
        target = self._target("/guarded")
        return Knocking(name, target, self.process, self.shown.again, self.shown.wrong, BODY, count, lead=LEAD, idp=idp)

    def opened(self, name: str, count: int) -> Knocking:
        """The open one, asked without any."""
        return Knocking(name, self._target("/open"), self.process, nothing, (), BODY, count, lead=LEAD)

    def _target(self, path: str) -> Target:
        scheme = "https" if self.shown.tls else "http"
        return Target(f"{scheme}://127.0.0.1:{self.process.port}{path}", {}, self.shown.tls, "orders")


def _of(name: str, endpoint: Endpoint, sizes: Sizes) -> Iterator[Knocking]:
    """The contestants of one process."""
    many = sizes.requests // SLICES
    guarded, opened = paced(endpoint.asked(name, many), few(sizes)), endpoint.opened(f"{name}, open", many)
    yield from (guarded, opened)
    if name == "jwt":
        yield replace(guarded, name="jwt, never seen", show=lambda count: _new_tokens(endpoint.ground, count))
    if sizes.quick:
        return
    if name == "jwt":
        yield replace(guarded, name="jwt, open, shown a token", target=opened.target, wrong=())
    if name == "basic":
        people = iter(endpoint.ground.newcomers("stranger", few(sizes) * (sizes.rounds * SLICES + 2)))
        strangers = replace(guarded, name="basic, never seen", count=few(sizes), lead=0)
        yield replace(strangers, show=lambda count: _newcomers(people, count))
    if name in NEW_CONNECTIONS:
        for each in (guarded, opened):
            yield replace(each, name=f"{each.name}, {ANEW}", count=many // 4, lead=0, anew=True)


def few(sizes: Sizes) -> int:
    """How often a turn asks for what takes a slow hash."""
    return max(1, sizes.requests // 20 // SLICES)


def _new_tokens(ground: Ground, count: int) -> list[Headers]:
    return [bearer(ground.jwt()) for _ in range(count)]


def _newcomers(people: Iterator[str], count: int) -> list[Headers]:
    return [basic(name, PASSWORD) for name in islice(people, count)]
