"""Reading somebody's answer within a size and a time, however slowly they talk."""

from __future__ import annotations

import time

import requests

CHUNK = 16 * 1024


def read(response: requests.Response, most: int, seconds: float) -> bytes:
    """The body of a streamed `response`: up to one byte more than `most`, so that the caller can tell too much.

    The timeout of a socket starts again with each byte, so whoever drips would hold us for ever; `seconds` is for all
    of it.  Raises `requests.ReadTimeout`, and what urllib3 raises when the connection is silent or breaks.
    """
    deadline, body = time.monotonic() + seconds, bytearray()
    while len(body) <= most:
        chunk = response.raw.read1(CHUNK, decode_content=True)
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("the answer takes too long")
    return bytes(body)
