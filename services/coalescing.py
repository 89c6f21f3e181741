"""One question in place of many: whoever asks the same at the same moment shares one answer.

It is never an answer to a question that was put before they came, since what they ask about may have changed meanwhile:
whoever comes while one is under way waits for its end, and shares the next.  Only when nothing came in time do they
share that: to wait as long again would tell them nothing new.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from services.identity import Silence

Answer = TypeVar("Answer")


class Coalescing(Generic[Answer]):
    """Questions by their key; those of different keys do not wait for each other."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asking: dict[Hashable, Future[Answer]] = {}
        self._next: dict[Hashable, Future[Answer]] = {}

    def ask(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        """What `question` comes to, put by us or by somebody after we came; raises what it raises."""
        with self._changed:
            shared = self._next.get(key)
            if shared is None:
                ours, before = Future[Answer](), self._asking.get(key)
                self._next[key] = ours
                self._changed.wait_for(lambda: key not in self._asking)
                del self._next[key]
                if before is not None and isinstance(silence := before.exception(), Silence):
                    ours.set_exception(silence)
                    raise silence
                self._asking[key] = ours
        if shared is not None:
            return shared.result()
        try:
            ours.set_result(question())
        except BaseException as error:
            ours.set_exception(error)
        finally:
            with self._changed:
                del self._asking[key]
                self._changed.notify_all()
        return ours.result()
