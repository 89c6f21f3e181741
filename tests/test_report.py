"""The report is whole, it needs nothing from elsewhere, and it says what the evidence says."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compose.topology import PATTERNS, REPO
from scenarios import evidence
from scenarios.evidence import Case, Evidence, Figure, Hop, Measured, Measurement
from scenarios.registry import stories
from scenarios.report import drawings, figures, measured, page, sequence, words
from scenarios.report import stories as storybook
from scenarios.report.cited import cited
from scenarios.report.guide import GUIDE
from scenarios.report.stories import Sense
from tests.evidence_support import cell, made_up
from tests.markup import Page

MOST = 3_000_000
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}`\x00\x1b[31m\u202e"


@pytest.fixture(scope="module")
def run() -> Evidence:
    return made_up()


@pytest.fixture(scope="module")
def part(run: Evidence) -> Evidence:
    """What a run has found of a few scenarios: a page of it is soon made, and soon read."""
    few = {name: each for name, each in run.cells.items() if each.story in {"forge_the_user", "place_an_order"}}
    return run.model_copy(update={"cells": few})


@pytest.fixture(scope="module")
def whole(run: Evidence) -> Page:
    """The report of a whole run."""
    return Page(page.render(run))


def replaced(run: Evidence, name: str, **changes: Any) -> Evidence:
    """The run with one cell changed."""
    changed = run.cells[name].model_copy(update=changes)
    return run.model_copy(update={"cells": run.cells | {name: changed}})


class TestMarkup:
    def test_every_tag_is_closed_where_it_was_opened(self, whole: Page) -> None:
        assert whole.open == []

    def test_ids_are_given_once(self, whole: Page) -> None:
        assert len(whole.ids) == len(set(whole.ids))

    def test_every_link_on_the_page_leads_to_a_place_on_it(self, whole: Page) -> None:
        ids = set(whole.ids)
        links = {link["href"] or "" for link in whole.all("a")}
        assert {link for link in links if link.startswith("#") and link[1:] not in ids} == set()
        assert all(link.startswith(("#", "https://")) for link in links)

    def test_nothing_is_fetched_from_anywhere(self, whole: Page) -> None:
        assert not [tag for tag, attrs in whole.tags if {"src", "srcset", "data", "poster", "action"} & attrs.keys()]
        assert not {"iframe", "object", "embed", "img", "base", "image", "use"} & {tag for tag, _ in whole.tags}
        assert [link["href"][:5] for link in whole.all("link") if link["href"]] == ["data:"]
        assert set(re.findall(r"url\(([^)]*)\)", whole.markup)) == {"#head"}
        assert "@import" not in whole.markup

    def test_the_policy_allows_this_style_and_this_script_and_nothing_else(self, whole: Page) -> None:
        [policy] = [meta["content"] or "" for meta in whole.all("meta") if "http-equiv" in meta]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for tag in ("style", "script"):
            [inside] = re.findall(f"<{tag}>(.*?)</{tag}>", whole.markup, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not [name for _, attrs in whole.tags for name in attrs if name == "style" or name.startswith("on")]

    def test_it_is_no_larger_than_a_photograph(self, whole: Page) -> None:
        assert len(whole.markup.encode()) < MOST

    def test_headings_never_skip_a_level(self, whole: Page) -> None:
        levels = [int(tag[1]) for tag, _ in whole.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_every_head_of_a_table_says_what_it_heads(self, whole: Page) -> None:
        assert all("scope" in head for head in whole.all("th"))

    def test_every_drawing_has_a_name_or_is_left_out_by_a_screen_reader(self, whole: Page) -> None:
        ids = set(whole.ids)
        for drawing in whole.all("svg"):
            named = (drawing.get("aria-labelledby") or "").split()
            assert drawing.get("aria-hidden") == "true" or (drawing["role"] == "img" and named and ids >= set(named))

    def test_what_scrolls_can_be_reached_with_the_keyboard(self, whole: Page) -> None:
        for tag, attrs in whole.tags:
            if tag == "div" and "scroll" in (attrs.get("class") or "").split() and "role" in attrs:
                assert attrs["tabindex"] == "0"
                assert attrs["aria-label"]


INKS = {
    "ground": ("ink", "quiet", "accent", "brass", "good", "bad"),
    "card": ("ink", "quiet", "accent", "brass", "good", "bad", "alarm"),
    "good-tint": ("good",),
    "bad-tint": ("bad",),
    "alarm": ("on-alarm",),
}
"""What is written on what."""


@pytest.mark.parametrize("scheme", [1, 2], ids=["light", "dark"])
def test_whatever_is_written_can_be_read(scheme: int) -> None:
    """The contrast is 4.5 at least (WCAG 2.2 §1.4.3)."""
    style = (page.TEMPLATES / "style.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", style)
    light = {colours[0]: luminance(colours[scheme]) for colours in found}
    for paper, inks in INKS.items():
        for ink in inks:
            low, high = sorted((light[paper], light[ink]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{ink} on {paper}"


def luminance(colour: str) -> float:
    """How light a colour is, from 0 to 1 (WCAG 2.2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class TestWhatItSays:
    def test_every_story_and_every_cell_has_its_place(self, whole: Page) -> None:
        ids = set(whole.ids)
        assert {f"story:{name}" for name in stories()} <= ids
        assert {f"cell:{name}/{pattern}" for name in stories() for pattern in PATTERNS} <= ids

    def test_a_cell_is_told_with_its_verdict_its_reason_and_its_hops(self, whole: Page) -> None:
        told = whole.part("cell:place_an_order/zerotrust")
        for said in ("zerotrust", "served", "orders → billing", "certificate of spiffe://shop.test/orders", "HTTP 200"):
            assert said in told
        assert stories()["place_an_order"].expected["zerotrust"].reason in told

    def test_a_family_tells_what_came_of_every_case(self, whole: Page) -> None:
        told = whole.part("cell:knock_at_each_service/mtls")
        for name in stories()["knock_at_each_service"].cases:
            assert name in told

    def test_every_figure_has_its_place(self, whole: Page, run: Evidence) -> None:
        ids = set(whole.ids)
        for each in run.measurements.values():
            for name in each.measured.figures if each.measured else ():
                assert words.anchor(f"figure:{each.id}#{name}") in ids

    def test_patterns_that_came_out_alike_share_a_line(self, whole: Page) -> None:
        told = whole.part("cell:bent_hosts/perimeter")
        assert "perimeter · basic · subsystem · mtls" in told

    def test_a_whole_run_without_surprises_says_so(self, whole: Page) -> None:
        assert "Surprises." not in whole.text
        assert "Not a whole run." not in whole.text

    def test_a_surprise_is_shown_as_such_everywhere(self, part: Evidence) -> None:
        wrong = Case(name="", verdict="SERVED", status=200, words="")
        told = Page(page.render(replaced(part, "forge_the_user/jwt", cases=(wrong,))))
        assert "Surprises." in told.text
        assert "forge the user, jwt" in told.text
        [place] = [attrs for _, attrs in told.tags if attrs.get("id") == "cell:forge_the_user/jwt"]
        assert "open" in place
        assert "surprise" in (place["class"] or "")
        assert "Expected was UNISSUED, and 1 case of 1 came otherwise" in told.part("cell:forge_the_user/jwt")
        assert re.search(r'<td class="surprise"><a href="#cell:forge_the_user/jwt">.*surprise: served', told.markup)

    def test_what_was_not_tried_or_broke_off_is_said(self, run: Evidence) -> None:
        cells = {name: each for name, each in run.cells.items() if name != "idp_dark/jwt"}
        told = Page(page.render(run.model_copy(update={"cells": cells})))
        assert "1 cell of the matrix was not tried" in " ".join(told.text.split())
        assert "not run" in told.text
        assert "Not tried in this run: jwt." in told.text
        assert "TooLong: not over" in told.text

    def test_without_any_evidence_it_is_still_a_page(self, run: Evidence) -> None:
        told = Page(page.render(run.model_copy(update={"cells": {}, "measurements": {}, "history": ()})))
        assert told.open == []
        assert figures.NOT_MEASURED in told.text

    def test_a_story_that_is_no_longer_told_is_shown_all_the_same(self, part: Evidence) -> None:
        lost = part.cells["place_an_order/jwt"].model_copy(update={"story": "place_a_bet"})
        told = Page(page.render(part.model_copy(update={"cells": part.cells | {lost.id: lost}})))
        assert "no longer in the tree" in told.text
        assert "cell:place_a_bet/jwt" in told.ids


def test_hostile_text_stays_text(part: Evidence) -> None:
    hop = Hop(
        **dict.fromkeys(("caller", "service", "request", "checked", "user", "vouched_by", "authorized_by"), HOSTILE),
        presented=(HOSTILE,),
        answer=HOSTILE,
        idp_calls=0,
        milliseconds=0.0,
    )
    cases = tuple(Case(name=f"{HOSTILE}{n}", verdict=HOSTILE, status=None, words=HOSTILE) for n in range(2))
    bad = {"expected": HOSTILE, "reason": HOSTILE, "cases": cases, "request": HOSTILE, "answer": HOSTILE}
    spoiled = replaced(part, "place_an_order/jwt", hops=(hop, hop), **bad)
    rows = ({"position": HOSTILE, "operation": HOSTILE, "completed": True, HOSTILE: HOSTILE, "other": [HOSTILE]},)
    found = Measured(figures={HOSTILE: Figure(value=1.0, unit=HOSTILE, note=HOSTILE)}, rows=rows)
    gauge = Measurement(name="hostile", pattern="jwt", measured=found, seconds=0.0)
    env = spoiled.environment.model_copy(update={"commit": HOSTILE, "packages": {HOSTILE: HOSTILE}})
    update = {"environment": env, "measurements": {gauge.id: gauge}, "history": (HOSTILE, HOSTILE)}
    told = Page(page.render(spoiled.model_copy(update=update)))
    assert told.open == []
    assert len(told.ids) == len(set(told.ids))
    assert len(told.all("script")) == len(told.all("style")) == 1
    assert not told.all("img")
    assert not set(told.markup) & set("\x00\x1b\u202e")
    assert "{{ 7 * 7 }}" in told.text


class TestSense:
    def sense(self, run: Evidence, name: str) -> Sense:
        story, _, pattern = name.partition("/")
        groups = storybook.told(run, stories())
        [found] = [each for members in groups.values() for each in members if each.name == story]
        shown = found.cells[pattern]
        assert shown
        return shown.sense

    @pytest.mark.parametrize(
        ("name", "sense"),
        [
            ("place_an_order/jwt", Sense.SERVED),
            ("idp_dark/oauth2", Sense.LET_DOWN),
            ("idp_dark/jwt", Sense.SERVED),
            ("billing_dark/jwt", Sense.PLAIN),
            ("replay_from_elsewhere/jwt", Sense.LET_THROUGH),
            ("replay_from_elsewhere/mtls", Sense.HELD),
            ("reuse_somebody_elses_key/jwt", Sense.PLAIN),
        ],
    )
    def test_a_verdict_means_something_else_for_each_who_asks(self, run: Evidence, name: str, sense: Sense) -> None:
        assert self.sense(run, name) is sense

    def test_whatever_is_unexpected_is_a_surprise_and_so_is_nothing_at_all(self, run: Evidence) -> None:
        name = "replay_from_elsewhere/jwt"
        broke_off = Case(name="", verdict=None, status=None, words="TooLong")
        assert self.sense(replaced(run, name, cases=(broke_off,)), name) is Sense.SURPRISE
        assert self.sense(replaced(run, name, cases=()), name) is Sense.SURPRISE


class TestDrawings:
    def test_each_hop_is_an_arrow_and_its_answer_another(self) -> None:
        hops = cell(stories()["place_an_order"], "oauth2").hops
        drawn = sequence.draw(hops, "x")
        assert drawn.count('class="call"') == drawn.count('class="back"') == len(hops) == 8
        assert [
            name for name in ("you", "gateway", "orders", "inventory", "billing", "idp") if f">{name}<" in drawn
        ] == [
            "you",
            "gateway",
            "orders",
            "inventory",
            "billing",
            "idp",
        ]

    def test_an_answer_comes_after_all_that_it_took(self) -> None:
        hops = cell(stories()["place_an_order"], "mtls").hops
        order = [(hops[number].service, asked) for number, asked in sequence._messages(hops)]
        assert order == [
            ("gateway", True),
            ("orders", True),
            ("inventory", True),
            ("inventory", False),
            ("billing", True),
            ("billing", False),
            ("orders", False),
            ("gateway", False),
        ]

    def test_a_hop_whose_caller_did_not_turn_up_and_one_to_oneself_are_drawn_too(self) -> None:
        first = cell(stories()["place_an_order"], "mtls").hops[0]
        strays = (first, first.model_copy(update={"caller": "nobody", "service": "nobody"}))
        assert sequence.draw(strays, "x").count('class="call"') == 2

    @pytest.mark.parametrize(
        ("presented", "kind"),
        [
            ("Basic alice:***", "password"),
            ("Bearer sha256:0badcafe", "token"),
            ("certificate of spiffe://shop.test/orders", "certificate"),
            ("X-User: alice", "word"),
            ("session cookie", "cookie"),
            ("nothing", "nothing"),
            ("Authorization: ***", "other"),
        ],
    )
    def test_a_credential_is_coloured_by_its_kind(self, presented: str, kind: str) -> None:
        assert sequence.kind(presented) == kind
        assert kind in sequence.KIND_NAMES

    def test_the_grid_says_in_words_what_it_shows(self) -> None:
        rows = [
            {"position": "inside", "holding": "nothing", "service": service, "operation": "GET", "completed": done}
            for service, done in (("orders", True), ("billing", False))
        ]
        drawn = drawings.grid(rows, "A title", "x")
        assert drawn.count('class="done"') == drawn.count('class="kept"') == 1
        assert "inside, nothing: 1 of 2" in drawn


class TestFigures:
    def chart(self, run: Evidence, *values: Figure) -> measured.Line:
        measurements = {
            f"some/{pattern}": Measurement(
                name="some", pattern=pattern, measured=Measured(figures={"figure": value}), seconds=0.0
            )
            for pattern, value in zip(PATTERNS, values, strict=False)
        }
        [found] = measured.gauged(run.model_copy(update={"measurements": measurements}), {})
        return found.charts[0]

    def widths(self, chart: measured.Line) -> list[float]:
        return [
            float(width)
            for bar in chart.bars.values()
            for width in re.findall(r'class="bar"[^>]*width="([\d.]+)"', bar.drawn)
        ]

    def test_figures_whose_names_have_two_parts_share_a_board(self, run: Evidence) -> None:
        [rotation] = [each for each in measured.gauged(run, {}) if each.name == "rotation"]
        assert {about: [line.name for line in lines] for about, lines in rotation.board.items()} == {
            "key": ["files", "seconds until in force"],
            "leaf": ["files", "requests failed"],
        }
        assert rotation.board["key"][0].notes == (f"{', '.join(PATTERNS)}: the files of key",)
        assert not rotation.charts

    def test_bars_begin_at_nought(self, run: Evidence) -> None:
        chart = self.chart(
            run, Figure(value=2, unit="calls"), Figure(value=4, unit="calls"), Figure(value=0, unit="calls")
        )
        assert self.widths(chart) == [50, 100, 0]
        assert not chart.scale

    def test_what_spans_orders_of_magnitude_is_logarithmic_and_says_so(self, run: Evidence) -> None:
        chart = self.chart(run, Figure(value=0.5, unit="s"), Figure(value=900.0, unit="s"))
        low, high = self.widths(chart)
        assert 0 < low < high == 100
        assert "logarithmic" in chart.scale
        assert "1 min" in chart.scale

    def test_a_share_is_a_share_of_everything(self, run: Evidence) -> None:
        chart = self.chart(run, Figure(value=0.25, unit="share of operations"))
        assert self.widths(chart) == [25]
        assert chart.bars["perimeter"].value == "25 %"

    def test_where_there_is_nothing_to_measure_the_note_says_why(self, run: Evidence) -> None:
        chart = self.chart(run, Figure(value=None, unit="s", note="no token"), Figure(value=1.0, unit="s"))
        assert (chart.bars["perimeter"].value, chart.bars["perimeter"].note, str(chart.bars["perimeter"].drawn)) == (
            "–",
            "no token",
            "",
        )

    def test_the_spread_is_told_with_the_number_of_trials(self, run: Evidence) -> None:
        chart = self.chart(run, Figure(value=2.0, unit="ms", trials=(1.5, 2.0, 4.25)))
        assert chart.bars["perimeter"].spread == "1.5 to 4.25, 3 trials"
        assert "whisker" in chart.bars["perimeter"].drawn


class TestCitations:
    def test_the_guide_cites_only_stories_and_patterns_that_there_are(self) -> None:
        cites = [cite for question in GUIDE for answer in question.answers for cite in answer.cites]
        cells = [cite.removeprefix("cell:").split("/") for cite in cites if cite.startswith("cell:")]
        assert [each for each in cells if each[0] not in stories() or each[1] not in PATTERNS] == []
        assert all(cite.startswith(("cell:", "figure:", "cost:")) for cite in cites)

    def test_it_has_six_to_eight_questions_and_each_answer_rests_on_something(self) -> None:
        assert 6 <= len(GUIDE) <= 8
        assert all(answer.cites and set(answer.choose) <= set(PATTERNS) for each in GUIDE for answer in each.answers)

    @pytest.mark.parametrize(
        ("reference", "value"),
        [
            ("cell:forge_the_user/mtls", "served"),
            ("cell:forge_the_user/nobody", figures.NOT_MEASURED),
            ("figure:idp_calls/oauth2#IdP calls per order, warm", "4 calls"),
            ("figure:idp_calls/oauth2#no such figure", figures.NOT_MEASURED),
            ("figure:revocation/mtls#access after the user is disabled", "there is nothing of the user's to take back"),
            ("nonsense", figures.NOT_MEASURED),
        ],
    )
    def test_what_is_cited_is_looked_up(self, run: Evidence, reference: str, value: str) -> None:
        found = cited(reference, run, None)
        assert found.value == value
        assert (found.place is None) is (value == figures.NOT_MEASURED)


class TestWords:
    @pytest.mark.parametrize(
        ("reference", "address"),
        [
            ("RFC 8725 §2.1, §3.1", "https://www.rfc-editor.org/rfc/rfc8725.html"),
            ("CWE-441", "https://cwe.mitre.org/data/definitions/441.html"),
            ("CVE-2015-9235", "https://www.cve.org/CVERecord?id=CVE-2015-9235"),
        ],
    )
    def test_a_reference_leads_to_where_it_can_be_read(self, reference: str, address: str) -> None:
        assert f'href="{address}"' in page.linked(reference)
        assert "href" not in page.linked("Hardy 1988 <b>")

    @pytest.mark.parametrize(
        ("seconds", "told"), [(0.2, "less than a second"), (59, "59 s"), (552.4, "9 min 12 s"), (3600, "1 h 0 min 0 s")]
    )
    def test_a_time_is_told_as_people_say_it(self, seconds: float, told: str) -> None:
        assert page.duration(seconds) == told

    @pytest.mark.parametrize(
        ("value", "told"), [(4, "4"), (0.30303, "0.303"), (1234.5, "1\u202f234"), (0.00012, "0.00012")]
    )
    def test_a_number_has_three_digits_that_count(self, value: float, told: str) -> None:
        assert figures.number(value) == told

    def test_backticks_are_code_and_nothing_else_is(self) -> None:
        assert page.coded("`<a>` and `b") == "`&lt;a&gt;` and `b"
        assert page.coded("`<a>` and b") == "<code>&lt;a&gt;</code> and b"


class TestTheCommand:
    @pytest.fixture
    def say(self) -> Callable[..., subprocess.CompletedProcess[str]]:
        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "scenarios", "report", *arguments]
            return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=False)

        return run

    def test_it_writes_the_page(
        self, run: Evidence, whole: Page, tmp_path: Path, say: Callable[..., subprocess.CompletedProcess[str]]
    ) -> None:
        kept, written = tmp_path / "evidence.json", tmp_path / "index.html"
        evidence.write(run, kept)
        done = say("--from", str(kept), "--costs", str(tmp_path / "none.json"), "--to", str(written))
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"wrote {written}\n"
        assert written.read_text(encoding="utf-8") == whole.markup

    def test_without_evidence_it_says_how_to_get_some(
        self, tmp_path: Path, say: Callable[..., subprocess.CompletedProcess[str]]
    ) -> None:
        done = say("--from", str(tmp_path / "evidence.json"))
        assert done.returncode == 1
        assert "there is no evidence yet" in done.stderr
        assert "make compare" in done.stderr
