"""Where does the time of one guarded request go?

The small endpoint of `hop` again, under the same locks, each in a process of its own, asked with the same credential
again and again on one kept-alive connection.  In that process a clock of the thread's CPU time is read at each border
that a request crosses (`scenarios.bench.profiled`): where the connection is read and written, where gunicorn calls
the application, where Flask calls our hooks.  What lies between two borders is on the account of one part, but for
what lies in another part within it.  To read the clock costs about as much as the smallest parts do, so what it costs
is measured before, in the same process, and taken off.

*event loop*: gunicorn's main thread, which waits for connections, hands them to other threads, and takes them back.
*gunicorn*: all else of it, the hand-over at the other end with it: reading a request's head, preparing an answer's.
*wire*: reading and writing the connection, the kernel's work and that of TLS: so TLS is what it comes to above
`perimeter, open`.  *Flask*: Flask and Werkzeug, with what they build, find and tear down for a request, and the view,
which returns a constant.  *guard*: the pattern, its keys, tokens and caches, and the policy, with all that they call;
where they ask the identity provider that too, but for the time which the provider itself spends.  *audit line*: begun
before, written after.  *other checks*: the host, the age of the connection, the framing, the headers of the answer.

The parts add up to what a request costs; `in the kernel` is how much of all of them is system time.  What the guard
makes others do is theirs: a header more is read by gunicorn, and named in the audit line.  So the open endpoint is in
it too, over plain HTTP and over TLS, and the difference from part to part says what a lock brings.

What the figures do not say: what a part costs in a process in which no clock is read.  A call of ours becomes two, and
what is taken off for that is an average, so a part of ten microseconds is known to one or two.  System time is what the
kernel finds at its ticks, and known to a twentieth of itself at best.  And the first to touch something that is then
kept, such as the headers of a request, has it on its account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from scenarios.bench.contest import Course, Goal, hold
from scenarios.bench.experiment import Result, Row, Sizes, Told
from scenarios.bench.experiments.hop import CACHED, PLAIN, PROCESSES, Endpoint
from scenarios.bench.ground import Ground, laid
from scenarios.bench.ledger import PARTS
from scenarios.bench.looking import Looking, part_figure
from scenarios.bench.shown import shown
from scenarios.bench.statistics import spread

GOALS: tuple[Goal, ...] = ()
SLICES = 4
"""Turns that each has in a round."""
OVER_TLS = "jwt, open"
"""The open endpoint behind TLS: it is the same under every pattern."""
CONTESTANTS = (PLAIN, "perimeter", "mtls", "zerotrust", OVER_TLS, "jwt", "basic", "oauth2", CACHED)


def run(sizes: Sizes, told: Told) -> Result:
    """Look into all of them."""
    if sizes.quick:
        return Result(notes=["It takes a minute, so a quick run leaves it out."])
    with laid() as ground, ExitStack() as open_:
        them = list(contestants(CONTESTANTS, ground, sizes.requests // SLICES, open_))
        course = hold(them, sizes.rounds, told, SLICES)
    return Result([row(course, name) for name in course.samples])


def contestants(names: Sequence[str], ground: Ground, count: int, open_: ExitStack) -> Iterator[Looking]:
    """Each in a process of its own, up until `open_` closes."""
    started = {}
    for name in names:
        pattern, more = PROCESSES[name.removesuffix(", open")]
        started[name] = pattern, open_.enter_context(ground.served(pattern, entry="profiled", **more))
    for name, (pattern, process) in started.items():
        endpoint = Endpoint(pattern, ground, process.wait(), shown(pattern, ground))
        asking = endpoint.opened(name, count) if name.endswith(", open") else endpoint.asked(name, count)
        yield Looking(replace(asking, idp=None))


def row(course: Course, name: str) -> Row:
    """What a request costs, the parts of it, and how much of it all is the kernel's."""
    figures = {figure: course.spread(name, figure) for figure in ("cpu_us", *(part_figure(part) for part in PARTS))}
    user, system = (sum(course.figures(name, figure)) for figure in ("user_s", "system_s"))
    share = system / (user + system or 1)  # first, or a rounding could make the part more than the whole
    in_kernel = spread([each * share for each in course.figures(name)])
    return Row(name, course.proven[name], figures | {"in_the_kernel_us": in_kernel})
