"""The evidence can be read back as it was written, is understood or refused, and its claims are judged by it alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compose.topology import PATTERNS
from scenarios import claims, compare, evidence, tables, watch
from scenarios.bench import command, record
from scenarios.evidence import Case, Cell, Evidence, Figure, Measured, Measurement
from scenarios.judging import Finding
from scenarios.registry import stories
from scenarios.statements import STATEMENTS

STORIES = stories()


def cell(story: str = "place_an_order", pattern: str = "jwt", verdict: str | None = "SERVED", **more: object) -> Cell:
    case = Case(name="", verdict=verdict, status=201 if verdict == "SERVED" else None, words="")
    told = {"expected": "SERVED", "reason": "because", "cases": (case,), "request": "", "answer": "", "hops": ()}
    return Cell.model_validate({"story": story, "pattern": pattern, "seconds": 0.1} | told | more)


def measured(name: str, pattern: str, **figures: float) -> Measurement:
    told = {each.replace("_", " "): Figure(value=value, unit="") for each, value in figures.items()}
    return Measurement(name=name, pattern=pattern, measured=Measured(figures=told), seconds=1)


def run(*records: Cell | Measurement) -> Evidence:
    planned = compare.plan(["place_an_order"], "local")
    return compare.merged(None, records, planned, 2.0)


@pytest.fixture(scope="module")
def kept() -> Evidence:
    """The run that is kept with the source."""
    return evidence.read()


class TestFile:
    def test_it_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        whole = run(cell(), measured("idp_calls", "jwt", calls=4))
        evidence.write(whole, tmp_path / "evidence.json")
        assert evidence.read(tmp_path / "evidence.json") == whole

    def test_each_record_has_a_line_of_its_own_in_the_order_of_the_ids(self) -> None:
        lines = evidence.text(run(cell("read_my_orders"), cell("place_an_order"))).splitlines()
        ids = [line.partition(":")[0].strip().strip('"') for line in lines if "/jwt" in line]
        assert ids == ["place_an_order/jwt", "read_my_orders/jwt"]

    @pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 2}', "[1]", '{"runtime": "local", "more": 1}'])
    def test_what_is_no_evidence_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "evidence.json").write_text(text)
        with pytest.raises(evidence.Unreadable, match="schema 1"):
            evidence.read(tmp_path / "evidence.json")

    def test_a_figure_that_was_not_measured_is_none(self) -> None:
        assert run().figure("idp_calls", "jwt", "calls") is None
        assert run(measured("idp_calls", "jwt", calls=4)).figure("idp_calls", "jwt", "other") is None


class TestMerging:
    def test_a_narrowed_run_replaces_only_what_it_ran(self) -> None:
        before = run(cell(reason="old"), cell("read_my_orders", reason="old"))
        now = compare.merged(before, [cell(reason="new")], compare.plan(["place_an_order"], "local", "place"), 1.0)
        assert now.cells["place_an_order/jwt"].reason == "new"
        assert now.cells["read_my_orders/jwt"].reason == "old"
        assert len(now.history) == 2
        assert "'place'" in now.history[-1]
        assert now.seconds == 3.0

    def test_what_there_is_no_story_for_any_more_goes(self) -> None:
        whole = run(cell(), cell("a_story_of_yore"), measured("gone", "jwt", calls=1))
        left = compare.without(whole, ["place_an_order"])
        assert set(left.cells) == {"place_an_order/jwt"}
        assert not left.measurements


class TestPlan:
    def test_it_is_everything_under_every_pattern(self) -> None:
        assert dict(compare.plan(["a", "b"], "local").columns) == dict.fromkeys(PATTERNS, ("a", "b"))

    def test_it_can_be_narrowed_to_a_cell(self) -> None:
        assert dict(compare.plan(["a", "b"], "local", "^a/jwt$").columns) == {"jwt": ("a",)}

    def test_what_is_done_already_is_left_out(self) -> None:
        done = [f"a/{pattern}" for pattern in PATTERNS if pattern != "mtls"]
        assert dict(compare.plan(["a"], "local", done=done).columns) == {"mtls": ("a",)}


class TestSurprises:
    def test_another_verdict_is_one_and_so_is_none(self) -> None:
        assert not cell().surprises
        assert cell(verdict="FORBIDDEN").surprises
        assert cell(verdict=None).surprises

    def test_the_table_shows_it(self) -> None:
        assert tables.word(cell(verdict="FORBIDDEN")) == "**surprise**"
        assert tables.word(None) == "not run"

    def test_runtimes_that_differ_are_told_apart(self) -> None:
        one, other = run(cell()), run(cell(verdict="FORBIDDEN")).model_copy(update={"runtime": "compose"})
        assert list(watch.differences(one, other)) == ["place_an_order/jwt: SERVED (local), FORBIDDEN (compose)"]
        assert not list(watch.differences(one, one))


class TestClaims:
    def test_each_statement_has_an_id_of_its_own_that_begins_with_its_pattern(self) -> None:
        assert len({each.id for each in STATEMENTS}) == len(STATEMENTS)
        assert {each.pattern for each in STATEMENTS} == set(PATTERNS)

    def test_without_a_run_nothing_is_found(self) -> None:
        assert {claim.finding for claim in claims.ledger(run())} == {Finding.UNMEASURED}
        assert {each.finding for row in claims.summary(run()) for each in row.cells} == {Finding.UNMEASURED}

    @pytest.mark.parametrize(("verdict", "finding"), [("SERVED", Finding.AGREES), ("FORBIDDEN", Finding.DISAGREES)])
    def test_the_finding_turns_with_the_evidence(self, verdict: str, finding: Finding) -> None:
        [claim] = [
            each for each in claims.ledger(run(cell("forge_the_user", "mtls", verdict))) if each.id == "mtls-no-user"
        ]
        assert claim.finding is finding
        assert claim.evidence == ("cell:forge_the_user/mtls",)

    def test_a_figure_decides_too(self) -> None:
        calls = {"IdP_calls_per_order,_warm": 4.0}
        low = {"IdP_calls_per_order,_warm": 0.0}
        whole = run(measured("idp_calls", "oauth2", **calls), measured("idp_calls", "jwt", **low))
        [claim] = [each for each in claims.ledger(whole) if each.id == "oauth2-asks"]
        assert claim.finding is Finding.AGREES
        assert "4 calls" in claim.measured


class TestRecord:
    """The run that is kept with the source, and what the README says of it."""

    def test_every_scenario_under_every_pattern_is_in_it_and_came_as_it_was_written(self, kept: Evidence) -> None:
        expected = {
            f"{name}/{pattern}": story.expected[pattern] for name, story in STORIES.items() for pattern in PATTERNS
        }
        assert set(kept.cells) == set(expected), "run `make compare`"
        assert {each: found.expected for each, found in kept.cells.items()} == {
            each: told.verdict.name for each, told in expected.items()
        }, "run `make compare`"
        assert {each: {found.name for found in kept.cells[each].cases} for each in expected} == {
            f"{name}/{pattern}": set(story.cases) for name, story in STORIES.items() for pattern in PATTERNS
        }, "run `make compare`"
        assert [found.id for found in kept.surprises] == []

    def test_every_measurement_is_in_it_and_none_broke_off(self, kept: Evidence) -> None:
        from scenarios.registry import gauges

        assert set(kept.measurements) == {f"{name}/{pattern}" for name in gauges() for pattern in PATTERNS}
        assert [found.id for found in kept.broken] == []

    def test_every_claim_is_judged(self, kept: Evidence) -> None:
        assert [claim.id for claim in claims.ledger(kept) if claim.finding is Finding.UNMEASURED] == []

    def test_the_readme_says_what_it_says(self, kept: Evidence) -> None:
        text = tables.README.read_text(encoding="utf-8")
        assert tables.readme(kept, STORIES, command.kept(record.FILE), text) == text, "run `make matrix`"

    def test_there_is_no_secret_in_it(self) -> None:
        text = evidence.FILE.read_text(encoding="utf-8")
        assert [word for word in ("wonderland", "YWxpY2U6", "eyJ", "PRIVATE KEY") if word in text] == []

    def test_it_says_where_it_was_made(self, kept: Evidence) -> None:
        assert kept.runtime == "local"
        assert kept.environment.python
        assert kept.environment.packages["flask"]


def test_the_schema_is_told() -> None:
    schema = Evidence.model_json_schema()
    assert {"cells", "measurements", "environment", "history"} <= set(schema["properties"])
    json.dumps(schema)
