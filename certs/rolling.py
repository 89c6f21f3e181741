"""How a root or an intermediate gives way to the next while everybody goes on: first believed, then used, then not.

    begin    the new one is made, and brought to every reader beside the old one: two roots in each bundle
    switch   it signs from now on, and every leaf is issued again; refused while any reader lacks it
    finish   the old root leaves the bundles: what it vouched for is refused; refused while a leaf is still under it

An intermediate needs the first two, for it is sent along with each leaf: only its CRL has to be there before. So a new
root comes with an intermediate of its own from the start, whose CRL goes out together with the root.

Each step is recorded in `index.json` before anybody could notice it, so after a crash the same step can be taken again.
The keeper replaces an intermediate at half its life by itself; a reader that cannot be reached holds that up until a
quarter is left, and no longer. It does not replace roots, because it cannot tell whether those who read the bundle
elsewhere, such as people's browsers, have the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from certs import homes
from certs.errors import OutOfTurn
from certs.homes import Event
from certs.index import Authority, Index, half_life

if TYPE_CHECKING:
    from certs.authority import CA

Kind = Literal["root", "intermediate"]
SETTLE = timedelta(seconds=10)
"""How long the keeper leaves a handshake that began before the new intermediate's CRL came."""


def begin(ca: CA, kind: Kind) -> Authority:
    """Make a new root with its intermediate, or a new intermediate, bring it to every reader, and return that.

    Taken again before `switch`, it brings what is there already. Raises OutOfTurn while the other kind is being
    replaced, Undelivered, IssuerExpired.
    """
    with _changing(ca) as index:
        if index.rolling is None:
            index = _with_next(ca, index, kind, ca.now())
        if index.rolling != kind or index.waiting is None or (kind == "root" and not _root_waits(index)):
            raise OutOfTurn(f"another rotation is under way: {next_step(index)}")
        delivered = ca.deliver(index)
        if _waits_for(ca, index, ca.now()):
            homes.insist(delivered)
        return index.waiting


def switch(ca: CA) -> list[Event]:
    """Have the new intermediate sign from now on, and issue every leaf again; say which.

    Taken again for a root, it issues those that are missing; for an intermediate the keeper does. Raises OutOfTurn
    while a reader lacks the new root or CRL, or when nothing was begun, and Undelivered.
    """
    with _changing(ca) as index:
        if index.rolling is None:
            raise OutOfTurn("nothing is being replaced: begin first")
        if index.waiting:
            if behind := _waits_for(ca, index, ca.now()):
                raise OutOfTurn(f"not everybody has the new root or CRL yet: {', '.join(behind)}")
            index = _signs(ca, index, index.waiting)
        _, events = ca.renew_leaves(index, ca.now())
        homes.insist(events)
        return events


def finish(ca: CA) -> None:
    """Take the old root out of every bundle, and put its key away.

    Taken again, it does what is left of that, if anything is. Raises OutOfTurn while a leaf is still under the old
    root, or when nothing was switched, and Undelivered.
    """
    with _changing(ca) as index:
        if _root_waits(index) or index.root.name == "root.1":  # the first came in nobody's place
            raise OutOfTurn("the leaves are not under a new root: begin and switch first")
        under = {each.name for each in index.authorities if each.issuer == index.root.name}
        late = [
            leaf.name
            for leaf in index.current()
            if leaf.into.is_dir() and not leaf.revoked and (leaf.issuer not in under or not homes.holds(leaf))
        ]
        if late:
            raise OutOfTurn(f"still under the old root: {', '.join(late)}")
        homes.insist(ca.deliver(ca.sign_crl(index.trusting_one_root(), ca.now())))


def advance(ca: CA, index: Index, now: datetime) -> tuple[Index, list[Event]]:
    """What the keeper does in a round: begin to replace an intermediate at half its life, and switch a round later."""
    signing, waiting = index.authority(index.signs), index.waiting
    if waiting is None and _is_due(index, signing, now):
        index = _with_next(ca, index, "intermediate", now)
        waiting = index.waiting
        assert waiting is not None
        over = signing.not_after <= now  # then nobody is believed any more, and there is nothing to be careful of
        return (_signs(ca, index, waiting), [_event(waiting, "signs")]) if over else (index, [_event(waiting, "made")])
    if _root_waits(index) and now >= half_life(signing):
        reason = f"it runs out while a new root waits: {next_step(index)}"
        return index, [Event("failed", {"name": signing.name, "reason": reason})]
    if waiting is None or _root_waits(index) or now < waiting.issued + SETTLE:
        return index, []
    if _waits_for(ca, index, now):
        return index, []
    return _signs(ca, index, waiting), [_event(waiting, "signs")]


def next_step(index: Index) -> str:
    """The command that goes on with what was begun; empty when nothing was."""
    if index.rolling == "root":  # until it is finished, a further intermediate is for the keeper alone
        return f"rotate root --step {'switch' if _root_waits(index) else 'finish'}"
    return "rotate intermediate" if index.rolling else ""


@contextmanager
def _changing(ca: CA) -> Iterator[Index]:
    """As `CA.changing`, and with lists of all who are recorded: a crash may have come between the two."""
    with ca.changing() as index:
        yield ca.with_good_crl(index, ca.now())


def _with_next(ca: CA, index: Index, kind: Kind, now: datetime) -> Index:
    root = index.root.name
    if kind == "root":
        index = ca.vault.with_root(index, now)
        root = index.authorities[-1].name
    return ca.sign_crl(ca.vault.with_intermediate(index, root, now), now)


def _signs(ca: CA, index: Index, intermediate: Authority) -> Index:
    index = index.signed_by(intermediate.name)
    ca.record(index)
    return index


def _root_waits(index: Index) -> bool:
    """Whether the intermediate that is to sign next is under another root."""
    return index.waiting is not None and index.waiting.issuer != index.root.name


def _waits_for(ca: CA, index: Index, now: datetime) -> list[str]:
    """Who lacks the new root or CRL, unless its leaf was revoked; nobody, once time is short.

    With a quarter of its life left, an intermediate that stays for the sake of one reader would run out for all.
    """
    signing = index.authority(index.signs)
    if not _root_waits(index) and now >= signing.not_after - (signing.not_after - signing.issued) / 4:
        return []
    return homes.behind((leaf for leaf in index.current() if not leaf.revoked), ca.trust(index))


def _is_due(index: Index, signing: Authority, now: datetime) -> bool:
    """Past half its life, if a new one would last longer."""
    ends = min(now + index.lifetimes.intermediate, index.root.not_after)
    return now >= half_life(signing) and now < ends and ends > signing.not_after


def _event(intermediate: Authority, event: Literal["made", "signs"]) -> Event:
    details: dict[str, object] = {"name": intermediate.name, "not_after": intermediate.not_after.isoformat()}
    return Event(f"intermediate_{event}", details)
