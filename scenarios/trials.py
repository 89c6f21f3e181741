"""Figures from trials: the median counts, and every trial is kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from scenarios.evidence import Figure

DECIMALS = 3


def figure(trials: Sequence[float], unit: str, note: str = "") -> Figure:
    """The median of `trials`, with all of them; a count that came out the same each time is still a trial."""
    kept = tuple(round(float(each), DECIMALS) for each in trials)
    return Figure(value=round(median(kept), DECIMALS), unit=unit, trials=kept, note=note)
