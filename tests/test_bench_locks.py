"""The locks whose cost is measured are shut, whosever they are; and one that is not is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from scenarios.bench.contest import NotProven, hold
from scenarios.bench.experiment import Sizes
from scenarios.bench.experiments.hop import Endpoint
from scenarios.bench.experiments.peers import behind
from scenarios.bench.experiments.where import OVER_TLS, contestants, row
from scenarios.bench.ground import Ground, laid
from scenarios.bench.knocking import Headers
from scenarios.bench.ledger import GUARD, PARTS
from scenarios.bench.looking import part_figure
from scenarios.bench.others import OTHERS
from scenarios.bench.shown import shown

SMALL = Sizes(rounds=1, requests=20, quick=True)
BESIDE = ("jwt", "mtls")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with laid() as found:
        yield found


@pytest.fixture(scope="module")
def endpoints(ground: Ground) -> Iterator[dict[str, Endpoint]]:
    with ExitStack() as open_:
        started = {
            "jwt": open_.enter_context(ground.served("jwt", "others")),
            "mtls": open_.enter_context(ground.served("mtls", "others", "default")),
        }
        yield {name: Endpoint(name, ground, each.wait(), shown(name, ground)) for name, each in started.items()}


def test_a_guarded_endpoint_is_proven_and_its_time_is_read(endpoints: dict[str, Endpoint]) -> None:
    asked = endpoints["jwt"].asked("jwt", 20)
    assert "a forged signature: 401" in asked.prove()
    sample = asked.turn()
    assert sample.cpu_us > 0
    assert len(sample.latencies) == 20
    assert sample.also["first_us"] > 0


def test_what_a_turn_begins_with_is_asked_and_does_not_count(endpoints: dict[str, Endpoint]) -> None:
    asked, shown = endpoints["jwt"].asked("jwt", 3), []

    def show(count: int) -> list[Headers]:
        shown.append(count)
        return asked.show(count)

    sample = replace(asked, lead=4, show=show).turn()
    assert (shown, len(sample.latencies)) == ([7], 3)
    assert replace(asked, lead=0).turn().also == {}


def test_an_open_endpoint_under_the_name_of_a_guarded_one_is_noticed(endpoints: dict[str, Endpoint]) -> None:
    asked = endpoints["jwt"].asked("jwt", 1)
    opened = replace(asked.target, url=asked.target.url.replace("/guarded", "/open"))
    with pytest.raises(NotProven, match="nobody gets 200"):
        replace(asked, target=opened).prove()


def test_a_certificate_that_nobody_asked_for_is_no_proof(endpoints: dict[str, Endpoint]) -> None:
    """Who is under `mtls` refused without a certificate is let in where only TLS is spoken."""
    jwt, mtls = endpoints["jwt"].opened("TLS only", 1), endpoints["mtls"].asked("mtls", 1)
    with pytest.raises(NotProven, match="no certificate gets 200"):
        replace(jwt, wrong=mtls.wrong).prove()


@pytest.mark.parametrize("name", [name for name, (pattern, _) in OTHERS.items() if pattern in BESIDE])
def test_the_lock_of_others_is_shut(endpoints: dict[str, Endpoint], name: str) -> None:
    pattern, _ = OTHERS[name]
    ours, theirs = endpoints[pattern].asked(pattern, 1), behind(name, endpoints[pattern], SMALL)
    assert len(theirs.prove()) == len(ours.wrong) + 1


def test_the_parts_of_a_request_add_up_and_only_a_guarded_one_is_guarded(ground: Ground) -> None:
    with ExitStack() as open_:
        course = hold(list(contestants(("jwt", OVER_TLS), ground, 30, open_)), rounds=1)
    guarded, opened = row(course, "jwt").figures, row(course, OVER_TLS).figures
    parts = {part: guarded[part_figure(part)].median for part in PARTS}
    assert min(parts.values()) > 0
    assert sum(parts.values()) == pytest.approx(guarded["cpu_us"].median)
    assert parts[GUARD] > 2 * opened[part_figure(GUARD)].median
    assert 0 <= guarded["in_the_kernel_us"].median <= guarded["cpu_us"].median  # counted in ticks of 10 ms
