"""Opening many shops and chains: a few at a time, on ports that none of them shares with another."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import fields
from typing import TypeVar

from compose import ports
from compose.topology import Ports

Opened = TypeVar("Opened")
AT_ONCE = 3
"""More than there are cores, since who starts a process also waits for it."""
_given: set[int] = set()
_choosing = threading.Lock()


def free(count: int) -> list[int]:
    """Ports of this process's own share that nobody listens at, and that were not given to anybody here lately."""
    share = ports.own_share()
    with _choosing:
        if len(_given) + count > len(share) // 2:
            _given.clear()  # long ago: whoever still has one listens there
        found: set[int] = set()
        while len(found) < count:
            number = random.choice(share)
            if number not in _given | found and ports.is_free(number):
                found.add(number)
        _given.update(found)
    return list(found)


def of_a_shop() -> Ports:
    """The ports of one shop."""
    return Ports(*free(len(fields(Ports))))


def opened(stack: ExitStack, wanted: Iterable[AbstractContextManager[Opened]]) -> list[Opened]:
    """All of them, open until `stack` closes."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(stack.enter_context, wanted))
