"""The gateway before a real identity provider, as a fixture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from services import gateway
from tests.edge_support import EDGE, Place, Wire
from tests.idp_support import CUSTOMER, ISSUER, PERSON, Idp, a_client, secret_of
from tests.support import settings


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all tests here: each comes with browsers of its own."""
    told = settings(tmp_path_factory.mktemp("shop"), "gateway", "oauth2", issuer=ISSUER, edge=EDGE)
    secrets = told.dir / "gateway/secrets"
    (secrets / "client_secret").write_text(secret_of("gateway"))
    (secrets / "cookie_key").write_text("a key for tests alone")
    with Idp(tmp_path_factory) as idp:
        idp.clock.now = time.time()  # the gateway has no other clock
        idp.register(
            a_client("gateway", scopes=[*PERSON, *CUSTOMER, "orders:refund", "orders:read:any"]),
            a_client(
                "cli",
                auth_method="none",
                grant_types=["authorization_code", "refresh_token"],
                redirect_uris=["http://127.0.0.1/callback"],
                introspect=False,
            ),
            a_client("erin"),  # whoever may register a client can call it like a person
        )
        idp.users.add("erin", "a password", CUSTOMER)
        wire = Wire(idp)
        with (
            mock.patch("services.relying_party.PeerAdapter", return_value=wire),
            mock.patch("services.oauth.Callee", return_value=wire),
        ):
            yield Place(gateway.application(told), idp, wire)


@pytest.fixture
def lying(place: Place) -> Iterator[dict[str, Any]]:
    """What the identity provider's answers say instead of the truth, until the test is over."""
    yield place.wire.lying
    place.wire.lying.clear()
