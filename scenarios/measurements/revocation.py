"""How many seconds of access are left when a credential has been taken back, for each kind and each way of doing it.

Somebody new logs in, what they hold is served everywhere, then it is taken back; from the moment that this is done, the
old credential is shown every tenth of a second at each place until it is refused.  Three trials each.

What is still served after half a second lives on until it ends by itself.  Nobody waits five minutes for that: the
identity provider's clock is set back, so that what it issues next has only seconds left by everybody else's.  Then the
refusal must come when the token ends, give or take what a service allows for clocks that differ.  The figure is the
worst case, taken back right after it was issued: the lifetime that was told, and by how much the refusal came after it.

A connection that was open when its certificate was revoked is closed at a certain age.  That is measured at a double of
billing that closes it at eight seconds instead of sixty, and told with sixty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scenarios import taking_back_from_services as services
from scenarios import trials
from scenarios.evidence import Figure, Measured
from scenarios.levers import insist
from scenarios.taking_back import Observed, taken_back, ways
from scenarios.world import World
from services.access_token import LEEWAY

TITLE = "Seconds of access after taking back"
REFERENCES = ("RFC 7009 §3", "RFC 7662 §4", "RFC 9068 §4", "RFC 5280 §6.3", "OWASP ASVS 7.4", "CWE-613")
TRIALS, AT_ONCE = 3, 3
SOON, SLOWLY = 0.5, 0.5
"""How long we look whether the end comes at once; how often we look when it does not."""
LEFT = 4
"""How many seconds a token has left, when the clock was set back for it."""
LATE = 3.0
"""How much later than it came a refusal may be noticed, on a slow machine."""


def measure(world: World) -> Measured:
    """Take back from people and, meanwhile, from services; then see how what is left of it ends."""
    shown = services.prepared(world, TRIALS)
    try:
        with ThreadPoolExecutor(AT_ONCE) as people, ThreadPoolExecutor(1) as elsewhere:
            of_services = elsewhere.submit(services.taken_back, world, shown, TRIALS)
            tried = [way for way in ways(world.pattern) for _ in range(TRIALS)]
            found = people.map(lambda way: taken_back(world, way, lambda _: SOON), tried)
            seen = [each for here in found for each in here]
            seen += to_the_end(world, seen)
            seen += of_services.result()
    finally:
        world.manager.reset()
    return told(seen)


def to_the_end(world: World, seen: Collection[Observed]) -> list[Observed]:
    """What goes on being served, once more: with so little time left that its own end can be waited for."""
    lives = [each for each in seen if each.lasted.refused is None and each.left is not None]
    if not lives:
        return []
    world.manager.advance_clock(LEFT - max(each.life or 0.0 for each in lives))
    watched: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in lives:
        watched[each.way].add((each.credential, each.at))
    with ThreadPoolExecutor(len(watched)) as people:
        found = people.map(
            lambda way: taken_back(world, way, lambda _: LEFT + LEEWAY + LATE, SLOWLY, watched[way]), watched
        )
        ended = [each for here in found for each in here]
    for each in ended:
        late = each.after_its_end
        insist(late is not None and late <= LEEWAY + LATE, f"it did not end when it should: {each}")
    return ended


@dataclass(frozen=True)
class End:
    """How the access ended at one place."""

    figure: Figure
    by: str


def told(seen: Iterable[Observed]) -> Measured:
    """For each credential and way the figure of the place where it is served longest; the note tells of all places."""
    places: dict[tuple[str, str], dict[str, list[Observed]]] = defaultdict(lambda: defaultdict(list))
    for each in seen:
        places[each.credential, each.way][each.at].append(each)
    figures, rows = {}, []
    for (credential, way), by_place in places.items():
        not_renewed = all(each.lasted.refused for each in places.get(("refresh token", way), {}).get("idp", []))
        ends = {at: end(there, not_renewed) for at, there in by_place.items()}
        worst = max((each.figure for each in ends.values()), key=_longest)
        note = "; ".join(f"{at}: {each.figure.note}" for at, each in ends.items())
        figures[f"{credential}/{way}"] = worst.model_copy(update={"note": note})
        what = {"credential": credential, "taken_back_by": way}
        rows += [{**what, "at": at, "seconds": each.figure.value, "ended_by": each.by} for at, each in ends.items()]
    return Measured(figures=figures, rows=tuple(rows))


def end(there: list[Observed], not_renewed: bool) -> End:
    """The end of one credential at one place, from all that was seen of it; `not_renewed` says that of a session."""
    by_themselves = [each for each in there if each.after_its_end is not None]
    refused = [each for each in there if each.lasted.refused is not None]
    life = there[0].life or 0.0
    if by_themselves:
        late = [each.after_its_end or 0.0 for each in by_themselves]
        note = f"until its own end, up to {life:.0f} s as shipped; refused {max(late):.1f} s after that"
        return End(trials.figure([round(life + each, 1) for each in late], "s", note), "its own end")
    if refused:
        by, served = refused[0].lasted.by, max(each.lasted.served for each in refused)
        within = max(each.lasted.refused or 0.0 for each in refused)
        note = f"{by}, " + (
            f"last served after {served:.1f} s" if served else f"the first answer, after {within:.2f} s"
        )
        return End(trials.figure([each.lasted.served for each in refused], "s", note), by)
    if there[0].credential == "session" and not_renewed and life:
        note = (
            f"goes on with its token, which is not renewed: that is due after {life:.0f} s as shipped (not waited for)"
        )
        return End(Figure(value=life, unit="s", note=note), "its renewal")
    return End(Figure(value=None, unit="s", note="still served when we stopped looking"), "nothing")


def _longest(figure: Figure) -> float:
    return float("inf") if figure.value is None else figure.value
