"""The walk in the README: each of its steps, acted out, says at its end what the README says it says."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from compose.shop import Shop
from compose.topology import PATTERNS
from scenarios import show, tables, walk
from scenarios.registry import stories
from scenarios.world import World

STORIES = stories()


@pytest.fixture(scope="session")
def world(shop: Shop) -> Iterator[World]:
    """The shop, and the places in it where somebody may stand."""
    with World(shop) as there:
        yield there


def in_the_readme(pattern: str) -> list[tuple[str, str]]:
    """The commands of one pattern's walk, each with the last line of what it prints."""
    text = tables.README.read_text(encoding="utf-8")
    block = text.partition(f"**{pattern}**\n\n```console\n")[2].partition("```")[0]
    lines = block.splitlines()
    begun = [index for index, line in enumerate(lines) if line.startswith("$ make scenario NAME=")]
    return [(lines[index].partition("NAME=")[2], lines[index + 2]) for index in begun]


def test_each_step_comes_as_the_readme_tells_it(world: World) -> None:
    told, said = in_the_readme(world.pattern), []
    for name, _ in told:
        out = Console(file=io.StringIO(), width=200, highlight=False)
        show.scenario(world, STORIES[name], out)
        printed = out.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
        assert STORIES[name].title in " ".join(printed.split())
        said.append((name, printed.strip().splitlines()[-1]))
    assert said == told


def test_it_is_in_the_readme_for_every_pattern() -> None:
    assert {pattern: [name for name, _ in in_the_readme(pattern)] for pattern in PATTERNS} == {
        pattern: list(names) for pattern, names in walk.WALK.items()
    }
    assert all(5 <= len(names) <= 6 for names in walk.WALK.values())
