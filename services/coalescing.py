"""One question in place of many: whoever asks the same at the same moment shares one answer.

It is never an answer to a question that was put before they came, since what they ask about may have changed meanwhile:
whoever comes while one is under way waits for its end, and shares the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Coalescing(Generic[Answer]):
    """Questions by their key; those of different keys do not wait for each other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asking: set[Hashable] = set()
        self._next: dict[Hashable, Future[Answer]] = {}

    def ask(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        """What `question` comes to, put by us or by somebody after we came; raises what it raises."""
        with self._changed:
            shared = self._next.get(key)
            if shared is None:
                ours = self._next[key] = Future()
                self._changed.wait_for(lambda: key not in self._asking)
                self._asking.add(key)
                del self._next[key]
        if shared is not None:
            return shared.result()
        try:
            ours.set_result(question())
        except BaseException as error:
            ours.set_exception(error)
        finally:
            with self._changed:
                self._asking.remove(key)
                self._changed.notify_all()
        return ours.result()
