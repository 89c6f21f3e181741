"""A request whose body is read to its end or refused, and never cut off.

Of a body that comes in chunks nobody knows the length beforehand.  Werkzeug's stream ends at the limit as if the body
did, and only who goes on reading is told: whoever does not would obey the beginning of what was never said as a whole.
"""

from __future__ import annotations

import io
from typing import IO

import flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property


class BoundedRequest(flask.Request):
    """A request with a body of at most MAX_CONTENT_LENGTH octets."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body; reading one that goes on beyond the limit raises 413 (RFC 9110 §15.5.14)."""
        octets, environ = super().stream.read(), self.environ
        full = len(octets) == self.max_content_length and "wsgi.input_terminated" in environ  # else its length was told
        if full and environ["wsgi.input"].read(1):
            raise RequestEntityTooLarge
        return io.BytesIO(octets)
