"""What does a new connection cost the server, with a certificate on both ends?

The same open endpoint, under `mtls`, in two processes: served by `services.server`, whose TLS context is kept until a
file changes and hands out no tickets, and by gunicorn with the context that it makes by default for each connection
(`scenarios.bench.default_gunicorn`).  A round is 50 connections, one after the other, in five turns, each with a full
handshake and one small request, since in TLS 1.3 only an answer shows that the client's certificate was accepted; and
as many requests on one connection.  The figure is the CPU time of the server's processes for a connection alone: the
one less the other.  `TLS only` is ours without a client's certificate.

Both refuse whoever has no certificate, and a certificate of another CA.  Ours also asks for TLS 1.3, for strict
verification (RFC 5280), and for a revocation list of each CA of the chain; gunicorn's asks for none of these.

What the figures do not say: what the client spends, and what a session that is resumed would save; ours resumes none,
since that would pass over the revocation list.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from scenarios.bench.contest import Contestant, Goal, Sample, hold
from scenarios.bench.experiment import Result, Sizes, Told, compared, rows
from scenarios.bench.experiments.hop import SLICES, Endpoint
from scenarios.bench.ground import laid
from scenarios.bench.knocking import NO_HTTP, Knocking
from scenarios.bench.shown import shown

OURS, THEIRS = "ours", "gunicorn's default context"
GOALS = (Goal(OURS, THEIRS, 0.50, 0.05),)


def run(sizes: Sizes, told: Told) -> Result:
    """Ours and gunicorn's default, and ours without a client's certificate."""
    some = sizes.requests // 4 // SLICES
    with laid() as ground, ExitStack() as open_:
        started = {
            OURS: open_.enter_context(ground.served("mtls")),
            THEIRS: open_.enter_context(ground.served("mtls", "default")),
            "TLS only": open_.enter_context(ground.served("jwt")),
        }
        contestants: list[Contestant] = []
        for name, process in started.items():
            pattern = "jwt" if name == "TLS only" else "mtls"
            endpoint = Endpoint(pattern, ground, process.wait(), shown(pattern, ground))
            strangers = tuple(wrong for wrong in endpoint.shown.wrong if NO_HTTP in wrong.statuses)
            contestants.append(Connecting(replace(endpoint.opened(name, some), wrong=strangers)))
        course = hold(contestants, sizes.rounds, told, SLICES)
    return Result(rows(course), compared(course, GOALS))


@dataclass(frozen=True)
class Connecting:
    """A contestant that connects for each request; what the request itself costs is taken off."""

    kept: Knocking

    @property
    def name(self) -> str:
        """As of whom it asks."""
        return self.kept.name

    def prove(self) -> list[str]:
        """Who shows no certificate of ours gets no connection."""
        return self.kept.prove()

    def turn(self) -> Sample:
        """So many new connections, and as many requests on one."""
        anew, kept = replace(self.kept, anew=True, lead=1).turn(), self.kept.turn()
        return Sample(anew.cpu_us - kept.cpu_us, anew.latencies, {"request_us": kept.cpu_us})
