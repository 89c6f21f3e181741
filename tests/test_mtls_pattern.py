"""The pattern `mtls`: who a connection proves, after a real handshake."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import certs
from certs.forge import forge
from services import tls
from services.identity import Forbidden, Identity, Malformed
from services.patterns.mtls import Mtls
from tests import support
from tests.loopback import NoHandshake, handshake
from tests.support import basic, bearer, request

GATEWAY = "spiffe://shop.test/gateway"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    return certs.CA.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def guard(ca: certs.CA, tmp_path: Path) -> Mtls:
    """The guard of `orders`."""
    told = support.settings(tmp_path, pattern="mtls")
    ca.issue("orders", told.tls_dir)
    return Mtls(told)


@contextmanager
def connected(guard: Mtls, shown: tuple[str, str] | None) -> Iterator[ssl.SSLSocket]:
    """The server's end of a connection on which the caller showed this certificate."""
    with handshake(guard.listener(), tls.client_context(Path(guard.settings.bundle), shown)) as (ours, _):
        yield ours


@pytest.fixture
def gateway(guard: Mtls, ca: certs.CA, tmp_path: Path) -> Iterator[ssl.SSLSocket]:
    """A connection from the gateway."""
    with connected(guard, forge(ca, "gateway", into=tmp_path / "gateway").cert) as connection:
        yield connection


def test_the_certificate_names_the_caller_and_the_caller_the_user(guard: Mtls, gateway: ssl.SSLSocket) -> None:
    found = guard.authenticate(request({"X-User": "alice"}, connection=gateway))
    assert (found.caller, found.user, found.vouched_by, found.scopes) == ("gateway", "alice", "caller", frozenset())
    assert found.caller_proven
    assert not found.user_proven
    assert found.credential is None


def test_a_caller_may_act_for_itself(guard: Mtls, gateway: ssl.SSLSocket) -> None:
    assert guard.authenticate(request(connection=gateway)).user is None


def test_a_user_who_cannot_be_is_malformed(guard: Mtls, gateway: ssl.SSLSocket) -> None:
    with pytest.raises(Malformed):
        guard.authenticate(request({"X-User": "alice, bob"}, connection=gateway))


@pytest.mark.parametrize("headers", [basic("inventory", "x"), bearer("abc"), {"X-Caller": "inventory"}], ids=repr)
def test_no_header_changes_who_the_caller_is(guard: Mtls, gateway: ssl.SSLSocket, headers: dict[str, str]) -> None:
    assert guard.authenticate(request(headers, connection=gateway)).caller == "gateway"


def test_nobody_connects_without_a_certificate(guard: Mtls) -> None:
    with pytest.raises(NoHandshake, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"), connected(guard, None):
        pass


def test_a_revoked_caller_does_not_connect(guard: Mtls, ca: certs.CA, tmp_path: Path) -> None:
    shown = forge(ca, "gateway", into=tmp_path / "gateway")
    roots = support.crl(ca.vault.issuer("root.1", "shop.test"))
    (guard.settings.tls_dir / "crl.pem").write_bytes(support.crl(shown.issuer, shown.certificate) + roots)
    with pytest.raises(NoHandshake, match="certificate revoked"), connected(guard, shown.cert):
        pass


SPOOFS = [
    {"X-Forwarded-Client-Cert": f"By=spiffe://shop.test/orders;URI={GATEWAY}"},
    {"Client-Cert": ":MIIB:", "Client-Cert-Chain": ":MIIB:"},
    {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=gateway"},
    {"X-Forwarded-For": "127.0.0.1", "X-User": "alice"},
]


@pytest.mark.parametrize("headers", SPOOFS, ids=repr)
def test_a_connection_that_proved_nobody_is_forbidden_whatever_its_headers_say(
    guard: Mtls, headers: dict[str, str]
) -> None:
    with pytest.raises(Forbidden, match="proved nobody"):
        guard.authenticate(request(headers))


ODD: dict[str, dict[str, Any]] = {
    "no usage": {"no_usage": True},
    "no constraints": {"is_ca": None},
    "a CA": {"a_ca": True},
    "two services": {"uris": (GATEWAY, "spiffe://shop.test/orders")},
    "no URI": {"no_uri": True},
    "an e-mail address": {"uris": (), "dns": (), "emails": ("gateway@shop.test",)},
    "a wildcard": {"uris": ("spiffe://shop.test/*",)},
    "only a common name": {"common_name_only": True},
    "another trust domain": {"look_alike_longer_domain": True},
    "the trust domain itself": {"look_alike_no_path": True},
}


@pytest.mark.parametrize("wrong", ODD.values(), ids=ODD)
def test_a_genuine_certificate_that_may_not_name_anyone_is_forbidden(
    guard: Mtls, ca: certs.CA, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    shown = forge(ca, "gateway", into=tmp_path / "odd", **wrong).cert
    with connected(guard, shown) as connection, pytest.raises(Forbidden) as refused:
        guard.authenticate(request({"X-User": "alice"}, connection=connection))
    assert refused.value.status == 403
    assert "proved nobody" not in refused.value.reason


@pytest.mark.parametrize(("user", "headers"), [("alice", {"X-User": "alice"}), (None, {})])
def test_the_next_service_is_shown_our_certificate_and_told_the_user(
    guard: Mtls, user: str | None, headers: dict[str, str]
) -> None:
    found = Identity("gateway", user, frozenset(), "caller", "", caller_proven=True)
    assert guard.credentials_for("billing", found) == {
        "headers": headers,
        "cert": guard.settings.leaf,
        "verify": guard.settings.bundle,
    }
