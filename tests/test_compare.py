"""A run of the comparison: it says how far it is, survives what breaks, and ends every shop that it began."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from compose import engine, processes
from compose.refusals import CannotRun
from scenarios import column, compare, evidence, sabotage, watch
from scenarios.bench import command
from scenarios.compare import Plan, Progress, Record
from scenarios.evidence import Cell
from scenarios.registry import Story, stories
from scenarios.verdict import Answer
from scenarios.world import World


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the columns keep their shops where no other comparison on this machine keeps its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def shops(directory: Path) -> set[Path]:
    """The directories of the comparison's shops under `directory` that run at this moment."""
    return {where for _, where, _ in processes.marked() if where.is_relative_to(directory.resolve())}


def test_two_cells_are_run_told_and_their_shop_is_ended(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []

    def tell(progress: Progress, record: Record | None) -> None:
        told.append((sum(progress.done.values()), progress.now.get("perimeter", "")))

    planned = Plan("local", {"perimeter": ("place_an_order", "no_credential_at_the_edge")})
    made = list(compare.run(planned, tell))
    assert [(each.id, isinstance(each, Cell) and each.surprises) for each in made] == [
        ("place_an_order/perimeter", ()),
        ("no_credential_at_the_edge/perimeter", ()),
    ]
    order = made[0]
    assert isinstance(order, Cell)
    assert [hop.service for hop in order.hops] == ["gateway", "orders", "inventory", "billing"]
    assert order.request.startswith("POST https://localhost:")
    assert "wonderland" not in evidence.text(compare.merged(None, made, planned, 1))
    assert (1, "place_an_order") in told or (0, "place_an_order") in told
    assert told[-1][0] == 2
    assert not shops(tmp_path)


def test_a_column_that_cannot_go_on_is_told_when_the_others_are_done(tmp_path: Path) -> None:
    planned = Plan("local", {"nonsense": ("place_an_order",), "perimeter": ("no_credential_at_the_edge",)})
    made: list[Record] = []
    with pytest.raises(compare.Died, match="there is no pattern 'nonsense'"):
        made.extend(compare.run(planned, lambda *_: None))
    assert [record.id for record in made] == ["no_credential_at_the_edge/perimeter"]
    assert not shops(tmp_path)


def test_whoever_stops_watching_leaves_no_shop_behind(tmp_path: Path) -> None:
    """In the middle of a story that takes some seconds: an order waits for billing, which says nothing."""
    running = compare.run(Plan("local", {"perimeter": ("place_an_order", "billing_slow")}), lambda *_: None)
    next(running)
    assert shops(tmp_path)
    running.close()  # type: ignore[attr-defined]  # it is a generator
    assert not shops(tmp_path)
    assert not [each for each in psutil.Process().children() if "scenarios.column" in each.cmdline()]


class NoWorld(World):
    """A world in which nothing can be done."""

    def __init__(self) -> None:
        self.pattern = "jwt"


def broken(_: World) -> Answer:
    raise ZeroDivisionError("what a day")


def test_an_attempt_that_breaks_off_is_a_surprise_and_says_why() -> None:
    known = stories()["place_an_order"]
    story = Story("x", "t", "w", "everyday", known.expected, (), (), {"one": broken})
    made = column.cell(NoWorld(), story)
    assert [(case.verdict, case.words) for case in made.surprises] == [(None, "ZeroDivisionError: what a day")]


def test_what_does_not_come_to_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "MOST_SECONDS", 1)
    with pytest.raises(column.TooLong, match="1 s"), column.in_time():
        time.sleep(30)


def test_a_narrowed_run_that_lacks_the_rest_is_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FILE", tmp_path / "report" / "evidence.json")
    monkeypatch.setattr(watch, "REPO", tmp_path)
    out = Console(file=io.StringIO(), width=140)
    assert watch.comparison(out, "local", "^place_an_order/perimeter$", resume=False)
    said = out.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    assert "1 cells in 1 columns" in said
    assert "go on with: make compare RESUME=1" in said
    assert "no surprise" in said
    assert set(evidence.read(tmp_path / "report" / "evidence.part").cells) == {"place_an_order/perimeter"}
    assert not evidence.FILE.exists()


def test_there_is_nothing_to_go_on_with_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FILE", tmp_path / "evidence.json")
    with pytest.raises(CannotRun, match="no run to go on with"):
        watch.comparison(Console(file=io.StringIO()), "local", "", resume=True)


def test_a_cell_that_nobody_knows_is_said_to_be_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FILE", tmp_path / "evidence.json")
    with pytest.raises(CannotRun, match="nothing to do"):
        watch.comparison(Console(file=io.StringIO()), "local", "no_such_story", resume=False)


def test_a_runtime_that_there_is_not_is_refused_before_anything_is_run_or_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FILE", tmp_path / "evidence.json")
    with pytest.raises(CannotRun, match="there is no runtime 'kubernetes': RUNTIME is local or compose"):
        watch.comparison(Console(file=io.StringIO()), "kubernetes", "place_an_order/jwt", resume=False)
    assert not list(tmp_path.iterdir())


def test_a_runtime_that_this_machine_has_not_is_refused_as_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FILE", tmp_path / "evidence.json")
    monkeypatch.setattr(engine, "trouble", lambda: "no Docker engine answers")
    with pytest.raises(CannotRun, match="RUNTIME=compose needs Docker, and no Docker engine answers"):
        watch.comparison(Console(file=io.StringIO()), "compose", "place_an_order/jwt", resume=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("only", ["(", "[", "*"])
def test_what_is_no_regular_expression_is_refused_with_what_is_wrong_with_it(only: str) -> None:
    out = Console(file=io.StringIO())
    commands: list[Callable[[], bool]] = [
        lambda: watch.comparison(out, "local", only, resume=False),
        lambda: command.bench(out, only, quick=True),
        lambda: sabotage.report(out, only),
    ]
    for narrowed in commands:
        with pytest.raises(CannotRun, match="is no regular expression") as refused:
            narrowed()
        assert f"ONLY={only}" in refused.value.what
        assert "at position 0" in refused.value.what


def test_a_sabotage_that_nobody_knows_is_said_to_be_none() -> None:
    with pytest.raises(CannotRun, match="no sabotage matches"):
        sabotage.report(Console(file=io.StringIO()), "no such sabotage")
