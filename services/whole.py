"""An answer in one piece: head and body in one record of TLS, one packet, one call of the kernel.

gunicorn writes them apart, and has no setting for it; its response says where a subclass may do otherwise.  And it
waits until all is taken; our connections put by what is not.
"""

from __future__ import annotations

from typing import Any

from gunicorn.http import wsgi


class WholeResponse(wsgi.Response):  # type: ignore[misc]  # gunicorn has no types
    """Keeps the head back until there is something of the body to go with it, or nothing more to come."""

    def __init__(self, request: Any, _: Any, config: Any) -> None:
        super().__init__(request, request.connection, config)
        self._head = b""

    def send_headers(self) -> None:
        if not self.headers_sent and not self._head:
            fields = (f"{name}: {value}\r\n" for name, value in self.headers)
            self._head = "".join([*self.default_headers(), *fields, "\r\n"]).encode("latin-1")

    def _emit_body(self, data: bytes) -> None:
        head, self._head, self.headers_sent = self._head, b"", True
        if not self.chunked:
            self.sock.sendall(head + data)
            return
        if head:
            self.sock.sendall(head)
        super()._emit_body(data)

    def close(self) -> None:
        if not self.headers_sent:
            self.send_headers()
            self.sock.sendall(self._head)
            self._head, self.headers_sent = b"", True
        super().close()


def install() -> None:
    """Have gunicorn answer so, in this process."""
    wsgi.Response = WholeResponse
