"""What runs out when, as a table; what is near is said in words, so that it is seen without colours too.

`python -m certs status` exits 1 when one of the rows says that something ran out or is about to, or that the keeper has
fallen behind: that a directory lacks its leaf, its key, the roots or the newest CRL. A leaf that was taken back or
superseded, and a rotation under way, are no trouble.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table

from certs import homes, rolling
from certs.authority import CA, utc_now
from certs.index import Authority, Index, Leaf

Row = tuple[str, str, str, str, str]
TROUBLE = ("EXPIRED", "runs out", "behind")
"""How a state begins that somebody should do something about."""


def show(ca: CA, now: datetime | None = None, console: Console | None = None) -> bool:
    """Print the table, and say whether all is well; Rich leaves the colours out when NO_COLOR is set."""
    table = Table("what", "good until (UTC)", "left", "state", "for")
    for column in table.columns[:3]:
        column.no_wrap = True
    with ca.changing():  # or a delivery that is under way would be seen half done
        found = list(rows(ca, now or utc_now()))
    for what, until, left, state, holder in found:
        colour = "bold red" if state.startswith((*TROUBLE, "REVOKED")) else "green" if state == "good" else "dim"
        table.add_row(what, until, left, f"[{colour}]{state}[/]", holder)
    console = console or Console()
    console.print(table)
    if further := rolling.next_step(ca.index()):
        console.print(f"a rotation is under way; next: {further}")
    return not any(state.startswith(TROUBLE) for _, _, _, state, _ in found)


def rows(ca: CA, now: datetime) -> Iterator[Row]:
    """The roots and intermediates, the CRLs, then each leaf that somebody could still show."""
    index = ca.index()
    for authority in (*index.roots, *index.intermediates):
        if not authority.revoked or authority.not_after > now:
            yield _authority(index, authority, now)
    lives, until = index.lifetimes, index.crl_signed + index.lifetimes.crl
    yield _row(f"CRL {index.crl_number}", until, lives.crl / 4, now, "every reader")
    trust = ca.trust(index)
    believed = {each.name for each in index.intermediates}
    for leaf in index.leaves:
        if leaf.issuer not in believed:
            continue  # of a root that gave way
        near = (leaf.not_after - leaf.issued) / 4
        row = _row(leaf.name, leaf.not_after, near, now, ", ".join(leaf.dns_names))
        if leaf.revoked or (leaf in index.current() and leaf.into.is_dir()):
            yield (*row[:3], _revoked(leaf) or _kept(leaf, trust, row[3]), row[4])
        elif leaf.not_after > now:
            yield (*row[:3], "superseded" if leaf.into.is_dir() else "not kept", row[4])


def _authority(index: Index, authority: Authority, now: datetime) -> Row:
    """A root is near its end when an intermediate made now would be cut short by it."""
    near = index.lifetimes.intermediate if authority.is_root else (authority.not_after - authority.issued) / 4
    holder = f"spiffe://{index.trust_domain}" if authority.is_root else ", ".join(index.hosts)
    row = _row(authority.name, authority.not_after, near, now, holder)
    if authority.is_root and row[3].startswith("runs out"):
        row = (*row[:3], "runs out: rotate root --step begin", holder)
    if authority.name in (index.signs, index.root.name):
        return row
    return (*row[:3], _revoked(authority) or _out_of_use(index, authority), holder)


def _out_of_use(index: Index, authority: Authority) -> str:
    """What is to become of one that does not sign: the newest waits, the others go."""
    waiting = index.waiting
    return "waits" if waiting and authority.name in (waiting.name, waiting.issuer) else "superseded"


def _row(what: str, until: datetime, near: timedelta, now: datetime, holder: str) -> Row:
    left = until - now
    state = "EXPIRED" if left <= timedelta(0) else "runs out: is keep running?" if left < near else "good"
    return what, f"{until:%Y-%m-%d %H:%M}", _duration(max(left, timedelta(0))), state, holder


def _revoked(known: Leaf | Authority) -> str | None:
    return f"REVOKED: {known.reason}" if known.revoked else None


def _kept(leaf: Leaf, trust: Mapping[str, bytes], state: str) -> str:
    """Whether its directory has all that the keeper owes it; that time is short is said first."""
    if state != "good" or (homes.holds(leaf) and not homes.behind([leaf], trust)):
        return state
    return "behind: is keep running?"


def _duration(left: timedelta) -> str:
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
