"""JSON without the liberties that parsers take: UTF-8, each member once, no NaN, no bomb of brackets.

Two readers of one text must not come to two meanings (RFC 8259 §4, §8.1).
"""

from __future__ import annotations

import json
from typing import Any


def loads(octets: bytes) -> Any:
    """What `octets` hold; `ValueError` for anything that is not proper JSON."""
    try:
        return json.loads(octets.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate member")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
