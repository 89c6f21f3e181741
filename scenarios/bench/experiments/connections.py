"""What does a new connection cost the server, with a certificate on both ends?

The same open endpoint, under `mtls`, in two processes: served by `services.server`, whose TLS context is kept until a
file changes and hands out no tickets, and by gunicorn with the context that it makes by default for each connection
(`scenarios.bench.default_gunicorn`).  A round is 50 connections, one after the other, in five turns, each with a full
handshake and one small request, since in TLS 1.3 only an answer shows that the client's certificate was accepted.  The
figure is the CPU time of the server's processes per connection, that request included; `TLS only` is ours without a
client's certificate, `kept alive` the request alone.

Both refuse whoever has no certificate, and a certificate of another CA.  Ours also asks for TLS 1.3, for strict
verification (RFC 5280), and for a revocation list of each CA of the chain; gunicorn's asks for none of these.

What the figures do not say: what the client spends, and what a session that is resumed would save; ours resumes none,
since that would pass over the revocation list.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from scenarios.bench.contest import Goal, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.experiments.hop import SLICES, Endpoint
from scenarios.bench.ground import laid
from scenarios.bench.knocking import NO_HTTP, Knocking
from scenarios.bench.shown import shown

OURS, THEIRS = "ours", "gunicorn's default context"
GOALS = (Goal(OURS, THEIRS, 0.50, 0.05),)


def run(sizes: Sizes, told: Told) -> Result:
    """Ours and gunicorn's default, and what a connection is made of."""
    with laid() as ground, ExitStack() as open_:
        started = {
            OURS: open_.enter_context(ground.served("mtls")),
            THEIRS: open_.enter_context(ground.served("mtls", "default")),
        }
        proves = shown("mtls", ground)
        connecting = [
            _connecting(name, Endpoint("mtls", ground, process.wait(), proves), sizes)
            for name, process in started.items()
        ]
        kept = replace(connecting[0], name="kept alive", anew=False)
        process = open_.enter_context(ground.served("jwt")).wait()
        without = Endpoint("jwt", ground, process, shown("jwt", ground)).opened("TLS only", connecting[0].count)
        course = hold([*connecting, kept, replace(without, anew=True)], sizes.rounds, told, SLICES)
    return Result(rows(course), compared(course, GOALS))


def _connecting(name: str, endpoint: Endpoint, sizes: Sizes) -> Knocking:
    """A new connection for each request; who shows no certificate of ours gets none."""
    strangers = tuple(wrong for wrong in endpoint.shown.wrong if NO_HTTP in wrong.statuses)
    asked = endpoint.opened(name, sizes.requests // 4 // SLICES)
    return replace(asked, wrong=strangers, anew=True)
