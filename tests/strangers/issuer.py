"""Our identity provider as a process, and the clients that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NotRequired, TypedDict

import pytest

from tests.idp_support import AFTER_LOGOUT, CALLBACK, PASSWORDS, Idp, a_client, a_service, secret_of
from tests.strangers.browser import Browser
from tests.test_idp_server import Process

API = "api"
SCOPE = "openid profile email items:read"
BOTH = (("ES256", "opaque"), ("ES256", "jwt"), ("RS256", "opaque"), ("RS256", "jwt"))


class Found(TypedDict):
    """What a stranger found, having gone the whole way as one client."""

    claims: dict[str, Any]
    id_token: str
    access_token: str
    scope: str
    userinfo: dict[str, Any]
    introspected: dict[str, Any]
    asked_by_the_client: dict[str, Any] | None
    refreshed: str
    revoked: dict[str, Any]
    ended: str
    after: str
    validated: NotRequired[dict[str, Any] | bool]
    discovered_alike: NotRequired[bool]


def application(client_id: str, signing_alg: str, token_format: str, **changes: Any) -> dict[str, Any]:
    grants = ["authorization_code", "refresh_token"]
    kind = {"signing_alg": signing_alg, "token_format": token_format}
    return a_client(client_id, grant_types=grants, audience=[API], introspect=False, **kind, **changes)


CONFIDENTIAL = [application(f"web-{alg.lower()}-{kind}", alg, kind) for alg, kind in BOTH]
ON_LOOPBACK = ["http://127.0.0.1/callback", CALLBACK]
PUBLIC = [
    application(f"native-{alg.lower()}", alg, kind, auth_method="none", redirect_uris=ON_LOOPBACK)
    for alg, kind in (("ES256", "opaque"), ("RS256", "jwt"))
]
RESOURCE_SERVER = a_client(API, grant_types=[], redirect_uris=[], scopes=[], audience=[API])
SERVICES = [a_service("edge", "orders"), a_service("orders")]
REGISTERED = {client["client_id"]: client for client in [*CONFIDENTIAL, *PUBLIC]}


class Issuer(Process):
    """The identity provider, and what its clients are told about it."""

    def told(self, *client_ids: str) -> dict[str, Any]:
        """Where it is, and all that a client of it has to know beforehand."""
        return {
            "issuer": self.issuer,
            "scope": SCOPE,
            "after_logout": AFTER_LOGOUT,
            "api": {"client_id": API, "secret": secret_of(API)},
            "clients": [self._client(REGISTERED[client_id]) for client_id in client_ids],
        }

    @staticmethod
    def _client(registered: dict[str, Any]) -> dict[str, Any]:
        public = registered["auth_method"] == "none"
        return {
            **{name: registered[name] for name in ("client_id", "signing_alg", "token_format")},
            "secret": None if public else secret_of(registered["client_id"]),
            "redirect_uri": "http://127.0.0.1:51004/callback" if public else CALLBACK,
        }

    def browser(self, who: str = "alice") -> Browser:
        """A browser that has never been here."""
        return Browser(self.bundle, who, PASSWORDS[who])


@contextmanager
def running(factory: pytest.TempPathFactory, *more: dict[str, Any]) -> Iterator[Issuer]:
    """The identity provider, with the clients above and `more`."""
    with Idp(factory) as idp:
        idp.register(RESOURCE_SERVER, *REGISTERED.values(), *SERVICES, *more)
        issuer = Issuer(idp.directory)
    try:
        yield issuer
    finally:
        issuer.session.close()
        issuer.stop()
