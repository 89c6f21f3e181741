"""Does our lock cost less than what a Flask user would otherwise pick?

The same endpoint of the same application on the same server, behind our pattern and behind each library's own guard, as
its documentation has it (`scenarios.bench.others`); one process for each pattern, asked 200 times a round on a
kept-alive connection, in five turns that begin as in `hop`, behind a slow hash 10 times.  Every one is shown the same
credential each time, and refuses the same wrong ones first.  `gunicorn's default` is served by gunicorn with its own
TLS context, and so without the deadlines, the bounded age and the checked framing of our server; `as documented` means
that what is fetched or parsed is not kept.

The figure is the CPU time of the server's processes per request.  What a lock adds is that less `open`, the same
endpoint without any.

What the figures do not say: the libraries do not check the same.  Ours asks for `typ`, for canonical encodings, for
each claim's type, and writes down who was let in and why; flask-jwt-extended knows no scopes, and gunicorn's default
no revocation.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from scenarios.bench.contest import Contestant, Goal, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.experiments.hop import SLICES, Endpoint, few
from scenarios.bench.ground import laid
from scenarios.bench.knocking import NO_HTTP, Knocking, Wrong, paced
from scenarios.bench.others import OTHERS, path
from scenarios.bench.shown import shown

BESIDE = ("jwt", "basic", "oauth2", "mtls")
DEFAULT = "getpeercert() each request, gunicorn's default"
GOALS = tuple(Goal(pattern, name, 1.00, 0.10) for name, (pattern, _) in OTHERS.items())


def run(sizes: Sizes, told: Told) -> Result:
    """Every library beside the pattern that does the same."""
    with laid() as ground, ExitStack() as open_:
        started = {pattern: open_.enter_context(ground.served(pattern, "others")) for pattern in BESIDE}
        default = open_.enter_context(ground.served("mtls", "others", "default"))
        contestants: list[Contestant] = []
        for pattern, process in started.items():
            endpoint = Endpoint(pattern, ground, process.wait(), shown(pattern, ground))
            contestants += _side_by_side(endpoint, sizes)
        endpoint = Endpoint("mtls", ground, default.wait(), shown("mtls", ground))
        contestants += [behind(DEFAULT, endpoint, sizes)]
        course = hold(contestants, sizes.rounds, told, SLICES)
    return Result(rows(course), compared(course, GOALS))


def _side_by_side(endpoint: Endpoint, sizes: Sizes) -> list[Knocking]:
    """Ours, the open endpoint, and every library that does the same in the same process."""
    pattern, many = endpoint.pattern, sizes.requests // SLICES
    ours, opened = endpoint.asked(pattern, many), endpoint.opened(f"{pattern}, open", many)
    names = [name for name, (beside, _) in OTHERS.items() if beside == pattern and name != DEFAULT]
    return [paced(ours, few(sizes)), opened, *(behind(name, endpoint, sizes) for name in names)]


def behind(name: str, endpoint: Endpoint, sizes: Sizes) -> Knocking:
    """The endpoint behind the library called `name`, shown what ours is shown."""
    ours = endpoint.asked(name, sizes.requests // SLICES)
    url = ours.target.url.replace("/guarded", path(name))
    wrong = tuple(_any_refusal(each) for each in ours.wrong)
    return paced(replace(ours, target=replace(ours.target, url=url), wrong=wrong), few(sizes))


def _any_refusal(wrong: Wrong) -> Wrong:
    """The same, refused with whatever status that library has for it."""
    return wrong if NO_HTTP in wrong.statuses else replace(wrong, statuses=frozenset({401, 403, 422}))
