"""The way in for clients on this machine: HTTPS to the shop's edge, trusting the shop's CA and nothing else."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from compose.refusals import CannotRun
from compose.shop import Shop

TIMEOUT_SECONDS = 15


def door(shop: Shop) -> requests.Session:
    """A session that trusts this shop's CA and nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _Door(shop.ca_file))
    return session


class _Door(HTTPAdapter):
    """HTTPS with one context until the bundle changes; `*.localhost` is loopback, whatever the resolver thinks.

    RFC 6761 §6.3.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._text = ""
        self._context: ssl.SSLContext
        super().__init__()

    def _trusting(self) -> ssl.SSLContext:
        """The context for the bundle as it is now; while a new copy is being made, as it was.

        Raises `CannotRun` when there never was one, or it makes no sense.
        """
        try:
            text = self._bundle.read_text("ascii") if self._bundle.exists() else self._text
            if not text.strip():  # with which a context would believe whomever this machine believes
                raise ValueError("there is nothing in it")
            if text != self._text:
                self._context, self._text = ssl.create_default_context(cadata=text), text
        except (OSError, ValueError) as error:
            raise CannotRun(f"{self._bundle} is no trust bundle: {error}", "make restart NAME=ca") from None
        return self._context

    def cert_verify(self, *_: Any) -> None:
        """Nothing to do: the context carries the trust bundle."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        url = urlsplit(request.url or "")
        name = url.hostname or ""
        address = "127.0.0.1" if name.endswith(".localhost") else name
        tls = {"ssl_context": self._trusting(), "server_hostname": name, "assert_hostname": name}
        return {"scheme": url.scheme, "host": address, "port": url.port}, tls
