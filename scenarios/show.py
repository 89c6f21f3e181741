"""A scenario on the terminal: its walkthrough, the hops of its request, what came of each case, and why.

Whatever colour says is said in words too.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose.refusals import CannotRun
from scenarios import hops
from scenarios.outcome import Outcome, outcomes, telling
from scenarios.registry import Story
from scenarios.walk import last_line
from scenarios.world import DoorShut, World


def scenario(world: World, story: Story, out: Console) -> bool:
    """Tell one story, act it out, and say what came of it; whether it came as it was written."""
    out.rule(f"[bold]{story.name}[/] · {story.group} · under {world.pattern} ({world.shop.runtime})", align="left")
    out.print(f"{story.title}\n\n{story.walkthrough}\n", markup=False)
    found = list(outcomes(world, story))
    _hops(world, telling(found), out)
    out.print(cases(found))
    expected = story.expected[world.pattern]
    out.print(f"expected    [bold]{expected.verdict}[/]: {escape(expected.verdict.value)}")
    out.print(f"references  {' · '.join(story.references)}", markup=False)
    if story.catalogue:
        out.print(f"catalogue   {' '.join(story.catalogue)}", markup=False)
    wrong = [outcome for outcome in found if not outcome.as_expected]
    if wrong:
        out.print(f"[bold red]{len(wrong)} of {len(found)} came as a surprise[/]")
    else:
        out.print(last_line(expected, len(found)), style="green", markup=False, soft_wrap=True)
    return not wrong


def _hops(world: World, outcome: Outcome, out: Console) -> None:
    """The way of one request through the shop, where its answer tells its trace."""
    if outcome.answer is None or outcome.answer.trace is None:
        return
    try:
        told = hops.story(world.shop, outcome.answer.trace)
    except hops.StoryIncomplete as missing:
        out.print(f"the hops cannot be shown: {missing}", style="dim", markup=False)
        return
    if outcome.case:
        out.print(f"the hops of {outcome.case}:", markup=False)
    out.print(hops.table(told))


def cases(found: Iterable[Outcome]) -> Table:
    """What came of each case."""
    drawn = Table("case", "verdict", "in their words", "", pad_edge=False)
    for outcome in found:
        mark = "[green]as expected[/]" if outcome.as_expected else "[bold red]SURPRISE[/]"
        drawn.add_row(escape(outcome.case or "the attempt"), escape(outcome.found), escape(_words(outcome)), mark)
    return drawn


def _words(outcome: Outcome) -> str:
    """What whoever refused said of it, in short."""
    answer = outcome.answer
    if answer is None:
        return ""
    return " ".join((answer.detail or answer.body).split())[:100]


def scenarios(world: World, stories: Mapping[str, Story], out: Console) -> list[str]:
    """Act every story out, group by group, a line as soon as each is done; the names of those that surprised."""
    began, surprised, done = time.monotonic(), [], 0
    width, skipped = max(map(len, stories)), 0
    with out.status("") as progress:
        for group, told in itertools.groupby(stories.values(), key=lambda story: story.group):
            out.print(f"\n[bold]{group}[/]")
            for story in told:
                progress.update(f"{done + 1}/{len(stories)} {story.name} · {time.monotonic() - began:.0f} s so far")
                head, done = f"{done + 1:>3}/{len(stories)}  {story.name:<{width}}", done + 1
                try:
                    found = list(outcomes(world, story))
                except DoorShut as shut:
                    out.print(f"{head}  [yellow]{'skipped':<15}[/]  {escape(str(shut))}", soft_wrap=True)
                    skipped += 1
                    continue
                if not _line(world, story, found, head, out):
                    surprised.append(story.name)
    seconds = time.monotonic() - began
    ended = f"[bold red]surprises: {', '.join(surprised)}[/]" if surprised else "[green]all as expected[/]"
    ended += f", but for {skipped} that were skipped" if skipped else ""
    out.print(f"\n{done} scenarios under [bold]{world.pattern}[/] ({world.shop.runtime}) in {seconds:.0f} s: {ended}")
    return surprised


def _line(world: World, story: Story, found: list[Outcome], head: str, out: Console) -> bool:
    """One story in one line, and a line more for each case that surprised."""
    expected, wrong = story.expected[world.pattern], [outcome for outcome in found if not outcome.as_expected]
    family = f" ({len(found)} cases)" if len(found) > 1 else ""
    verdict = f"[bold red]{'SURPRISE':<15}[/]" if wrong else f"[green]{expected.verdict!s:<15}[/]"
    out.print(f"{head}  {verdict}  {escape(expected.reason)}{family}", soft_wrap=True)
    for outcome in wrong:
        name = f"{outcome.case}: " if outcome.case else ""
        out.print(f"{'':<9}{name}{outcome.found}, not {expected.verdict}", style="red", markup=False, soft_wrap=True)
    return not wrong


def named(stories: Mapping[str, Story], name: str) -> Story:
    """The story called `name`; `CannotRun` with the list of them all when there is none."""
    if name in stories:
        return stories[name]
    listed = [
        f"\n  {group}: {', '.join(story.name for story in told)}"
        for group, told in itertools.groupby(stories.values(), key=lambda story: story.group)
    ]
    what = f"there is no scenario {name!r}" if name else "no scenario was named"
    raise CannotRun(what, f"make scenario NAME=…, one of{''.join(listed)}")
