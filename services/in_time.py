"""An answer that has to be there in time, all of it.

The timeout of a socket starts again with each byte, so whoever drips, or promises an answer again and again (RFC 9110
§15.2), would hold a thread for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


class InTime(http.client.HTTPResponse):
    """One that has the timeout of its socket for its status, its fields and its body together; without one, no time."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock))


class _Until(io.RawIOBase):
    """What comes from a socket, as long as there is time; then `TimeoutError`."""

    def __init__(self, incoming: io.RawIOBase, sock: socket.socket) -> None:
        self._incoming, self._sock = incoming, sock
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer has taken too long")
        self._sock.settimeout(left)
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()
