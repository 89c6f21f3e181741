"""What the report and the README say of costs is what the record says, in words and in drawings that have a table."""

from __future__ import annotations

import re

import pytest

from compose.topology import PATTERNS
from scenarios import tables
from scenarios.bench import lines, obstacles
from scenarios.bench.contest import Course, Sample
from scenarios.bench.experiment import rows
from scenarios.bench.experiments import hop
from scenarios.bench.record import Bench, Series
from scenarios.bench.statistics import Spread
from scenarios.report import bars, costs, curves, page, stacks
from scenarios.report.cited import cited
from scenarios.report.figures import NOT_MEASURED
from scenarios.report.guide import GUIDE
from tests.bench_support import counted, goal, held, made_up_costs, spread, where
from tests.evidence_support import ENVIRONMENT, made_up
from tests.markup import Page
from tests.test_report import HOSTILE

BARE = made_up().model_copy(update={"cells": {}, "measurements": {}})
"""A run in which nothing was tried: what is asked here is about the costs."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return made_up_costs()


@pytest.fixture(scope="module")
def whole(bench: Bench) -> Page:
    """The report of all costs."""
    return Page(page.render(BARE, bench))


def part(whole: Page, ident: str) -> str:
    """The markup of an article."""
    found = re.search(rf'<article[^>]* id="{re.escape(ident)}".*?</article>', whole.markup, re.DOTALL)
    assert found, f"no article has the id {ident}"
    return found[0]


class TestGoals:
    def test_each_is_told_with_its_ratio_its_interval_and_whether_it_is_met_in_words(self, whole: Page) -> None:
        told = whole.part("goals")
        assert "3 of 5 goals are met" in told
        rows = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in part(whole, "goals").split("<tr>")[2:]]
        assert rows[0].startswith("jwt jwt, open 1.05 0.95 to 1.16 ≤ 1.10 ✓ met hop")
        assert [word for row in rows for word in ("clearly missed", "missed", "met") if f" {word} " in row] == [
            "met",
            "missed",
            "clearly missed",
            "missed",
            "met",
            "met",
        ]

    def test_those_that_are_missed_are_said_before_the_table(self, whole: Page) -> None:
        before = part(whole, "goals").partition("<table")[0]
        assert [re.sub(r"<[^>]*>", "", each) for each in re.findall("<li>(.*?)</li>", before)] == [
            "mtls against perimeter, open (hop): 1.20 where it was to be 1.12 at most",
            "basic against basic, open (hop): 1.70 where it was to be 1.10 at most, clearly missed",
        ]


class TestPage:
    def test_every_experiment_is_shown_with_its_question_its_method_and_where_it_comes_from(
        self, whole: Page, bench: Bench
    ) -> None:
        for name, each in bench.experiments.items():
            told = whole.part(costs.place(name))
            for said in (
                each.question,
                "15 rounds of 200",
                "2026-01-02",
                "0123abc",
                "1 min 2 s",
                "whether it is worth it",
            ):
                assert said in told
        assert "It is <em>asked</em> again and again, <code>often</code>." in whole.markup
        assert "one setting is not there yet" in whole.text

    def test_it_is_well_formed_and_ids_are_given_once(self, whole: Page) -> None:
        assert whole.open == []
        assert len(whole.ids) == len(set(whole.ids))
        assert {link["href"] for link in whole.all("a") if (link["href"] or "").startswith("#experiment")} == {
            f"#experiment:{name}" for name in ("growth", "hop", "order", "peers")
        }

    def test_every_head_of_a_table_says_what_it_heads(self, whole: Page) -> None:
        assert all("scope" in head for head in whole.all("th"))

    def test_every_drawing_has_a_name_and_a_table_or_stands_in_one(self, whole: Page) -> None:
        ids = set(whole.ids)
        for drawing in whole.all("svg"):
            named = (drawing.get("aria-labelledby") or "").split()
            assert drawing.get("aria-hidden") == "true" or (drawing["role"] == "img" and named and ids >= set(named))
        for figure in re.findall(r"<figure.*?</figure>", whole.markup, re.DOTALL):
            assert figure.count("<table") == 1 or "grid" in figure

    def test_each_line_of_the_glance_has_its_place_under_every_pattern(self, whole: Page) -> None:
        ids = set(whole.ids)
        assert {
            f"cost:{name}/{pattern}" for name in ("guarded_hop", "order", "half_wait") for pattern in PATTERNS
        } <= ids

    def test_without_a_record_it_says_how_to_make_one(self) -> None:
        told = Page(page.render(BARE))
        assert told.open == []
        assert "make bench" in told.part("costs")
        assert 'id="experiment:' not in told.markup

    def test_a_quick_run_is_called_one(self, bench: Bench) -> None:
        quick = bench.experiments["hop"].model_copy(update={"quick": True})
        told = Page(page.render(BARE, bench.model_copy(update={"experiments": {"hop": quick}})))
        assert "A quick run." in told.part("costs")

    def test_hostile_text_stays_text(self) -> None:
        series = Series(name=HOSTILE, x=HOSTILE, y=HOSTILE, points=((0.0, spread(1.0)), (1.0, spread(2.0))))
        found = held(
            {HOSTILE: {HOSTILE: spread(1.0), "p50_ms": counted(1.0)}}, series=(series, series), notes=(HOSTILE,)
        )
        spoiled = found.model_copy(update=dict.fromkeys(("question", "method", "when", "commit"), HOSTILE))
        env = ENVIRONMENT.model_copy(update={"commit": HOSTILE, "packages": {HOSTILE: HOSTILE}})
        told = Page(page.render(BARE, Bench(environment=env, experiments={HOSTILE: spoiled})))
        assert told.open == []
        assert len(told.ids) == len(set(told.ids))
        assert len(told.all("script")) == len(told.all("style")) == 1
        assert not told.all("img")
        assert not set(told.markup) & set("\x00\x1b\u202e")


class TestFigures:
    @pytest.mark.parametrize(
        ("figure", "words", "unit"),
        [
            ("cpu_us", "CPU", "µs"),
            ("p95_ms, 4 clients", "p95", "ms"),
            ("times perimeter", "times perimeter", "times"),
            ("credential_bytes", "credential bytes", ""),
            ("resident_mib", "resident", "MiB"),
        ],
    )
    def test_a_name_is_told_in_words_with_its_unit(self, figure: str, words: str, unit: str) -> None:
        assert bars.named(figure) == (words, unit)

    def test_what_was_taken_in_rounds_is_a_chart_and_the_rest_a_table(self, bench: Bench) -> None:
        [order] = [each for each in costs.asked(bench) if each.name == "order"]
        assert [chart.name for chart in order.charts] == ["CPU", "CPU of the identity provider", "times perimeter"]
        assert [board.heads for board in order.boards] == [
            (("", ("calls to the identity provider",)),),
            (("1 client", ("p50, ms",)), ("4 clients", ("p50, ms", "p95, ms"))),
        ]

    def test_long_cpu_times_are_told_in_milliseconds(self, bench: Bench) -> None:
        units = {each.name: each.charts[0].unit for each in costs.asked(bench) if each.charts}
        assert units == {"hop": "µs", "order": "ms", "peers": "µs"}

    def test_what_may_be_nothing_does_not_make_a_scale_logarithmic(self) -> None:
        nearly = Spread(0.001, 0.0, 0.002, (0.0, 0.002), 5)
        assert "logarithmic" not in bars.chart("x", "ms", {"a": nearly, "b": spread(10.0)}).scale
        assert "logarithmic" in bars.chart("x", "ms", {"a": spread(0.1), "b": spread(10.0)}).scale

    @pytest.mark.parametrize(
        ("value", "unit", "told"),
        [
            (0.00418, "ms", "< 0.01"),
            (0.00418, "s", "0.00418"),
            (0.0, "ms", "0"),
            (14.0, "ms", "14"),
            (13.96, "ms", "14.0"),
            (99.96, "ms", "100"),
            (1234.5, "µs", "1\u202f234"),
            (2.2, "times", "2.20"),
            (-0.5, "µs", "-0.500"),
        ],
    )
    def test_a_number_has_three_digits_and_next_to_nothing_is_called_so(
        self, value: float, unit: str, told: str
    ) -> None:
        assert bars.shown(value, unit) == told

    def test_what_is_next_to_nothing_has_no_bar_and_does_not_make_the_others_small(self) -> None:
        drawn = bars.chart("x", "ms", {"a": spread(0.004), "b": spread(6.0), "c": spread(5.0)})
        assert [bar.value for bar in drawn.bars] == ["< 0.01", "6", "5"]
        assert [bar.interval for bar in drawn.bars] == ["", "5.45 to 6.60", "4.55 to 5.50"]
        assert drawn.scale == ""


class TestParts:
    def test_they_are_one_bar_whose_pieces_are_in_the_table_below(self) -> None:
        found = stacks.stack(where())
        assert found is not None
        assert [name for _, name in found.keys] == ["Flask", "wire", "guard"]
        jwt = next(bar for bar in found.bars if bar.whose == "jwt")
        assert jwt.whole == "512"
        pieces = [
            [float(edge) for edge in each] for each in re.findall(r'x="([\d.]+)" y="1" width="([\d.]+)"', jwt.drawn)
        ]
        assert pieces[0][0] == 0
        assert [low + width for low, width in pieces[:-1]] == pytest.approx([low for low, _ in pieces[1:]], abs=0.02)
        assert sum(pieces[-1]) == pytest.approx(100)

    def test_one_that_is_less_than_nothing_is_not_drawn_backwards(self) -> None:
        found = stacks.stack(held({"a": {"part_us, x": spread(-1.0), "part_us, y": spread(2.0)}}))
        assert found is not None
        assert 'width="-' not in found.bars[0].drawn
        assert found.bars[0].whole == "2"

    def test_what_was_not_taken_apart_has_none(self, bench: Bench) -> None:
        assert [each.name for each in costs.asked(bench) if each.stack] == []

    def test_they_are_told_once(self, bench: Bench) -> None:
        with_parts = bench.model_copy(update={"experiments": bench.experiments | {"where": where()}})
        [asked] = [each for each in costs.asked(with_parts) if each.stack]
        assert [chart.name for chart in asked.charts] == ["CPU"]
        assert asked.boards == ()
        told = Page(page.render(BARE, with_parts))
        assert told.open == []
        assert "part us" not in told.part(costs.place("where"))


class TestWhatStandsInTheWay:
    @pytest.fixture
    def looked_into(self, bench: Bench) -> Bench:
        return bench.model_copy(update={"experiments": bench.experiments | {"where": where()}})

    def test_it_is_the_parts_that_are_dearer_than_those_of_what_a_goal_compares_with(self, looked_into: Bench) -> None:
        before = obstacles.obstacle(looked_into, "hop", goal("jwt", "jwt, open", 1.1, spread(1.2)))
        assert before is not None
        assert (before.takes, before.leaves) == pytest.approx((52, 46))
        assert before.words == "it takes 52 µs where the goal leaves 46 (guard +50)"

    def test_an_endpoint_that_is_open_over_tls_stands_for_the_others(self, looked_into: Bench) -> None:
        cached = goal("oauth2, cached 5 s", "oauth2, cached 5 s, open", 1.12, spread(1.2))
        assert "guard +40" in obstacles.words(looked_into, "hop", cached)

    def test_of_a_request_through_several_services_it_is_one_of_them(self, looked_into: Bench) -> None:
        told = obstacles.words(looked_into, "hops", goal("oauth2 cached", "perimeter, open", 1.1, spread(1.2)))
        assert told.startswith("at one of the services")
        assert told.endswith("(wire +40, guard +40)")

    @pytest.mark.parametrize(
        ("experiment", "words"), [("hops", "the rest is that call's"), ("hop", "it was less here")]
    )
    def test_what_is_within_the_goal_here_is_not_what_stands_in_the_way(
        self, looked_into: Bench, experiment: str, words: str
    ) -> None:
        told = obstacles.words(looked_into, experiment, goal("jwt", "jwt, open", 3.0, spread(3.2)))
        assert "µs of the" in told
        assert words in told

    def test_of_a_connection_it_is_what_the_other_does_not_look_at(self) -> None:
        one, other = obstacles.HANDSHAKES
        asked = held({"ours": {"cpu_us": spread(600.0)}, "theirs": {"cpu_us": spread(1000.0)}})
        limits = held({one: {"cpu_us": spread(400.0)}, other: {"cpu_us": spread(250.0)}})
        aim = goal("ours", "theirs", 0.5, spread(0.6))
        found = Bench(environment=ENVIRONMENT, experiments={"connections": asked, "limits": limits})
        assert obstacles.words(found, "connections", aim) == (
            "150 of its 600 µs go to the revocation lists, at which the other does not look: "
            "without them it would be 0.45"
        )
        alone = Bench(environment=ENVIRONMENT, experiments={"connections": asked})
        assert obstacles.words(alone, "connections", aim) == ""

    def test_a_start_is_held_against_one_that_loads_the_same(self, bench: Bench) -> None:
        rows = {"bare": {"start_s": spread(2.0)}, "bare, with our libraries loaded": {"start_s": spread(5.0)}}
        aim = goal("ours", "bare", 1.5, spread(2.6)).model_copy(update={"figure": "start_s"})
        started = Bench(environment=ENVIRONMENT, experiments={"starts": held(rows, aim)})
        assert "come to 2.50 times as much" in obstacles.words(started, "starts", aim)

    @pytest.mark.parametrize(("ours", "theirs"), [("mtls", "perimeter, open"), ("jwt", "another library")])
    def test_where_nobody_looked_nothing_is_said(self, looked_into: Bench, ours: str, theirs: str) -> None:
        assert obstacles.words(looked_into, "hop", goal(ours, theirs, 1.0, spread(1.2))) == ""

    def test_it_is_said_beside_the_goal_that_is_missed(self, looked_into: Bench) -> None:
        missed = looked_into.experiments["hop"].model_copy(
            update={"compared": (goal("jwt", "jwt, open", 1.1, spread(1.2)),)}
        )
        told = Page(
            page.render(BARE, looked_into.model_copy(update={"experiments": looked_into.experiments | {"hop": missed}}))
        )
        assert "1.20 where it was to be 1.10 at most" in told.part("goals")
        assert "(guard +50)" in told.part("goals")


class TestWhatALockComesTo:
    @pytest.mark.parametrize(
        ("guarded", "opened"),
        [
            ("jwt", "jwt, open"),
            ("jwt, never seen", "jwt, open"),
            ("oauth2, cached 5 s", "oauth2, cached 5 s, open"),
            ("mtls", "perimeter, open"),
            ("zerotrust", "perimeter, open"),
            ("mtls, new connections", "perimeter, open, new connections"),
            ("jwt, new connections", "jwt, open, new connections"),
        ],
    )
    def test_a_guarded_endpoint_is_compared_with_the_open_one_in_the_same_round(
        self, guarded: str, opened: str
    ) -> None:
        course = Course({guarded: [], opened: []}, {guarded: [], opened: []})
        for slow in (1, 10, 1):
            course.samples[guarded].append(Sample(150.0 * slow))
            course.samples[opened].append(Sample(100.0 * slow))
        lock, baseline = (hop._beside_open(course, row) for row in rows(course))
        assert (lock.figures["times open"].low, lock.figures["times open"].high) == (1.5, 1.5)
        assert lock.figures["over open_us"].median == 50.0
        assert "times open" not in baseline.figures


class TestCurves:
    def series(self, name: str, *points: tuple[float, float]) -> Series:
        return Series(name=name, x="x", y="y", points=tuple((at, spread(value)) for at, value in points))

    def test_series_that_share_their_axes_share_a_chart_and_are_told_apart(self, bench: Bench) -> None:
        hops, listed = curves.charts(bench.experiments["growth"].series, "c")
        assert [curve.label for curve in hops.curves] == ["perimeter", "jwt"]
        assert len({curve.look for curve in hops.curves}) == 2
        assert [curve.label for curve in listed.curves] == [""]

    def test_the_table_below_has_every_figure(self) -> None:
        one, other = self.series("a, b", (1, 5.0), (2, 6.0)), self.series("a, c", (2, 7.0))
        [chart] = curves.charts((one, other), "c")
        told = [(x, [each.median if each else None for each in found]) for x, found in chart.lines]
        assert told == [("1", [5.0, None]), ("2", [6.0, 7.0])]

    def test_an_axis_is_logarithmic_where_its_range_asks_for_it_and_nought_has_a_place_on_it(self) -> None:
        [chart] = curves.charts((self.series("a", (0, 1.0), (100, 2.0), (100_000, 3.0)),), "c")
        assert chart.scale == "The horizontal axis is logarithmic; 0 stands at its low end."
        axis = curves.Axis.over([0.0, 100.0, 100_000.0], 30.0, from_nought=False)
        assert axis.at(0.0) == 0.0 < axis.at(100.0) < 0.5 < axis.at(100_000.0) == 1.0
        assert axis.steps() == [100.0, 1000.0, 10_000.0, 100_000.0]

    def test_heights_begin_at_nought(self) -> None:
        axis = curves.Axis.over([5.0, 10.0], 100.0, from_nought=True)
        assert (axis.at(0.0), axis.at(5.0), axis.at(10.0), axis.steps()) == (0.0, 0.5, 1.0, [0.0, 2.5, 5.0, 7.5, 10.0])

    @pytest.mark.parametrize("points", [((1, 1.0),), ((0, 0.0),), ((1, 0.0), (2, 0.0))])
    def test_a_single_point_and_nothing_but_noughts_are_drawn_too(
        self, points: tuple[tuple[float, float], ...]
    ) -> None:
        [chart] = curves.charts((self.series("a", *points),), "c")
        assert "nan" not in chart.drawing
        assert 'class="point"' in chart.drawing


class TestCitations:
    def test_a_cost_is_looked_up(self, bench: Bench) -> None:
        found = cited("cost:order/oauth2", made_up(), bench)
        assert (found.value, found.place) == ("24 ms", "cost:order/oauth2")
        assert cited("cost:order/oauth2", made_up(), None).value == NOT_MEASURED
        assert cited("cost:nonsense/oauth2", made_up(), bench).value == NOT_MEASURED

    def test_the_guide_cites_only_lines_that_there_are(self) -> None:
        cites = [each for question in GUIDE for answer in question.answers for each in answer.cites]
        assert {each[5:].partition("/")[0] for each in cites if each.startswith("cost:")} <= {
            line.name for line in lines.LINES
        }


class TestReadme:
    def test_the_table_says_what_the_record_says(self, bench: Bench) -> None:
        head, _, *rows = tables.costs(bench).partition("\n\n")[0].splitlines()
        assert [cell.strip() for cell in head.strip("|").split("|")] == ["", *PATTERNS]
        told = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in rows}
        assert len(told) == len(lines.LINES)
        assert told["a guarded request, times the same one open"] == [f"1.{n}0" for n in range(7)]
        assert told["an order, ms of CPU in all processes"] == ["20", "21", "22", "23", "24", "25", "26"]

    def test_the_sentences_below_have_their_numbers_from_it_too(self, bench: Bench) -> None:
        told = " ".join(tables.costs(bench).partition("\n\n")[2].split())
        assert "2026-01-02 at 0123abc" in told
        assert (
            "Of 5 goals 3 are met; missed: mtls against perimeter, open (1.20), basic against basic, open (1.70)."
            in told
        )
        assert "costs 2.00 to 100 times what it costs behind ours" in told

    def test_what_was_measured_at_another_time_is_said_to_be(self, bench: Bench) -> None:
        again = bench.experiments["hop"].model_copy(update={"when": "2026-02-03T04:05:06+00:00", "commit": "4567def"})
        told = tables.costs(bench.model_copy(update={"experiments": {**bench.experiments, "hop": again}}))
        assert "Measured 2026-01-02 at 0123abc and 2026-02-03 at 4567def, on " in " ".join(told.split())

    def test_what_was_not_measured_is_a_dash(self, bench: Bench) -> None:
        told = tables.costs(bench.model_copy(update={"experiments": {}}))
        assert told.count("| – ") == len(lines.LINES) * len(PATTERNS)

    def test_without_a_record_it_says_how_to_make_one(self) -> None:
        assert "make bench" in tables.costs(None)
