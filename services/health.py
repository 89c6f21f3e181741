"""Knock at a process's own door: `python -m services.health URL TLS_DIR`.

Only the standard library, since a container's engine runs it every few seconds.  Where the door asks for a certificate,
the process shows its own.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit


def knock(url: str, tls_dir: Path, timeout: float = 2.0) -> None:
    """Return when `url`/readyz answers 200; `OSError` when nobody does, or not with that."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 443
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.connect()  # before anything else: while nobody is there, knocking costs next to nothing
        if parts.scheme == "https":
            connection.sock = _context(tls_dir).wrap_socket(connection.sock)
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}", "Connection": "close"})
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"{url} does not speak HTTP: {error!r}") from error
    finally:
        connection.close()
    if status != 200:
        raise OSError(f"{url}/readyz answers {status}")


def _context(tls_dir: Path) -> ssl.SSLContext:
    """Trust our CA and show our own leaf; at our own door, on loopback, no name needs checking."""
    context = ssl.create_default_context(cafile=str(tls_dir / "bundle.pem"))
    context.check_hostname = False
    context.load_cert_chain(tls_dir / "leaf.pem", tls_dir / "key.pem")
    return context


if __name__ == "__main__":
    try:
        knock(sys.argv[1], Path(sys.argv[2]))
    except OSError as error:
        raise SystemExit(str(error)) from None
