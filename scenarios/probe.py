"""HTTP requests, exactly as an attacker wants them, from wherever this runs.

Only the standard library and one file, so that the same program runs here, in a container on the inner network,
and in the container of a breached service.  It reads what to send as JSON from its argument and prints what came back:

    [{"url": …, "method": …, "headers": [[name, value], …], "body": …, "cert": PEM, "key": PEM, "raw": base64,
      "timeout": s, "source": local address, "tls": the one version, "ciphers": OpenSSL's words}, …]

They are sent one after the other, and answered with a list.  Those that are nothing but a GET share a connection, as
any client's would, while the other end keeps it: to shake hands takes both ends longer than all else.

An attacker does not check certificates, so neither does this.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import json
import re
import socket
import ssl
import sys
import tempfile
import time
import warnings
from typing import Any
from urllib.parse import urlsplit

MAX_BODY = 64 * 1024
CONNECTING = ("source", "server_name", "tls", "ciphers", "cert", "key", "timeout")
"""What says how to connect, besides where to."""
PLAIN_URL, PLAIN_NAME, PLAIN_VALUE = map(re.compile, (r"[!-~]+", r"[A-Za-z0-9-]+", r"[!-~]([ -~]*[!-~])?|"))
OF_THE_CONNECTION = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
Connections = dict[tuple[str, ...], socket.socket]
"""Those that may be used again, by where they lead and how TLS is spoken on them."""


def attempt(wanted: dict[str, Any]) -> dict[str, Any]:
    """Send it, and tell what came back: `status`, `headers`, `body`, or `refused` and why there was no HTTP.

    `seconds` is how long the answer took, once there was a connection.
    """
    return attempts([wanted])[0]


def attempts(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same of several, one after the other."""
    kept: Connections = {}
    try:
        return [_attempt(each, _line(each), kept) for each in wanted]
    finally:
        for connection in kept.values():
            connection.close()


def _line(wanted: dict[str, Any]) -> tuple[str, ...] | None:
    """Which connection will do; None when it must be one of its own.

    Whatever might leave something behind, for the next to find, has one of its own: a body, an address, a name or a
    value that is not quite one (RFC 9110 §4, §5), a word about the connection.
    """
    headers = wanted.get("headers", [])
    if wanted.get("method", "GET") != "GET" or wanted.get("body") or wanted.get("raw"):
        return None
    if not PLAIN_URL.fullmatch(wanted["url"]):
        return None
    if not all(PLAIN_NAME.fullmatch(name) and PLAIN_VALUE.fullmatch(value) for name, value in headers):
        return None
    if any(name.lower() in OF_THE_CONNECTION for name, _ in headers):
        return None
    url = urlsplit(wanted["url"])
    return (url.scheme, url.netloc, *(str(wanted.get(name)) for name in CONNECTING))


def _attempt(wanted: dict[str, Any], line: tuple[str, ...] | None, kept: Connections) -> dict[str, Any]:
    """What comes back, on a connection of `kept` if one will do, which then stays there if the other end keeps it."""
    used = kept.pop(line, None) if line else None
    try:
        if used:  # the other end may have hung up, as it may at any time (RFC 9112 §9.3.1)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                return _told(used, wanted, line, kept)
        return _told(_connect(wanted), wanted, line, kept)
    except (OSError, http.client.HTTPException) as error:
        return {"refused": f"{type(error).__name__}: {error}"}


def _told(
    connection: socket.socket, wanted: dict[str, Any], line: tuple[str, ...] | None, kept: Connections
) -> dict[str, Any]:
    """What comes back on this connection, which is closed, or kept for the next."""
    stays, began = False, time.monotonic()
    try:
        answer, stays = _exchange(connection, wanted, "keep-alive" if line else "close")
        return {**answer, "seconds": time.monotonic() - began}
    finally:
        if line and stays:
            kept[line] = connection
        else:
            connection.close()


def _connect(wanted: dict[str, Any]) -> socket.socket:
    url, timeout = urlsplit(wanted["url"]), wanted.get("timeout", 10)
    host = "127.0.0.1" if (url.hostname or "").endswith("localhost") else url.hostname
    source = (wanted["source"], 0) if wanted.get("source") else None
    plain = socket.create_connection((host, url.port), timeout, source)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if url.scheme != "https":
        return plain
    try:
        context = _context(*map(wanted.get, ("ciphers", "tls", "cert", "key")))
        return context.wrap_socket(plain, server_hostname=wanted.get("server_name") or url.hostname)
    except OSError:
        plain.close()
        raise


@functools.lru_cache(16)
def _context(ciphers: str | None, version: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    """How this attacker speaks TLS; to make ready for that costs more than to speak, and families send hundreds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:  # with @SECLEVEL=0 OpenSSL lets its own side do what is long forbidden
        context.set_ciphers(ciphers)
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is out of date is the point
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    if cert and key:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
            both.write(cert + key)
            both.flush()
            context.load_cert_chain(both.name)
    return context


def _exchange(connection: socket.socket, wanted: dict[str, Any], then: str) -> tuple[dict[str, Any], bool]:
    """What comes back, and whether the connection may be used again."""
    connection.sendall(base64.b64decode(wanted["raw"]) if wanted.get("raw") else _message(wanted, then))
    response = http.client.HTTPResponse(connection, method=wanted.get("method", "GET"))
    response.begin()
    body = response.read(MAX_BODY).decode("utf-8", "replace")
    answer = {"status": response.status, "headers": {k.lower(): v for k, v in response.getheaders()}, "body": body}
    return answer, response.isclosed() and not response.will_close


def _message(wanted: dict[str, Any], then: str) -> bytes:
    """The request, header by header, nothing added but what HTTP needs (RFC 9112)."""
    url, body = urlsplit(wanted["url"]), (wanted.get("body") or "").encode()
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = [("Host", url.netloc), ("Connection", then), *map(tuple, wanted.get("headers", []))]
    if body or wanted.get("method") in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{wanted.get('method', 'GET')} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


if __name__ == "__main__":
    print(json.dumps(attempts(json.loads(sys.argv[1]))))
