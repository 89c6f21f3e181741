"""Medians, ratios of pairs, and how far to trust them: plain order statistics, without a model of the noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Where repeated figures lie: the median, a 95 % interval of the median, and the quartiles."""

    median: float
    low: float
    high: float
    quartiles: tuple[float, float]
    count: int


def spread(figures: Sequence[float]) -> Spread:
    """The spread of `figures`, at least one."""
    ordered = sorted(figures)
    low, high = _interval(len(ordered))
    return Spread(
        statistics.median(ordered),
        ordered[low],
        ordered[high],
        (quantile(ordered, 0.25), quantile(ordered, 0.75)),
        len(ordered),
    )


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The spread of ours / theirs, each pair from one round, so that what slows a round slows both."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])


def above(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The spread of ours - theirs, in such pairs too."""
    return spread([one - other for one, other in zip(ours, theirs, strict=True)])


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the sorted figures do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _interval(count: int) -> tuple[int, int]:
    """The ranks between which the true median lies with 95 %, whatever the distribution (the sign test's interval).

    With five figures or fewer no two ranks give 95 %: then it is the smallest and the largest.
    """
    rank, tail = 0, 0.5**count
    while (tail := tail + math.comb(count, rank + 1) * 0.5**count) <= 0.025:
        rank += 1
    return rank, count - 1 - rank
