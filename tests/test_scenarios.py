"""Every scenario, under every pattern, in both runtimes: what happens is what was written down first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from compose.processes import whole_lines
from compose.shop import Shop
from compose.topology import PROCESSES
from scenarios.registry import Story, stories
from scenarios.world import World

STORIES = stories()


@pytest.fixture(scope="session")
def world(shop: Shop) -> Iterator[World]:
    """The shop, and the places in it where somebody may stand."""
    with World(shop) as there:
        yield there


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_it_comes_as_it_was_written(world: World, story: Story) -> None:
    expected = story.expected[world.pattern]
    with explained(world.shop):
        answers = story.run(world)
        found = {name: f"{answer.verdict} {answer.status or answer.detail}" for name, answer in answers.items()}
        assert {name: answer.verdict for name, answer in answers.items()} == dict.fromkeys(answers, expected.verdict), (
            found
        )


@contextmanager
def explained(shop: Shop) -> Iterator[None]:
    """Print what went wrong inside of the shop meanwhile, by its own words, when the block fails."""
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        yield
    except BaseException:
        for name in PROCESSES:
            for text in whole_lines(shop.logs(name)):
                line: dict[str, Any] = json.loads(text) if text.startswith("{") else {}
                if line.get("time", "") >= began and line.get("status", 500) >= 500:
                    print(text)
        raise
