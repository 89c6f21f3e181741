"""Every scenario, under every pattern, in both runtimes: what happens is what was written down first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compose.shop import Shop
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
    answers = story.run(world)
    found = {name: f"{answer.verdict} {answer.status or answer.detail}" for name, answer in answers.items()}
    assert {name: answer.verdict for name, answer in answers.items()} == dict.fromkeys(answers, expected.verdict), found
