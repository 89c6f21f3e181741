"""Forged certificates: each is wrong in the way that its case says, and noticed where its case says."""

from __future__ import annotations

import re
import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

import certs
from certs.flaws import CASES, Shape
from certs.forge import MARK, CannotForge, Forged, forge
from services import tls
from tests import support
from tests.loopback import NoHandshake, handshake


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    home = tmp_path_factory.mktemp("shop")
    authority = certs.CA.create(home / "ca")
    for name in ("orders", "billing"):
        authority.issue(name, home / name / "tls")
    return authority


def shop(ca: certs.CA) -> Path:
    return ca.directory.parent


def made(ca: certs.CA, case: str, into: Path) -> Forged:
    """The case; where this library cannot sign so, the test is over."""
    try:
        return forge(ca, "orders", into=into, **{case: True})
    except CannotForge as error:
        assert case == "sha1"
        pytest.skip(str(error))


def as_client(ca: certs.CA, forged: Forged) -> str:
    """The name under which billing would know who shows it; `NoHandshake`, `BadPeer` or `OSError` when it would not."""
    server = tls.server_context(shop(ca) / "billing/tls", "required")
    client = tls.client_context(shop(ca) / "orders/tls/bundle.pem", forged.cert)
    with handshake(server, client, "billing") as (ours, _):
        peer = tls.peer({"gunicorn.socket": ours})
        assert peer is not None
        return peer.name


def as_server(ca: certs.CA, forged: Forged) -> str:
    """The name under which a caller would know it."""
    server = tls.server_context(forged.directory, "none")
    client = tls.client_context(shop(ca) / "orders/tls/bundle.pem", None)
    with handshake(server, client, "orders") as (_, theirs):
        return tls.peer_of(theirs.getpeercert(binary_form=True) or b"").name


def test_without_a_flaw_it_is_believed_at_both_ends(ca: certs.CA, tmp_path: Path) -> None:
    forged = forge(ca, "orders", into=tmp_path / "x")
    assert as_client(ca, forged) == as_server(ca, forged) == "orders"


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_noticed_where_it_says(ca: certs.CA, tmp_path: Path, case: str) -> None:
    forged = made(ca, case, tmp_path / "x")
    noticed = CASES[case].noticed
    if noticed == "host":
        assert as_client(ca, forged) == "orders"
        with pytest.raises(NoHandshake, match=r"Hostname mismatch"):
            as_server(ca, forged)
    elif noticed == "peer":
        for show in (as_client, as_server):
            if case == "common_name_only" and show is as_server:
                continue  # it has no host name either
            try:
                assert show(ca, forged) != "orders"
            except tls.BadPeer:
                continue
    else:
        ends = {"client_only": (as_server,), "server_only": (as_client,)}.get(case, (as_client, as_server))
        for show in ends:
            with pytest.raises((NoHandshake, OSError)):
                show(ca, forged)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("expired", "certificate has expired"),
        ("not_yet_valid", "certificate is not yet valid"),
        ("other_ca", "unable to get local issuer certificate|certificate signature failure"),
        ("other_ca_sent_along", "self-signed certificate in certificate chain|certificate signature failure"),
        ("signed_with_another_key", "certificate signature failure"),
        ("self_signed", "self-signed certificate|self signed"),
        ("intermediate_missing", "unable to get local issuer certificate"),
        ("signed_by_a_service", "invalid CA certificate|issuer certificate"),
        ("sub_ca", "path length constraint exceeded"),
        ("unexpected_intermediate", "unable to get certificate CRL"),
        ("outside_the_bounds", "permitted subtree violation"),
        ("an_address", "excluded subtree violation"),
        ("server_only", "unsuitable certificate purpose|unsupported certificate purpose"),
        ("code_signing", "unsuitable certificate purpose|unsupported certificate purpose"),
    ],
)
def test_the_chain_is_refused_for_its_own_reason(ca: certs.CA, tmp_path: Path, case: str, words: str) -> None:
    with pytest.raises(NoHandshake) as refused:
        as_client(ca, made(ca, case, tmp_path / "x"))
    assert re.search(words, str(refused.value.server)), refused.value


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("expired_intermediate", "certificate has expired"),
        ("intermediate_for_nothing", "unable to get (local )?issuer certificate|invalid CA|keyusage does not include"),
        ("intermediate_that_is_none", "invalid CA certificate|issuer certificate"),
        ("name_constraint_violated", "permitted subtree violation"),
    ],
)
def test_an_intermediate_is_refused_for_its_own_reason_though_its_crl_is_there(
    ca: certs.CA, tmp_path: Path, case: str, words: str
) -> None:
    shutil.copytree(shop(ca) / "billing/tls", tmp_path / "billing")
    good = forge(ca, "orders", into=tmp_path / "good", signer="beside")
    bad = forge(ca, "orders", into=tmp_path / "bad", **{case: True})
    with (tmp_path / "billing/crl.pem").open("ab") as lists:
        lists.write(support.crl(good.issuer) + support.crl(bad.issuer))
    server = tls.server_context(tmp_path / "billing", "required")
    clients = [tls.client_context(shop(ca) / "orders/tls/bundle.pem", each.cert) for each in (good, bad)]
    with handshake(server, clients[0], "billing"):
        pass
    with pytest.raises(NoHandshake) as refused, handshake(server, clients[1], "billing"):
        pass
    assert re.search(words, str(refused.value.server)), refused.value


def test_a_weak_key_is_not_even_loaded(ca: certs.CA, tmp_path: Path) -> None:
    forged = made(ca, "weak_rsa", tmp_path / "x")
    with pytest.raises(ssl.SSLError, match=r"KEY_TOO_SMALL|too small"):
        tls.server_context(forged.directory, "none")


def test_two_flaws_and_a_shape_of_ones_own_can_be_combined(ca: certs.CA, tmp_path: Path) -> None:
    forged = forge(ca, "orders", into=tmp_path / "x", expired=True, no_host=True, uris=("spiffe://{domain}/a",))
    assert forged.certificate.not_valid_after_utc < datetime.now(UTC)
    assert b"spiffe://shop.test/a" in forged.certificate.public_bytes(serialization.Encoding.DER)
    long_lived = forge(ca, "orders", into=tmp_path / "x", ends=timedelta(days=9))
    assert long_lived.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=8)


def test_it_is_marked_and_private(ca: certs.CA, tmp_path: Path) -> None:
    forged = forge(ca, "orders", into=tmp_path / "x", expired=True)
    assert (forged.directory / MARK).read_text().startswith("Forged for a test: expired.")
    assert (forged.directory / "key.pem").stat().st_mode & 0o777 == 0o600
    assert forged.directory.stat().st_mode & 0o777 == 0o700


def test_the_ca_does_not_know_of_it(ca: certs.CA, tmp_path: Path) -> None:
    before = ca.index()
    forge(ca, "orders", into=tmp_path / "x")
    assert ca.index() == before


@pytest.mark.parametrize(
    "place", ["orders/tls", "orders/tls/deeper", "orders", ".", "ca", "ca/x", "billing/../orders/tls"]
)
def test_it_keeps_out_of_a_shop_that_lives(ca: certs.CA, place: str) -> None:
    before = (shop(ca) / "orders/tls/leaf.pem").read_bytes()
    with pytest.raises(CannotForge, match="forge elsewhere"):
        forge(ca, "orders", into=shop(ca) / place, expired=True)
    assert (shop(ca) / "orders/tls/leaf.pem").read_bytes() == before


def test_no_link_leads_it_there(ca: certs.CA, tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to(shop(ca) / "orders/tls")
    with pytest.raises(CannotForge, match="belongs to the CA, or to a process"):
        forge(ca, "orders", into=tmp_path / "x")


def test_it_replaces_what_was_forged_and_nothing_else(ca: certs.CA, tmp_path: Path) -> None:
    forge(ca, "orders", into=tmp_path / "x", expired=True)
    forge(ca, "orders", into=tmp_path / "x")
    elsewhere = certs.CA.create(tmp_path / "ca")
    elsewhere.issue("orders", tmp_path / "y")
    with pytest.raises(CannotForge, match="was not forged"):
        forge(ca, "orders", into=tmp_path / "y")


@pytest.mark.parametrize("wrong", [{"nonsense": True}, {"expired": False}, {"expired": "yes"}])
def test_what_is_not_in_the_table_is_refused(ca: certs.CA, tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(CannotForge, match="neither a case"):
        forge(ca, "orders", into=tmp_path / "x", **wrong)


def test_no_case_is_called_like_a_member_and_each_says_why() -> None:
    assert not CASES.keys() & set(Shape.__dataclass_fields__)
    assert all(case.why and case.changes for case in CASES.values())
    assert len({str(case.changes) for case in CASES.values()}) == len(CASES), "no two are the same"
