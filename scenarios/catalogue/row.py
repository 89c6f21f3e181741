"""The shape of a row, and the sections that rows are in."""

from __future__ import annotations

from dataclasses import dataclass

SECTIONS = {
    "JWT": "forged and misused tokens",
    "BRR": "bearer tokens at a service",
    "OAS": "the identity provider",
    "BAS": "HTTP Basic",
    "MTLS": "mutual TLS with a CA of our own",
    "PER": "the perimeter, and HTTP",
    "XC": "the application",
    "FLT": "faults",
}


@dataclass(frozen=True)
class Row:
    """One attack or fault."""

    id: str
    title: str
    tests: tuple[str, ...] = ()
    """The tests that cover it, however many stories do."""
    measured: tuple[str, ...] = ()
    """The measurements that say how it goes, where that is a matter of more or less."""

    @property
    def section(self) -> str:
        """What kind of thing it is."""
        return SECTIONS[self.id.partition("-")[0]]


def row(row_id: str, title: str, *tests: str, measured: tuple[str, ...] = ()) -> Row:
    """A row, and the tests and measurements that cover it."""
    return Row(row_id, title, tests, measured)
