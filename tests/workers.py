"""What stays together when several workers share the tests, and which begin first.

A shop is started by one worker, which has all the tests that need it; the servers of a file likewise.  What takes
longest begins first, so that no worker is left alone with it at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from compose.topology import PATTERNS

SHOP = re.compile(rf"\[((?:local|compose)-(?:{'|'.join(PATTERNS)}))[]-]")
STORIES, README = "tests/test_scenarios.py", "tests/test_readme.py"  # the README brings up shop after shop


def share(nodeid: str) -> str:
    """What a test must have on one worker with others: `local-jwt`, the shop that it needs, or else its file."""
    shop = SHOP.search(nodeid)
    return shop[1] if shop else nodeid.partition("::")[0]


def is_story_in_containers(item: pytest.Item) -> bool:
    """Whether it is a scenario acted out in a shop of containers."""
    return item.nodeid.startswith(STORIES) and share(item.nodeid).startswith("compose-")


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The README's first, then those that need a shop, then the rest; otherwise as they are."""
    return sorted(items, key=lambda item: (share(item.nodeid) != README, not SHOP.search(item.nodeid)))


class ByShare(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out all that stays together at once; xdist itself would go by file and class."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # it would begin with the most tests, not with the longest
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)
