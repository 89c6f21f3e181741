"""ONLY, with which somebody narrows what is run: a regular expression on its names."""

from __future__ import annotations

import re

from compose.refusals import CannotRun


def pattern(only: str) -> re.Pattern[str]:
    """What `only` says; `CannotRun` when that is no regular expression."""
    try:
        return re.compile(only)
    except re.error as error:
        mend = r"put a backslash before a character that stands for itself: ONLY='\['"
        raise CannotRun(f"ONLY={only} is no regular expression: {error}", mend) from None
