"""Holds a connection open until a new one like it is refused, and then asks on the old one.

Only the standard library and one file, so that the same program runs here and in the container of a breached service.
It reads what to do as JSON from its argument and prints what came of it as JSON:

    {"url": …, "headers": {name: value}, "bodies": [before, after], "cert": PEM, "key": PEM, "patience": s,
     "until_closed": whether to go on asking on the old one until it is}
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import tempfile
import time
from typing import Any
from urllib.parse import urlsplit


def hold(wanted: dict[str, Any]) -> dict[str, Any]:
    """What the first request got, why a new connection was refused, and what the old one got after that.

    If asked for, also how old the old one was when it was last served, and when it turned out to be closed.
    """
    kept, opened = _connection(wanted), time.monotonic()
    before = _ask(kept, wanted, wanted["bodies"][0])
    refusal = _refusal(wanted)
    try:
        after = _ask(kept, wanted, wanted["bodies"][1])
    except (OSError, http.client.HTTPException) as error:
        after = {"refused": f"{type(error).__name__}: {error}"}
    told = {"before": before, "new": refusal, "after": after}
    return {**told, **_until_closed(kept, wanted, opened)} if wanted.get("until_closed") else told


def _connection(wanted: dict[str, Any]) -> http.client.HTTPSConnection:
    """A connection that is open, and is not opened again once it is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
        both.write(wanted["cert"] + wanted["key"])
        both.flush()
        context.load_cert_chain(both.name)
    url = urlsplit(wanted["url"])
    connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=5, context=context)
    connection.connect()
    connection.auto_open = 0
    return connection


def _ask(connection: http.client.HTTPSConnection, wanted: dict[str, Any], body: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **wanted["headers"]}
    connection.request("POST", urlsplit(wanted["url"]).path, body, headers)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return {"status": response.status, "headers": found, "body": response.read().decode("utf-8", "replace")}


def _until_closed(kept: http.client.HTTPSConnection, wanted: dict[str, Any], opened: float) -> dict[str, float | None]:
    served, deadline = time.monotonic() - opened, time.monotonic() + wanted["patience"]
    while time.monotonic() < deadline:
        try:
            _ask(kept, wanted, wanted["bodies"][1])
        except (OSError, http.client.HTTPException):
            return {"served": served, "closed": time.monotonic() - opened}
        served = time.monotonic() - opened
        time.sleep(0.1)  # the other end decides: there is nothing to wait on but the next answer
    return {"served": served, "closed": None}


def _refusal(wanted: dict[str, Any]) -> str | None:
    """Why a new connection with the same certificate is refused, as soon as it is; None when it never is."""
    deadline = time.monotonic() + wanted["patience"]
    while time.monotonic() < deadline:
        try:
            fresh = _connection(wanted)
            try:
                _ask(fresh, wanted, wanted["bodies"][0])
            finally:
                fresh.close()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        time.sleep(0.1)  # the other end reads its CRL at each connection: there is nothing to wait on but the next one
    return None


if __name__ == "__main__":
    print(json.dumps(hold(json.loads(sys.argv[1]))))
