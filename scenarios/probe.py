"""One HTTP request, exactly as an attacker wants it, from wherever this runs.

Only the standard library and one file, so that the same program runs here, in a container on the inner network,
and in the container of a breached service.  It reads what to send as JSON from its argument and prints what came back:

    {"url": …, "method": …, "headers": [[name, value], …], "body": …, "cert": PEM, "key": PEM, "raw": base64,
     "timeout": s, "source": local address, "tls": the one version, "ciphers": OpenSSL's words}

or a list of such, sent one after the other, and answered with a list.

An attacker does not check certificates, so neither does this.
"""

from __future__ import annotations

import base64
import functools
import http.client
import json
import socket
import ssl
import sys
import tempfile
import time
import warnings
from typing import Any
from urllib.parse import urlsplit

MAX_BODY = 64 * 1024


def attempt(wanted: dict[str, Any]) -> dict[str, Any]:
    """Send it, and tell what came back: `status`, `headers`, `body`, or `refused` and why there was no HTTP.

    `seconds` is how long the answer took, once there was a connection.
    """
    try:
        connection = _connect(wanted)
        began = time.monotonic()
        try:
            return {**_exchange(connection, wanted), "seconds": time.monotonic() - began}
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        return {"refused": f"{type(error).__name__}: {error}"}


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


def _exchange(connection: socket.socket, wanted: dict[str, Any]) -> dict[str, Any]:
    connection.sendall(base64.b64decode(wanted["raw"]) if wanted.get("raw") else _message(wanted))
    response = http.client.HTTPResponse(connection, method=wanted.get("method", "GET"))
    response.begin()
    body = response.read(MAX_BODY).decode("utf-8", "replace")
    return {"status": response.status, "headers": {k.lower(): v for k, v in response.getheaders()}, "body": body}


def _message(wanted: dict[str, Any]) -> bytes:
    """The request, header by header, nothing added but what HTTP needs (RFC 9112)."""
    url, body = urlsplit(wanted["url"]), (wanted.get("body") or "").encode()
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = [("Host", url.netloc), ("Connection", "close"), *map(tuple, wanted.get("headers", []))]
    if body or wanted.get("method") in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{wanted.get('method', 'GET')} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps([attempt(each) for each in given] if isinstance(given, list) else attempt(given)))
