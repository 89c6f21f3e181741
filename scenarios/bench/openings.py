"""Opening many shops and chains: a few at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

Opened = TypeVar("Opened")
AT_ONCE = 3
"""More than there are cores, since who starts a process also waits for it."""


def opened(stack: ExitStack, wanted: Iterable[AbstractContextManager[Opened]]) -> list[Opened]:
    """All of them, open until `stack` closes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(stack.enter_context, wanted))
