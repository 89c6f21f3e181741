"""What to break, line by line: at least one sabotage for each guard line, and the check that must turn.

A line is the exact text in its file, and there is no other like it; `instead` is what replaces it, and nothing else of
the file changes.  The check is a test by pytest's name for it, the fastest that has to notice.
"""

from __future__ import annotations

from scenarios.sabotages import certs, edge, idp, patterns, shop, stories, tokens, transport
from scenarios.sabotages.sabotage import Sabotage

SABOTAGES: tuple[Sabotage, ...] = (
    *patterns.SABOTAGES,
    *tokens.SABOTAGES,
    *transport.SABOTAGES,
    *shop.SABOTAGES,
    *edge.SABOTAGES,
    *idp.SABOTAGES,
    *certs.SABOTAGES,
    *stories.SABOTAGES,
)
__all__ = ["SABOTAGES", "Sabotage"]
