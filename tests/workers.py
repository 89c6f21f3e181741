"""What stays together when several workers share the tests, and in which order they run.

A shop is started by one worker, which has all the tests that need it; the servers of a file likewise.  What takes
longest begins first, so that no worker is left alone with it at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from compose.topology import PATTERNS

SHOP = re.compile(rf"\[((?:local|compose)-(?:{'|'.join(PATTERNS)}))[]-]")
README = "tests/test_readme.py"  # the README brings up shop after shop
LONG = tuple(
    f"tests/test_{name}.py"
    for name in ("server_slow", "checkout", "scenarios_cli", "server", "report", "runtime_local", "strangers")
)
"""Files that need no shop and would come last, though they take long, much of which they wait."""
MEASURED = "tests/test_measurements_"
ACTED_OUT = (MEASURED, "tests/test_rotate.py", "tests/test_scenarios.py", "tests/test_walk.py")
ENOUGH = ("local-subsystem", "local-zerotrust")
"""Between them every kind of credential is measured; `make compare` measures under every pattern."""


def share(nodeid: str) -> str:
    """What a test must have on one worker with others: `local-jwt`, the shop that it needs, or else its file."""
    shop = SHOP.search(nodeid)
    return shop[1] if shop else nodeid.partition("::")[0]


def is_acted_out_in_containers(item: pytest.Item) -> bool:
    """Whether it is a scenario or a measurement in a shop of containers."""
    return item.nodeid.startswith(ACTED_OUT) and share(item.nodeid).startswith("compose-")


def is_measured_elsewhere(item: pytest.Item) -> bool:
    """Whether it is a measurement in a shop under one pattern more than is enough."""
    return item.nodeid.startswith(MEASURED) and bool(SHOP.search(item.nodeid)) and share(item.nodeid) not in ENOUGH


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The README's, those that need a shop, those that are long, the rest; in a shop, whoever breaks in comes last.

    An attacker leaves traces, and some tests look for traces that ordinary use must not leave.
    """
    shares = {each: place for place, each in enumerate(dict.fromkeys(share(item.nodeid) for item in items))}

    def place(item: pytest.Item) -> tuple[bool, bool, bool, int, bool]:
        mine = share(item.nodeid)
        late = mine != README, not SHOP.search(item.nodeid), mine not in LONG
        return *late, shares[mine], item.nodeid.startswith(ACTED_OUT)

    return sorted(items, key=place)


class ByShare(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out all that stays together at once; xdist itself would go by file and class."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # it would begin with the most tests, not with the longest
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
