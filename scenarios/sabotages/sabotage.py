"""The shape of a sabotage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """One guard line, broken on purpose."""

    name: str
    """What the shop would do wrong."""
    file: str
    line: str
    """The exact text, once in its file."""
    instead: str
    check: str
    """The test that must fail, as pytest names it."""
    also: tuple[tuple[str, str, str], ...] = ()
    """What else has to be broken, as (file, line, instead): a guard behind which a second one stands."""

    def edits(self) -> Iterator[tuple[str, str, str]]:
        """Every line to break, as (file, line, instead)."""
        yield self.file, self.line, self.instead
        yield from self.also
