"""The tables that are made of the stories are as the stories have it, and what they name is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from compose.topology import PATTERNS
from scenarios import coverage, evidence, tables
from scenarios.catalogue import BY_ID, ROWS, SECTIONS
from scenarios.registry import GROUPS, gauges, stories
from scenarios.sabotage import Result, by_file, checkers, commit, found
from scenarios.sabotages import SABOTAGES, Sabotage
from scenarios.sabotages.stories import CONTROLS
from scenarios.verdict import Verdict

STORIES = stories()


@cache
def names_in(path: Path) -> set[str]:
    """The names of a test module's classes, functions and methods, as pytest writes them after `::`."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return names


def is_a_test(repository: Path, node: str) -> bool:
    """Whether pytest would find something under this name; what stands in brackets is pytest's to check."""
    file, _, name = node.partition("::")
    path = repository / file
    return path.is_file() and (not name or re.sub(r"\[.*\]\Z", "", name) in names_in(path))


class TestTables:
    def test_the_table_of_coverage_is_current(self) -> None:
        assert coverage.COVERAGE.read_text(encoding="utf-8") == coverage.coverage(STORIES), "run `make matrix`"

    def test_the_matrix_has_a_row_for_each_story_and_a_column_for_each_pattern(self) -> None:
        lines = tables.matrix(evidence.read(), STORIES).splitlines()
        assert [cell.strip() for cell in lines[0].strip("|").split("|")] == ["scenario", *PATTERNS]
        assert len(lines) == 2 + len(STORIES) + len({story.group for story in STORIES.values()})
        assert {line.count("|") for line in lines} == {len(PATTERNS) + 2}

    def test_writing_them_twice_changes_nothing(self) -> None:
        once = tables.readme(evidence.read(), STORIES, None, tables.README.read_text(encoding="utf-8"))
        assert tables.readme(evidence.read(), STORIES, None, once) == once

    def test_a_readme_without_a_place_for_them_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no block 'walk'"):
            tables.readme(evidence.read(), STORIES, None, "# Shop\n")


class TestCatalogue:
    def test_stories_cover_only_what_is_in_it(self) -> None:
        assert coverage.unknown(STORIES.values()) == []

    def test_each_row_is_there_once_and_in_a_section(self) -> None:
        assert len(BY_ID) == len(ROWS)
        assert {row.id.partition("-")[0] for row in ROWS} == set(SECTIONS)

    def test_every_test_that_it_names_is_there(self, repository: Path) -> None:
        missing = [
            (row.id, test)
            for row in ROWS
            for test in row.tests
            if not is_a_test(repository, "tests/test_{}.py::{}".format(*test.split("::", 1)))
        ]
        assert missing == []

    def test_every_measurement_that_it_names_is_there(self) -> None:
        assert {name for row in ROWS for name in row.measured} <= set(gauges())

    def test_what_nothing_covers_is_called_open(self) -> None:
        told = coverage.coverage(STORIES)
        for row in ROWS:
            covered = row.tests or row.measured or any(row.id in story.catalogue for story in STORIES.values())
            assert (f"| {row.id} | {row.title} | **open** |" in told) is not bool(covered)


def test_every_story_is_in_a_group_and_every_reason_is_said() -> None:
    assert {story.group for story in STORIES.values()} <= set(GROUPS)
    silent = [
        (name, pattern)
        for name, story in STORIES.items()
        for pattern, expected in story.expected.items()
        if not expected.reason.strip()
    ]
    assert silent == []


class TestControls:
    """An attack that never succeeds proves something only if it could: somewhere, or once something is broken."""

    QUIET = frozenset({"everyday", "life cycle", "faults"})
    """The groups whose stories are no attacks."""

    def succeeds_somewhere(self, name: str) -> bool:
        return Verdict.SERVED in {expected.verdict for expected in STORIES[name].expected.values()}

    def is_a_check(self, name: str) -> bool:
        return any(re.search(rf"test_scenarios\.py::.*\[\w+-\w+-{name}\]\Z", each.check) for each in SABOTAGES)

    def test_every_attack_has_one(self) -> None:
        attacks = [name for name, story in STORIES.items() if story.group not in self.QUIET]
        without = [name for name in attacks if not (self.succeeds_somewhere(name) or self.is_a_check(name))]
        assert sorted(without) == sorted(CONTROLS)

    def test_each_that_is_named_is_a_sabotage(self) -> None:
        assert set(CONTROLS.values()) - {each.name for each in SABOTAGES} == set()


class TestSabotages:
    def test_each_line_is_there_exactly_once(self) -> None:
        assert [f"{each.file}: {each.name}" for each in SABOTAGES if not found(each)] == []

    def test_each_changes_something_and_has_a_name_of_its_own(self) -> None:
        assert [each.name for each in SABOTAGES for _, line, instead in each.edits() if line == instead] == []
        named = [(each.file, each.name) for each in SABOTAGES]
        assert len(named) == len(set(named))

    def test_what_is_left_is_still_python(self, repository: Path) -> None:
        for each in SABOTAGES:
            for file, line, instead in each.edits():
                whole = (repository / file).read_text(encoding="utf-8")
                compile(whole.replace(line, instead), file, "exec")

    def test_every_check_that_they_name_is_there(self, repository: Path) -> None:
        assert [each.check for each in SABOTAGES if not is_a_test(repository, each.check)] == []

    @pytest.mark.parametrize("pattern", PATTERNS)
    def test_every_pattern_has_some(self, pattern: str) -> None:
        assert any(each.file == f"services/patterns/{pattern}.py" for each in SABOTAGES)

    def test_those_that_share_a_test_file_are_run_together(self) -> None:
        grouped = by_file(SABOTAGES)
        assert sum(map(len, grouped.values())) == len(SABOTAGES)


class TestTheSaboteur:
    """It has to be able to say no, or its yes would mean nothing."""

    CHECK = "tests/test_policy.py::test_some_things_take_a_person"
    FILE = "services/policy.py"
    GUARD = "    if identity.user is None:\n"

    def test_it_tells_noticed_from_not_noticed_and_mends_what_it_broke(self, repository: Path) -> None:
        noticed = Sabotage("a guard is gone", self.FILE, self.GUARD, "    if False:\n", self.CHECK)
        harmless = Sabotage("nothing changes", self.FILE, self.GUARD, "    if identity.user is  None:\n", self.CHECK)
        broken = Sabotage("no Python is left", self.FILE, self.GUARD, "    if\n", self.CHECK)
        gone = Sabotage("there is no such line", self.FILE, "    if identity.user is nobody:\n", "", self.CHECK)
        nowhere = Sabotage("there is no such test", self.FILE, self.GUARD, "    if False:\n", f"{self.CHECK}_at_all")
        with checkers(1) as [checker]:
            results = [commit(each, checker).result for each in (noticed, harmless, broken, gone, nowhere)]
            assert (checker.root / self.FILE).read_text() == (repository / self.FILE).read_text()
            assert checker.check([self.CHECK])[0] == 0
        assert results == [Result.NOTICED, Result.NOT_NOTICED, Result.UNCHECKED, Result.GONE, Result.UNCHECKED]
