"""What runs out when, as a table; what is near is said in words, so that it is seen without colours too."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table

from certs.authority import CA, utc_now
from certs.index import Leaf

Row = tuple[str, str, str, str, str]


def show(ca: CA, now: datetime | None = None, console: Console | None = None) -> None:
    """Print the table; Rich leaves the colours out when NO_COLOR is set or nobody is looking."""
    table = Table("what", "good until (UTC)", "left", "state", "for")
    for column in table.columns[:3]:
        column.no_wrap = True
    for what, until, left, state, holder in rows(ca, now or utc_now()):
        colour = "green" if state == "good" else "dim" if state == "superseded" else "bold red"
        table.add_row(what, until, left, f"[{colour}]{state}[/]", holder)
    (console or Console()).print(table)


def rows(ca: CA, now: datetime) -> Iterator[Row]:
    """The root, the CRL, then each leaf that somebody could still show."""
    index = ca.index()
    lives, current = index.lifetimes, index.current()
    yield _row("root", ca.root.not_valid_after_utc, lives.leaf, now, f"spiffe://{index.trust_domain}")
    yield _row(f"CRL {index.crl_number}", index.crl_signed + lives.crl, lives.crl / 4, now, "every reader")
    for leaf in index.leaves:
        near = (leaf.not_after - leaf.issued) / 4
        row = _row(leaf.name, leaf.not_after, near, now, ", ".join(leaf.dns_names))
        if leaf in current or leaf.revoked:
            yield (*row[:3], _revoked(leaf) or row[3], row[4])
        elif leaf.not_after > now:
            yield (*row[:3], "superseded", row[4])


def _row(what: str, until: datetime, near: timedelta, now: datetime, holder: str) -> Row:
    left = until - now
    state = "EXPIRED" if left <= timedelta(0) else "runs out: is keep running?" if left < near else "good"
    if what == "root" and state.startswith("runs"):
        state = "runs out: make a new CA"
    return what, f"{until:%Y-%m-%d %H:%M}", _duration(max(left, timedelta(0))), state, holder


def _revoked(leaf: Leaf) -> str | None:
    return f"REVOKED: {leaf.reason}" if leaf.revoked else None


def _duration(left: timedelta) -> str:
    minutes, seconds = divmod(int(left.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
