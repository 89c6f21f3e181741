"""What `requests` needs to call as `calling` does: the log-in library of the gateway brings it along."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPSConnectionPool

from services import calling, tls


class PeerAdapter(HTTPAdapter):
    """Carries requests to one peer, held to its own name whatever address it is reached at.

    `requests` would read the trust bundle again for each request; here the context is the cached one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection = calling.connection_to(name)
        super().__init__(pool_connections=4, pool_maxsize=16)

    def cert_verify(self, *_: Any) -> None:
        """Nothing to do: the context carries the trust bundle and the certificate."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        url = urlsplit(request.url or "")
        if url.scheme != "https" or not isinstance(verify, str):
            raise requests.exceptions.SSLError("only https is spoken here, and with a trust bundle: verify=…")
        host = {"scheme": url.scheme, "host": url.hostname, "port": url.port}
        context = tls.client_context(Path(verify), cert)
        return host, {"ssl_context": context, "server_hostname": self.name}

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        if isinstance(pool, HTTPSConnectionPool):
            pool.ConnectionCls = self.connection
        return pool
