"""TLS between the services: who gets in, who is believed, and what happens when the files change."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

import certs
from certs import profiles
from certs.flaws import HOUR, LOOK_ALIKES, SERVER
from certs.forge import Forged, forge
from services import tls
from services.calling import Callee, Unproven
from services.identity import Credentials
from tests.loopback import Door, NoHandshake, handshake, http, says
from tests.support import crl, leaf_of, thumbprint

ORDERS = "spiffe://shop.test/orders"
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SECOND = timedelta(seconds=1)
Forge = Callable[..., Forged]


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    """The shop's CA, which nothing here may change."""
    return certs.CA.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def forged(ca: certs.CA, tmp_path: Path) -> Forge:
    """A certificate of `orders` that is wrong in the ways named."""
    return lambda **wrong: forge(ca, "orders", into=tmp_path / "forged", **wrong)


@pytest.fixture
def home(ca: certs.CA, tmp_path: Path) -> Path:
    """The TLS directory of `orders`."""
    return issued(ca, tmp_path, "orders")


def issued(ca: certs.CA, tmp_path: Path, name: str, *dns: str) -> Path:
    into = tmp_path / name / "tls"
    ca.issue(name, into, dns)
    return into


def pair(directory: Path) -> tuple[str, str]:
    return str(directory / "leaf.pem"), str(directory / "key.pem")


def knocking(home: Path, shown: tuple[str, str] | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client that trusts our CA and would show anything, however weak."""
    context = ssl.create_default_context(cafile=str(home / "bundle.pem"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if version:
        context.minimum_version = context.maximum_version = version
    if shown:
        context.load_cert_chain(*shown)
    return context


def changed(path: Path, content: bytes) -> None:
    """Put a file in place as the CA does, with a modification time that surely differs."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    fresh = path.with_name(".fresh")
    fresh.write_bytes(content)
    os.utime(fresh, ns=(before + 10**9, before + 10**9))
    os.replace(fresh, path)


class TestWhoGetsIn:
    def test_a_service_with_a_leaf_of_our_ca_does(self, ca: certs.CA, home: Path, tmp_path: Path) -> None:
        caller = issued(ca, tmp_path, "gateway")
        server, client = tls.server_context(home, "required"), tls.client_context(home / "bundle.pem", pair(caller))
        with handshake(server, client) as (ours, theirs):
            peer = tls.peer({"gunicorn.socket": ours})
            assert ours.version() == theirs.version() == "TLSv1.3"
        assert peer == tls.Peer("gateway", "spiffe://shop.test/gateway", thumbprint(leaf_of(caller)))

    def test_nobody_without_a_certificate_does_where_one_is_required(self, home: Path) -> None:
        with pytest.raises(NoHandshake, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            shake(tls.server_context(home, "required"), knocking(home, None))

    @pytest.mark.parametrize("client", ["none", "optional"])
    def test_anybody_does_where_none_is_required_but_is_nobody(self, home: Path, client: str) -> None:
        context = tls.server_context(home, client)  # type: ignore[arg-type]  # one of the three
        with handshake(context, knocking(home, None)) as (ours, _):
            assert tls.peer({"gunicorn.socket": ours}) is None

    def test_a_certificate_that_was_not_asked_for_names_nobody(self, home: Path) -> None:
        with handshake(tls.server_context(home, "none"), knocking(home, pair(home))) as (ours, _):
            assert tls.peer({"gunicorn.socket": ours}) is None

    @pytest.mark.parametrize("client", ["optional", "required"])
    def test_a_bad_certificate_keeps_its_holder_out_even_where_none_is_required(
        self, forged: Forge, home: Path, client: str
    ) -> None:
        shown = forged(other_ca=True).cert
        with pytest.raises(NoHandshake, match="CERTIFICATE_VERIFY_FAILED"):
            shake(tls.server_context(home, client), knocking(home, shown))  # type: ignore[arg-type]  # one of the three

    @pytest.mark.parametrize(
        ("begins", "ends", "reason"),
        [(-2 * HOUR, -HOUR, "expired"), (-2 * HOUR, -SECOND, "expired"), (HOUR, 2 * HOUR, "not yet valid")],
        ids=["expired", "just expired", "not yet valid"],
    )
    def test_a_leaf_out_of_its_dates_does_not_get_in(
        self, forged: Forge, home: Path, begins: timedelta, ends: timedelta, reason: str
    ) -> None:
        shown = forged(begins=begins, ends=ends).cert
        with pytest.raises(NoHandshake, match=reason):
            shake(tls.server_context(home, "required"), knocking(home, shown))

    def test_a_self_signed_leaf_does_not_get_in(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match="CERTIFICATE_VERIFY_FAILED"):
            shake(tls.server_context(home, "required"), knocking(home, forged(self_signed=True).cert))

    def test_another_ca_of_the_same_name_sent_along_does_not_help(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match="CERTIFICATE_VERIFY_FAILED"):
            shake(tls.server_context(home, "required"), knocking(home, forged(other_ca_sent_along=True).cert))

    def test_another_cas_leaf_that_points_at_our_cas_key_does_not_get_in(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match="certificate signature failure"):
            shake(tls.server_context(home, "required"), knocking(home, forged(signed_with_another_key=True).cert))

    def test_a_leaf_cannot_vouch_for_another(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match="CERTIFICATE_VERIFY_FAILED"):
            shake(tls.server_context(home, "required"), knocking(home, forged(signed_by_a_service=True).cert))

    def test_a_ca_below_ours_cannot_vouch_for_anybody(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match=r"path length constraint exceeded|unable to get certificate CRL"):
            shake(tls.server_context(home, "required"), knocking(home, forged(sub_ca=True).cert))

    @pytest.mark.parametrize("case", ["server_only", "code_signing"])
    def test_a_leaf_for_something_else_does_not_get_in(self, forged: Forge, home: Path, case: str) -> None:
        with pytest.raises(NoHandshake, match=r"unsuitable certificate purpose|unsupported certificate purpose"):
            shake(tls.server_context(home, "required"), knocking(home, forged(**{case: True}).cert))

    def test_a_weak_key_does_not_get_in(self, forged: Forge, home: Path) -> None:
        with pytest.raises(NoHandshake, match=r"key too weak|key too small"):
            shake(tls.server_context(home, "required"), knocking(home, forged(weak_rsa=True).cert))

    @pytest.mark.parametrize("client", ["none", "required"])
    def test_tls_1_2_is_refused(self, home: Path, client: str) -> None:
        old = knocking(home, pair(home), ssl.TLSVersion.TLSv1_2)
        with pytest.raises(NoHandshake, match="UNSUPPORTED_PROTOCOL"):
            shake(tls.server_context(home, client), old)  # type: ignore[arg-type]  # one of the three

    @pytest.mark.parametrize("client", ["none", "required"])
    def test_nobody_is_given_a_ticket_to_resume_with(self, home: Path, client: str) -> None:
        context = tls.server_context(home, client)  # type: ignore[arg-type]  # one of the three
        with handshake(context, knocking(home, pair(home))) as (_, theirs):
            assert theirs.session is None or not theirs.session.has_ticket

    def test_plain_http_gets_no_answer(self, home: Path) -> None:
        with (
            Door(says(http("200 OK")), tls.server_context(home, "none")) as door,
            socket.create_connection(("127.0.0.1", door.port), timeout=5) as plain,
        ):
            plain.sendall(b"GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert not plain.recv(100).startswith(b"HTTP")
        assert door.requests == []


def names(**bounds: str) -> x509.NameConstraints:
    """What a CA may vouch for: `uri`, `dns`; and what not: `not_uri`."""
    kinds = {"uri": x509.UniformResourceIdentifier, "dns": x509.DNSName}
    permitted = [kinds[kind](name) for kind, name in bounds.items() if kind in kinds]
    excluded = [x509.UniformResourceIdentifier(name) for kind, name in bounds.items() if kind == "not_uri"]
    return x509.NameConstraints(permitted or None, excluded or None)


class TestNamesOutOfBounds:
    """A CA beside ours, whose list our root's reader has, so that only its bounds decide."""

    @pytest.fixture
    def gets_in(self, ca: certs.CA, home: Path, tmp_path: Path) -> Callable[[x509.NameConstraints], None]:
        def shown(bounds: x509.NameConstraints) -> None:
            caller = forge(ca, "orders", into=tmp_path / "caller", signer="beside", between={"bounds": bounds})
            changed(home / "crl.pem", (ca.directory / "crl.pem").read_bytes() + crl(caller.issuer))
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            client.load_cert_chain(*caller.cert)
            shake(tls.server_context(home, "required"), client)

        return shown

    @pytest.mark.parametrize(
        "bounds", [{"uri": "shop.test"}, {"uri": "shop.test", "dns": "orders"}, {"not_uri": "x.y"}]
    )
    def test_a_name_within_them_gets_in(
        self, gets_in: Callable[[x509.NameConstraints], None], bounds: dict[str, str]
    ) -> None:
        gets_in(names(**bounds))

    @pytest.mark.parametrize(
        ("bounds", "reason"),
        [
            ({"uri": "elsewhere.test"}, "permitted subtree violation"),
            ({"uri": "shop.test", "dns": "elsewhere.test"}, "permitted subtree violation"),
            ({"not_uri": "shop.test"}, "excluded subtree violation"),
        ],
    )
    def test_a_name_beyond_them_does_not(
        self, gets_in: Callable[[x509.NameConstraints], None], bounds: dict[str, str], reason: str
    ) -> None:
        with pytest.raises(NoHandshake, match=reason):
            gets_in(names(**bounds))


class TestWhoHangsUp:
    """Whoever hangs up does it to themselves."""

    def hung_up_on(self, connection: ssl.SSLSocket, by: ssl.SSLSocket) -> None:
        """Have `by` hang up, so that what is written on the connection fails."""
        by.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        by.close()
        with pytest.raises(OSError, match=r"reset|pipe|EOF"):
            connection.sendall(b"x" * 100_000_000)

    def test_nobody_else_is_told_of_it(self, home: Path) -> None:
        server, client = tls.server_context(home, "none"), tls.client_context(home / "bundle.pem", None)
        with handshake(server, client) as (ours, theirs), handshake(server, client) as (others, answering):
            self.hung_up_on(ours, theirs)
            with ThreadPoolExecutor(1) as elsewhere:  # what is read at once would not show it
                others.settimeout(5)
                elsewhere.submit(self.answer_in_a_moment, answering)
                assert others.recv(10) == b"answer"

    def answer_in_a_moment(self, connection: ssl.SSLSocket) -> None:
        time.sleep(0.05)
        connection.sendall(b"answer")

    @pytest.mark.parametrize("end", [0, 1])
    def test_the_error_of_a_write_is_forgotten(self, home: Path, monkeypatch: pytest.MonkeyPatch, end: int) -> None:
        forgotten: list[bool] = []
        monkeypatch.setattr(tls, "forget_errors", lambda: forgotten.append(True))
        server, client = tls.server_context(home, "none"), tls.client_context(home / "bundle.pem", None)
        with handshake(server, client) as ends:
            self.hung_up_on(ends[end], ends[1 - end])
        assert forgotten == [True]

    def test_what_is_forgotten_is_not_read_as_somebody_elses(self, home: Path) -> None:
        server, client = tls.server_context(home, "none"), tls.client_context(home / "bundle.pem", None)
        with handshake(server, client) as (ours, _):
            ours.settimeout(0.05)
            with pytest.raises(ValueError, match="unknown object"):
                ssl._ASN1Object("no such thing")  # leaves an error behind, on any Python
            tls.forget_errors()
            with pytest.raises(TimeoutError):
                ours.recv(1)


class TestTheListOfThoseTakenBack:
    def test_a_revoked_leaf_does_not_get_in(self, forged: Forge, home: Path) -> None:
        shown = forged()
        changed(home / "crl.pem", crl(shown.issuer, shown.certificate))
        with pytest.raises(NoHandshake, match="certificate revoked"):
            shake(tls.server_context(home, "required"), knocking(home, shown.cert))

    def test_nobody_of_a_revoked_intermediate_gets_in(self, ca: certs.CA, forged: Forge, home: Path) -> None:
        shown = forged()
        root = ca.vault.issuer("root.1", "shop.test")
        changed(home / "crl.pem", crl(shown.issuer) + crl(root))
        shake(tls.server_context(home, "required"), knocking(home, shown.cert))
        changed(home / "crl.pem", crl(shown.issuer) + crl(root, ca.intermediate))
        with pytest.raises(NoHandshake, match="certificate revoked"):
            shake(tls.server_context(home, "required"), knocking(home, shown.cert))

    def test_an_intermediate_that_our_ca_does_not_know_of_does_not_get_anybody_in(
        self, forged: Forge, home: Path
    ) -> None:
        shown = forged(unexpected_intermediate=True)
        with pytest.raises(NoHandshake, match="unable to get certificate CRL"):
            shake(tls.server_context(home, "required"), knocking(home, shown.cert))

    def test_an_outdated_list_of_the_roots_keeps_everybody_out(self, ca: certs.CA, forged: Forge, home: Path) -> None:
        lists = [crl(forged().issuer), crl(ca.vault.issuer("root.1", "shop.test"), signed=-2 * HOUR, lives=HOUR)]
        changed(home / "crl.pem", b"".join(lists))
        with pytest.raises(NoHandshake, match="CRL has expired"):
            shake(tls.server_context(home, "required"), knocking(home, pair(home)))

    def test_an_outdated_list_keeps_everybody_out(self, forged: Forge, home: Path) -> None:
        changed(home / "crl.pem", crl(forged().issuer, signed=-2 * HOUR, lives=2 * HOUR - SECOND))
        with pytest.raises(NoHandshake, match="CRL has expired"):
            shake(tls.server_context(home, "required"), knocking(home, pair(home)))

    def test_another_cas_list_keeps_everybody_out(self, forged: Forge, home: Path) -> None:
        changed(home / "crl.pem", crl(forged(other_ca=True).issuer))
        with pytest.raises(NoHandshake, match="CERTIFICATE_VERIFY_FAILED"):
            shake(tls.server_context(home, "required"), knocking(home, pair(home)))

    @pytest.mark.parametrize("client", ["optional", "required"])
    def test_without_a_list_nothing_is_served_that_asks_for_certificates(self, home: Path, client: str) -> None:
        (home / "crl.pem").unlink()
        with pytest.raises(FileNotFoundError):
            tls.server_context(home, client)  # type: ignore[arg-type]  # one of the three

    def test_without_a_list_no_server_is_believed(self, home: Path) -> None:
        (home / "crl.pem").unlink()
        with pytest.raises(FileNotFoundError):
            tls.client_context(home / "bundle.pem", None)

    @pytest.mark.parametrize("content", [b"", b"no PEM"])
    def test_a_list_that_is_none_is_as_good_as_missing(self, home: Path, content: bytes) -> None:
        changed(home / "crl.pem", content)
        with pytest.raises(OSError, match=r"NO_CERTIFICATE_OR_CRL_FOUND|PEM|X509"):
            tls.server_context(home, "required")

    def test_somebody_revoked_meanwhile_is_refused_at_the_next_connection(self, forged: Forge, home: Path) -> None:
        shown = forged()
        client = knocking(home, shown.cert)
        shake(tls.server_context(home, "required"), client)
        changed(home / "crl.pem", crl(shown.issuer, shown.certificate))
        with pytest.raises(NoHandshake, match="certificate revoked"):
            shake(tls.server_context(home, "required"), client)


class TestFilesThatChange:
    def test_the_same_files_make_one_context(self, home: Path) -> None:
        assert tls.server_context(home, "required") is tls.server_context(home, "required")
        assert tls.client_context(home / "bundle.pem", None) is tls.client_context(home / "bundle.pem", None)

    def test_what_is_asked_of_the_client_is_part_of_the_context(self, home: Path) -> None:
        modes = [tls.server_context(home, client).verify_mode for client in ("none", "optional", "required")]
        assert modes == [ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED]

    @pytest.mark.parametrize("name", ["bundle.pem", "crl.pem", "leaf.pem", "key.pem"])
    def test_a_file_that_changes_makes_a_new_one(self, home: Path, name: str) -> None:
        server, client = tls.server_context(home, "required"), tls.client_context(home / "bundle.pem", pair(home))
        changed(home / name, (home / name).read_bytes())
        assert tls.server_context(home, "required") is not server
        assert tls.client_context(home / "bundle.pem", pair(home)) is not client

    def test_a_renewed_leaf_is_shown_at_the_next_connection(self, ca: certs.CA, home: Path) -> None:
        def shown() -> bytes | None:
            with handshake(tls.server_context(home, "none"), knocking(home, None)) as (_, theirs):
                return theirs.getpeercert(binary_form=True)

        before = shown()
        ca.issue("orders", home)
        assert shown() not in {before, None}

    @pytest.mark.parametrize("name", ["leaf.pem", "key.pem", "bundle.pem", "crl.pem"])
    def test_while_a_file_is_missing_the_last_good_context_serves(self, home: Path, name: str) -> None:
        server, client = tls.server_context(home, "required"), tls.client_context(home / "bundle.pem", pair(home))
        (home / name).unlink()
        assert tls.server_context(home, "required") is server
        assert tls.client_context(home / "bundle.pem", pair(home)) is client

    def test_while_leaf_and_key_do_not_match_the_last_good_context_serves(self, home: Path) -> None:
        before = tls.server_context(home, "required")
        changed(home / "key.pem", profiles.key_pem(profiles.new_key()))
        assert tls.server_context(home, "required") is before

    def test_once_they_match_again_the_new_one_serves(self, ca: certs.CA, home: Path) -> None:
        before = tls.server_context(home, "required")
        changed(home / "key.pem", b"half a key")
        assert tls.server_context(home, "required") is before
        ca.issue("orders", home)
        assert tls.server_context(home, "required") is not before

    def test_what_cannot_be_read_at_this_moment_is_read_at_the_next(self, home: Path) -> None:
        before = tls.server_context(home, "required")
        changed(home / "crl.pem", (home / "crl.pem").read_bytes())
        out_of_handles = OSError(errno.EMFILE, "no handle is free")
        with mock.patch.object(ssl.SSLContext, "load_verify_locations", side_effect=out_of_handles):
            assert tls.server_context(home, "required") is before
        assert tls.server_context(home, "required") is not before

    def test_where_nothing_good_has_ever_been_there_is_no_context(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            tls.server_context(tmp_path, "none")


class TestTheNameInACertificate:
    def test_a_good_leaf_names_its_service(self, forged: Forge) -> None:
        shown = forged(dns=("orders", "localhost"))
        assert tls.peer_of(shown.der) == tls.Peer("orders", ORDERS, thumbprint(shown.der))

    @pytest.mark.parametrize("name", LOOK_ALIKES)
    def test_a_look_alike_names_nobody(self, forged: Forge, name: str) -> None:
        with pytest.raises(tls.BadPeer, match="no SPIFFE ID of this trust domain"):
            tls.peer_of(forged(**{f"look_alike_{name}": True}).der)

    @pytest.mark.parametrize(
        "uris",
        [(ORDERS, "spiffe://shop.test/gateway"), (ORDERS, ORDERS), (ORDERS, "https://shop.test/"), ()],
        ids=["two services", "twice the same", "another URI", "none"],
    )
    def test_only_exactly_one_uri_names_anybody(self, forged: Forge, uris: tuple[str, ...]) -> None:
        with pytest.raises(tls.BadPeer, match=f"{len(uris)} URI names"):
            tls.peer_of(forged(uris=uris, emails=("orders@shop.test",)).der)

    @pytest.mark.parametrize("subject", ["orders", "spiffe://shop.test/orders", ""])
    def test_a_common_name_names_nobody(self, forged: Forge, subject: str) -> None:
        with pytest.raises(tls.BadPeer, match="lacks an extension"):
            tls.peer_of(forged(common_name_only=True, subject=subject).der)

    @pytest.mark.parametrize("usage", [SERVER, ExtendedKeyUsageOID.CODE_SIGNING, ANY], ids=["server", "code", "any"])
    def test_a_certificate_that_is_not_for_clients_names_nobody(
        self, forged: Forge, usage: x509.ObjectIdentifier
    ) -> None:
        with pytest.raises(tls.BadPeer, match="no clientAuth"):
            tls.peer_of(forged(usages=(usage,)).der)

    @pytest.mark.parametrize("missing", [{"usages": None}, {"is_ca": None}], ids=["usage", "constraints"])
    def test_a_certificate_that_does_not_say_what_it_is_for_names_nobody(
        self, forged: Forge, missing: dict[str, None]
    ) -> None:
        with pytest.raises(tls.BadPeer, match="lacks an extension"):
            tls.peer_of(forged(**missing).der)

    def test_a_ca_is_not_a_service(self, forged: Forge) -> None:
        with pytest.raises(tls.BadPeer, match="CA certificate"):
            tls.peer_of(forged(a_ca=True).der)

    @pytest.mark.parametrize(
        "san",
        [
            bytes.fromhex("3000"),
            bytes.fromhex("3006a304") + b"\x30\x02\x30\x00",
            bytes.fromhex("300ba509a1070c056f7264657273"),
            b"\x30\x05\x86\x03\xff\xfe\xfd",
            b"\xff\xff",
        ],
        ids=["empty", "X.400 address", "EDI party", "URI that is no ASCII", "no DER"],
    )
    def test_names_that_cannot_be_read_name_nobody(self, forged: Forge, san: bytes) -> None:
        with pytest.raises(tls.BadPeer):
            tls.peer_of(forged(san=san).der)

    def test_what_is_no_certificate_names_nobody(self) -> None:
        with pytest.raises(tls.BadPeer):
            tls.peer_of(b"\x30\x03\x02\x01\x01")

    def test_openssl_lets_in_what_only_we_refuse(self, forged: Forge, home: Path) -> None:
        """So the checks above are not idle: X509-SVID §4 and §5.2 ask for more than the handshake does."""
        for case in ("no_usage", "a_ca"):
            client = knocking(home, forged(**{case: True}).cert)
            with handshake(tls.server_context(home, "required"), client) as (ours, _), pytest.raises(tls.BadPeer):
                tls.peer({"gunicorn.socket": ours})

    def test_who_is_at_the_other_end_is_found_out_once_for_each_connection(
        self, ca: certs.CA, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, genuine = [], tls.peer_of
        monkeypatch.setattr(tls, "peer_of", lambda der: read.append("once") or genuine(der))  # type: ignore[func-returns-value]
        with contextlib.ExitStack() as open_at_once:
            for name in ("gateway", "billing"):
                client = tls.client_context(home / "bundle.pem", pair(issued(ca, tmp_path, name)))
                ours, _ = open_at_once.enter_context(handshake(tls.server_context(home, "required"), client))
                found = [tls.peer({"gunicorn.socket": ours}) for _ in range(3)]
                assert [peer and peer.name for peer in found] == [name] * 3
        assert len(read) == 2

    @pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_CLIENT_CERT", "HTTP_CLIENT_CERT", "SSL_CLIENT_CERT"])
    def test_a_header_names_nobody(self, header: str) -> None:
        assert tls.peer({header: f"URI={ORDERS}"}) is None

    def test_a_plain_connection_names_nobody(self) -> None:
        with socket.socket() as plain:
            assert tls.peer({"gunicorn.socket": plain}) is None


class TestWhomWeCall:
    """What a session demands of a server before it sends it anything."""

    @pytest.fixture
    def called(self, home: Path) -> Iterator[Door]:
        """A server that holds the leaf of `orders`."""
        with Door(says(http("200 OK", b'{"a": 1}')), tls.server_context(home, "optional")) as door:
            yield door

    @staticmethod
    def call(callee: Callee, presented: Credentials) -> tuple[int, bytes]:
        return callee.ask("GET", "/", presented, headers={}, deadline=time.monotonic() + 5, most=1000)

    def call_once(self, door: Door, home: Path, name: str = "orders") -> tuple[int, bytes]:
        with contextlib.closing(Callee(door.url, name)) as callee:
            return self.call(callee, {"verify": str(home / "bundle.pem")})

    @staticmethod
    def impostor(shown: Forged) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*shown.cert)
        return context

    def test_a_server_that_proves_its_name_is_called_at_any_address(self, called: Door, home: Path) -> None:
        assert self.call_once(called, home) == (200, b'{"a": 1}')

    def test_a_server_whose_spiffe_id_is_right_and_whose_dns_name_is_not_is_sent_nothing(
        self, forged: Forge, home: Path
    ) -> None:
        with Door(says(http("200 OK")), self.impostor(forged(dns=("billing",)))) as door:
            with pytest.raises(Unproven, match="Hostname mismatch"):
                self.call_once(door, home)
            assert door.requests == []

    @pytest.mark.parametrize("name", ["billing", "order", "orders.evil"])
    def test_a_server_that_proves_another_name_is_sent_nothing(self, called: Door, home: Path, name: str) -> None:
        with pytest.raises(Unproven):
            self.call_once(called, home, name)
        assert called.requests == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"uris": ("spiffe://shop.test/inventory",)},
            {"no_uri": True},
            {"two_names": True},
            {"a_ca": True},
            {"no_usage": True},
        ],
        ids=["another service's", "no SPIFFE ID", "two SPIFFE IDs", "a CA's", "for nothing in particular"],
    )
    def test_a_server_whose_dns_name_is_right_and_whose_spiffe_id_is_not_is_sent_nothing(
        self, forged: Forge, home: Path, wrong: dict[str, Any]
    ) -> None:
        with Door(says(http("200 OK")), self.impostor(forged(**wrong))) as door:
            with pytest.raises(Unproven):
                self.call_once(door, home)
            assert door.requests == []

    def test_a_server_with_our_names_from_another_ca_is_sent_nothing(self, forged: Forge, home: Path) -> None:
        with Door(says(http("200 OK")), self.impostor(forged(other_ca=True))) as door:
            with pytest.raises(Unproven, match="CERTIFICATE_VERIFY_FAILED"):
                self.call_once(door, home)
            assert door.requests == []

    def test_a_revoked_server_is_sent_nothing(self, forged: Forge, home: Path) -> None:
        shown = forged()
        changed(home / "crl.pem", crl(shown.issuer, shown.certificate))
        with Door(says(http("200 OK")), self.impostor(shown)) as door:
            with pytest.raises(Unproven, match="revoked"):
                self.call_once(door, home)
            assert door.requests == []

    def test_a_server_without_tls_1_3_is_sent_nothing(self, forged: Forge, home: Path) -> None:
        context = self.impostor(forged())
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with Door(says(http("200 OK")), context) as door:
            with pytest.raises(Unproven):
                self.call_once(door, home)
            assert door.requests == []

    def test_no_server_is_called_without_a_bundle_to_judge_it_by(self, called: Door, home: Path) -> None:
        with pytest.raises(Unproven, match="no trust bundle"):
            self.call(Callee(called.url, "orders"), {})
        assert called.connections == 0

    def test_a_context_reads_strictly(self, home: Path) -> None:
        """Python sets the flag by itself from 3.13 on; RFC 5280 does not depend on that."""
        wanted = ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_CHAIN
        assert tls.client_context(home / "bundle.pem", None).verify_flags & wanted == wanted
        assert tls.server_context(home, "required").verify_flags & wanted == wanted

    def test_our_certificate_is_shown_when_there_is_one(self, home: Path) -> None:
        with handshake(tls.server_context(home, "optional"), tls.client_context(home / "bundle.pem", pair(home))) as (
            ours,
            _,
        ):
            found = tls.peer({"gunicorn.socket": ours})
        assert found is not None
        assert found.name == "orders"

    def test_one_connection_serves_many_calls_and_a_renewed_leaf_opens_another(
        self, ca: certs.CA, called: Door, home: Path
    ) -> None:
        presented: Credentials = {"verify": str(home / "bundle.pem"), "cert": pair(home)}
        with contextlib.closing(Callee(called.url, "orders")) as callee:
            for _ in range(3):
                self.call(callee, presented)
            assert called.connections == 1
            ca.issue("orders", home)
            self.call(callee, presented)
        assert called.connections == 2

    def test_a_context_goes_on_showing_the_certificate_that_it_holds(self, ca: certs.CA, home: Path) -> None:
        """What was bound to that certificate by then is of no use with the next (RFC 8705 §3)."""
        shown: list[bytes | None] = []

        def answer(_: bytes, connection: socket.socket) -> bool:
            assert isinstance(connection, ssl.SSLSocket)
            shown.append(connection.getpeercert(binary_form=True))
            connection.sendall(http("200 OK"))
            return True

        with (
            Door(answer, tls.server_context(home, "required")) as door,
            contextlib.closing(Callee(door.url, "orders")) as callee,
        ):
            before = tls.client_context(home / "bundle.pem", pair(home))
            ca.issue("orders", home)
            for cert in (before, pair(home), before):
                self.call(callee, {"cert": cert, "verify": str(home / "bundle.pem")})
        assert shown[0] == shown[2] != shown[1]

    def test_calls_go_on_while_the_bundle_is_being_replaced(self, called: Door, home: Path) -> None:
        """The context carries it; nothing reads the file again for each call."""
        bundle = home / "bundle.pem"
        with contextlib.closing(Callee(called.url, "orders")) as callee:
            self.call(callee, {"verify": str(bundle)})
            bundle.unlink()
            assert self.call(callee, {"verify": str(bundle)})[0] == 200

    def test_the_environment_gets_no_say(
        self, called: Door, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password stolen\n")
        elsewhere = tmp_path / "elsewhere.pem"
        shutil.copy(home / "bundle.pem", elsewhere)
        for name, value in {
            "NETRC": str(tmp_path / "netrc"),
            "REQUESTS_CA_BUNDLE": str(tmp_path / "missing.pem"),
            "CURL_CA_BUNDLE": str(tmp_path / "missing.pem"),
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9",
        }.items():
            monkeypatch.setenv(name, value)
        assert self.call_once(called, home)[0] == 200
        assert b"authorization" not in called.requests[0].lower()


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """One handshake, and nothing else."""
    with handshake(server, client):
        pass
