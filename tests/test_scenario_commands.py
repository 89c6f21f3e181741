"""Telling a scenario, acting all of them out, and comparing two patterns, as people see it on the terminal."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import PATTERNS, REPO
from scenarios import differ, show
from scenarios.outcome import outcomes, telling
from scenarios.registry import Story, load, stories
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import DoorShut, World
from tests import test_shop


@pytest.fixture
def out() -> Console:
    return Console(file=io.StringIO(), width=140, no_color=True, highlight=False)


@pytest.fixture
def printed(out: Console) -> Callable[[], str]:
    def read() -> str:
        assert isinstance(out.file, io.StringIO)
        return out.file.getvalue()

    return read


@pytest.fixture(scope="session")
def world(shop: Shop) -> Iterator[World]:
    """The shop, and the places in it where somebody may stand."""
    with World(shop) as there:
        yield there


def a_story(**cases: Callable[[World], Answer]) -> Story:
    """A story that expects to be served, under every pattern."""
    expected = {pattern: Expect(Verdict.SERVED, f"so it is under {pattern}") for pattern in PATTERNS}
    return Story("a_story", "Alice tries.", "And so on.", "everyday", expected, ("RFC 9110",), ("XC-01",), cases)


def served(_: World) -> Answer:
    return Answer(Verdict.SERVED, 200, body="[the shelf]")


def nothing_to_try(_: World) -> Answer:
    return UNISSUED


def breaks_off(_: World) -> Answer:
    raise ValueError("status 500 is no refusal")


class TestScenario:
    def test_it_tells_the_walkthrough_the_verdict_why_and_the_hops(
        self, world: World, out: Console, printed: Callable[[], str]
    ) -> None:
        story = load("place_an_order")
        assert show.scenario(world, story, out)
        told = printed()
        expected = story.expected[world.pattern]
        for words in (story.title, story.walkthrough, expected.reason, "SERVED 201", *story.references, "as expected"):
            assert words in told
        for hop in ("you → gateway", "gateway → orders", "orders → inventory", "orders → billing"):
            assert hop in told, told

    def test_a_family_shows_each_case(self, world: World, out: Console, printed: Callable[[], str]) -> None:
        assert show.scenario(world, load("knock_at_each_service"), out)
        assert all(name in printed() for name in ("orders", "inventory", "billing"))

    def test_a_surprise_is_said_and_not_a_success(self, world: World, out: Console, printed: Callable[[], str]) -> None:
        assert not show.scenario(world, a_story(one=served, two=nothing_to_try, three=breaks_off), out)
        told = printed()
        assert "2 of 3 came as a surprise" in told
        assert "broke off: ValueError: status 500 is no refusal" in told
        assert "[the shelf]" in told

    def test_an_unknown_name_gets_the_list(self) -> None:
        for name, what in (("nobody", "there is no scenario 'nobody'"), ("", "no scenario was named")):
            with pytest.raises(CannotRun, match=what) as refused:
                show.named(stories(), name)
            assert all(story in refused.value.mend for story in stories())


class TestScenarios:
    def test_every_story_has_a_line_and_a_surprise_has_more(
        self, world: World, out: Console, printed: Callable[[], str]
    ) -> None:
        told = {"good": a_story(one=served), "bad": a_story(one=served, two=nothing_to_try)}
        assert show.scenarios(world, told, out) == ["a_story"]
        lines = printed().splitlines()
        assert any("1/2  a_story  SERVED" in line and f"so it is under {world.pattern}" in line for line in lines)
        assert any("2/2  a_story  SURPRISE" in line and "(2 cases)" in line for line in lines)
        assert any("two: UNISSUED, not SERVED" in line for line in lines)
        assert "surprises: a_story" in lines[-1]

    def test_what_needs_the_management_door_is_skipped_without_one_and_no_surprise(
        self, world: World, out: Console, printed: Callable[[], str]
    ) -> None:
        without = World(replace(world.shop, manage=False))
        told = {"one": a_story(clock=lambda there: served(there) if there.manager.clock() else UNISSUED)}
        assert show.scenarios(without, told, out) == []
        assert "skipped" in printed()
        assert "MANAGE=1 make up" in printed()
        assert "all as expected, but for 1 that were skipped" in printed().splitlines()[-1]
        with pytest.raises(DoorShut):
            show.scenario(without, told["one"], out)
        assert show.scenario(world, told["one"], out)

    def test_what_breaks_off_keeps_nobody_else_from_their_turn(self, world: World) -> None:
        found = list(outcomes(world, a_story(one=breaks_off, two=served)))
        assert [outcome.as_expected for outcome in found] == [False, True]
        assert telling(found).case == "one"


class TestDiff:
    @pytest.mark.parametrize("before", PATTERNS)
    @pytest.mark.parametrize("after", PATTERNS)
    def test_any_two_can_be_compared(self, before: str, after: str, out: Console, printed: Callable[[], str]) -> None:
        differ.show(before, after, stories(), out)
        assert ("+++ services/patterns" in printed()) is (before != after)

    def test_it_shows_code_configuration_moving_parts_and_verdicts(
        self, out: Console, printed: Callable[[], str]
    ) -> None:
        differ.show("mtls", "zerotrust", stories(), out)
        told = printed()
        for words in ("-class Mtls:", "+class ZeroTrust:", "USERS_EDGE", "IdP calls per order", "forge_the_user"):
            assert words in told

    def test_verdicts_that_are_the_same_are_left_out(self) -> None:
        differing = differ.verdicts("perimeter", "mtls", stories())
        names = [name for name, _, _ in differing]
        assert "knock_at_each_service" in names
        assert "place_an_order" not in names

    def test_the_calls_to_the_idp_are_those_that_were_measured(self) -> None:
        told = {name: differ.moving_parts("perimeter", name) for name in test_shop.IDP_CALLS}
        shown = {name: {row[0]: row[2] for row in rows}["IdP calls per order"] for name, rows in told.items()}
        assert shown == {name: str(calls) for name, calls in test_shop.IDP_CALLS.items() if calls}

    def test_an_unknown_pattern_gets_the_list(self) -> None:
        with pytest.raises(CannotRun, match="there is no pattern 'jtw'") as refused:
            differ.known("jtw", "FROM")
        assert all(name in refused.value.mend for name in PATTERNS)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
class TestMake:
    @staticmethod
    def told(*arguments: str, **environ: str) -> str:
        """What `make` would have a recipe see as NAME."""
        show_name = "--eval=told: ; @printf '[%s]' \"$$NAME\""
        done = subprocess.run(
            ["make", show_name, "told", *arguments],
            cwd=REPO,
            env={"PATH": os.environ["PATH"], **environ},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    def test_a_scenario_can_be_named_either_way(self) -> None:
        assert self.told("NAME=forge_the_user") == "[forge_the_user]"
        assert self.told(NAME="forge_the_user") == "[forge_the_user]"

    def test_so_can_a_process(self) -> None:
        assert self.told("NAME=orders") == self.told(NAME="orders") == "[orders]"

    def test_the_name_of_the_machine_is_nobodys(self) -> None:
        assert self.told(NAME="DESKTOP-7") == "[]"
        assert self.told() == "[]"


def test_a_command_without_a_shop_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "scenario"],
        cwd=REPO,
        env={"PATH": os.environ["PATH"], "NAME": "place_an_order", "PATTERN": "jwt", "RUN_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "make up PATTERN=jwt" in done.stderr
