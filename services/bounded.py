"""A request whose body is read to its end or refused: neither cut off by us nor obeyed when it was cut off before.

Of a body that comes in chunks nobody knows the length beforehand.  Werkzeug's stream ends at the limit as if the body
did, and only who goes on reading is told; and it ends with the connection, whatever length was told.  Whoever takes
such an end for the real one obeys the beginning of what was never said as a whole.
"""

from __future__ import annotations

import io
from typing import IO

import flask
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.utils import cached_property


class BoundedRequest(flask.Request):
    """A request with a body of at most MAX_CONTENT_LENGTH octets."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body: 413 when it goes on beyond the limit (RFC 9110 §15.5.14), 400 when it ends early (RFC 9112 §8)."""
        told, most = self.content_length, self.max_content_length
        if most is None:
            raise RuntimeError("MAX_CONTENT_LENGTH is not set")
        if told is not None and told > most:
            raise RequestEntityTooLarge
        octets = self.environ["wsgi.input"].read(most + 1 if told is None else told)
        if len(octets) > most:
            raise RequestEntityTooLarge
        if told is not None and len(octets) < told:
            raise BadRequest("the body is shorter than its Content-Length")
        return io.BytesIO(octets)
