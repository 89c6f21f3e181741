"""Calls within the shop: nothing is sent before whoever answers has proven to be the one that was meant.

`tls` says what a connection proves; here it is what `requests` does with one.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError

from services import tls

Answer = TypeVar("Answer")


class _CheckedConnection(HTTPSConnection):
    """An HTTPS connection that sends nothing before the server has proven its SPIFFE ID as well as its DNS name."""

    expected_peer: str | None = None

    def connect(self) -> None:
        super().connect()
        if self.expected_peer is None or not isinstance(self.sock, ssl.SSLSocket):
            return
        try:
            found = tls.peer_of(self.sock.getpeercert(binary_form=True) or b"")
        except (tls.BadPeer, ValueError) as error:
            self.close()
            raise ssl.SSLCertVerificationError(f"server certificate: {error}") from None
        if found.name != self.expected_peer:
            self.close()
            raise ssl.SSLCertVerificationError(f"expected {self.expected_peer}, found {found.spiffe_id}")


class PeerAdapter(HTTPAdapter):
    """Carries requests to one peer, holding it to its own name whatever address it is reached at.

    A leaf carries only its own DNS name, so on loopback the name has to be told.  `requests` would read the trust
    bundle again for each request; here the context is the cached one, and since urllib3 pools by context, a renewed
    certificate also means new connections.  `address` is where to connect when the URL's host is a name that only
    browsers resolve, such as `idp.localhost` (RFC 6761 §6.3).
    """

    def __init__(self, name: str | None = None, address: str | None = None) -> None:
        self.name = name
        self.address = address
        self.connection = type("PeerConnection", (_CheckedConnection,), {"expected_peer": name})
        super().__init__(pool_connections=4, pool_maxsize=16)

    def cert_verify(self, *_: Any) -> None:
        """Nothing to do: the context carries the trust bundle and the certificate."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        url = urlsplit(request.url or "")
        host = {"scheme": url.scheme, "host": self.address or url.hostname, "port": url.port}
        if url.scheme != "https":
            if isinstance(verify, str):  # a pattern asked for TLS: what it presents must not go in the clear
                raise requests.exceptions.SSLError("a trust bundle was named, but the address is not https")
            return host, {}
        if not isinstance(verify, str):
            raise requests.exceptions.SSLError("no trust bundle was named: verify=…")
        context = cert if isinstance(cert, ssl.SSLContext) else tls.client_context(Path(verify), cert)
        server_name = self.name or url.hostname
        return host, {"ssl_context": context, "server_hostname": server_name, "assert_hostname": server_name}

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if isinstance(pool, HTTPSConnectionPool):
            pool.ConnectionCls = self.connection
        return pool


class _Session(requests.Session):
    """A session for which a redirect is an answer like any other: it goes nowhere, and reads no body to find out."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


def answered(ask: Callable[[], Answer]) -> Answer:
    """What `ask` comes to, asking twice when a kept-alive connection turns out to be closed (RFC 9112 §9.3.1).

    All that the shop asks for is safe to repeat.  Raises what `ask` raises.
    """
    try:
        return ask()
    except (requests.RequestException, HTTPError, OSError) as error:
        if not _cut_off(error):
            raise
    return ask()


def _cut_off(error: Exception) -> bool:
    """Whether a connection that was open got closed instead of an answer: not none coming about, nor half an answer."""
    causes = [each for each in (error, *error.args) if isinstance(each, ProtocolError)]
    return any(isinstance(each, ConnectionError) for cause in causes for each in cause.args)


def session(peers: Mapping[str, str] | None = None) -> requests.Session:
    """A pooled session for calls within the shop; `peers` maps a base URL to the name its server must prove.

    The environment does not get a say: a ~/.netrc entry would replace our bearer token, REQUESTS_CA_BUNDLE our CA.
    """
    new = _Session()
    new.trust_env = False
    new.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # one user's call leaves nothing for the next
    new.mount("https://", PeerAdapter())
    new.mount("http://", PeerAdapter())
    for base, name in (peers or {}).items():
        new.mount(base, PeerAdapter(name))
    return new
