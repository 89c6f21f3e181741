"""What the CA signs, as others read it: cryptography, OpenSSL's command, and TLS 1.3 handshakes."""

import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from certs import CA, Lifetimes, profiles

MINUTE = timedelta(minutes=1)
Signed = x509.Certificate | x509.CertificateRevocationList
STRICT = ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF | ssl.VerifyFlags.VERIFY_X509_STRICT


@dataclass(frozen=True)
class Pki:
    """A CA and the directories of two of its leaves."""

    ca: CA
    orders: Path
    billing: Path


def make_pki(base: Path, age: timedelta = timedelta(0)) -> Pki:
    """Make a CA with two leaves; with an age, it did all that so long ago and nothing since."""
    ca = CA.create(base / "ca", clock=lambda: datetime.now(UTC) - age)
    for name in ("orders", "billing"):
        ca.issue(name, base / name)
    return Pki(ca, base / "orders", base / "billing")


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return make_pki(tmp_path / "ours")


def leaf_in(home: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((home / "leaf.pem").read_bytes())


def extensions(signed: Signed) -> dict[type[x509.ExtensionType], tuple[bool, x509.ExtensionType]]:
    """Every extension: what it is, whether it is critical, what it says."""
    return {type(extension.value): (extension.critical, extension.value) for extension in signed.extensions}


def key_usage(*allowed: str) -> x509.KeyUsage:
    """These uses, and none of the others that RFC 5280 §4.2.1.3 knows."""
    signing = ("digital_signature", "content_commitment", "key_cert_sign", "crl_sign")
    encrypting = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{use: use in allowed for use in signing + encrypting})


class TestReadBack:
    """Every field and every extension, none missing and none more."""

    def test_the_root(self, pki: Pki) -> None:
        root = pki.ca.root
        ski = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
        assert extensions(root) == {
            x509.BasicConstraints: (True, x509.BasicConstraints(ca=True, path_length=0)),
            x509.KeyUsage: (True, key_usage("key_cert_sign", "crl_sign")),
            x509.SubjectAlternativeName: (
                False,
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://shop.test")]),
            ),
            x509.SubjectKeyIdentifier: (False, ski),
        }
        assert root.subject.rfc4514_string() == root.issuer.rfc4514_string() == "CN=Five Locks"
        assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=7) + MINUTE
        assert isinstance(root.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        root.verify_directly_issued_by(root)

    def test_a_leaf(self, pki: Pki) -> None:
        leaf, root = leaf_in(pki.orders), pki.ca.root
        root_ski = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        ski = x509.SubjectKeyIdentifier.from_public_key(leaf.public_key())
        assert extensions(leaf) == {
            x509.BasicConstraints: (True, x509.BasicConstraints(ca=False, path_length=None)),
            x509.KeyUsage: (True, key_usage("digital_signature")),
            x509.ExtendedKeyUsage: (
                False,
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            ),
            x509.SubjectAlternativeName: (
                False,
                x509.SubjectAlternativeName(
                    [x509.UniformResourceIdentifier("spiffe://shop.test/orders"), x509.DNSName("orders")]
                ),
            ),
            x509.SubjectKeyIdentifier: (False, ski),
            x509.AuthorityKeyIdentifier: (
                False,
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_ski),
            ),
        }
        assert leaf.subject.rfc4514_string() == "CN=orders"
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=1) + MINUTE
        assert isinstance(leaf.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        leaf.verify_directly_issued_by(root)

    def test_the_crl(self, pki: Pki) -> None:
        pki.ca.revoke("orders")
        crl = x509.load_pem_x509_crl((pki.ca.directory / "crl.pem").read_bytes())
        root_ski = pki.ca.root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        assert extensions(crl) == {
            x509.CRLNumber: (False, x509.CRLNumber(2)),
            x509.AuthorityKeyIdentifier: (
                False,
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_ski),
            ),
        }
        assert crl.next_update_utc
        assert crl.next_update_utc - crl.last_update_utc == timedelta(hours=1) + MINUTE
        assert [entry.serial_number for entry in crl] == [leaf_in(pki.orders).serial_number]
        assert crl.is_signature_valid(pki.ca.root.public_key())  # type: ignore[arg-type]

    def test_the_trust_domain_and_dns_names_are_those_asked_for(self, tmp_path: Path) -> None:
        ca = CA.create(tmp_path / "ca", "other.test", "Another")
        ca.issue("idp", tmp_path / "idp", ("idp", "idp.localhost", "localhost"))
        san = leaf_in(tmp_path / "idp").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert san.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://other.test/idp"]
        assert san.get_values_for_type(x509.DNSName) == ["idp", "idp.localhost", "localhost"]
        assert ca.root.subject.rfc4514_string() == "CN=Another"

    def test_serial_numbers_are_positive_random_and_short_enough(self, pki: Pki) -> None:
        serials = [
            certificate.serial_number
            for certificate in (pki.ca.root, *map(leaf_in, [pki.orders, pki.billing]))
        ]
        assert len(set(serials)) == 3
        assert all(0 < serial < 2**159 for serial in serials)
        assert max(serial.bit_length() for serial in serials) > 128


class TestCryptographyVerifies:
    """The Web PKI's rules as pyca/cryptography holds them."""

    @staticmethod
    def policy(pki: Pki) -> PolicyBuilder:
        return PolicyBuilder().store(Store([pki.ca.root]))

    def test_a_leaf_as_a_server_under_its_own_name_only(self, pki: Pki) -> None:
        leaf = leaf_in(pki.orders)
        self.policy(pki).build_server_verifier(x509.DNSName("orders")).verify(leaf, [])
        with pytest.raises(VerificationError):
            self.policy(pki).build_server_verifier(x509.DNSName("billing")).verify(leaf, [])

    def test_a_leaf_as_a_client(self, pki: Pki) -> None:
        verified = self.policy(pki).build_client_verifier().verify(leaf_in(pki.orders), [])
        assert verified.subjects == [
            x509.UniformResourceIdentifier("spiffe://shop.test/orders"),
            x509.DNSName("orders"),
        ]

    def test_nothing_after_its_time(self, pki: Pki) -> None:
        tomorrow = self.policy(pki).time(datetime.now(UTC) + timedelta(days=1, seconds=1))
        with pytest.raises(VerificationError):
            tomorrow.build_client_verifier().verify(leaf_in(pki.orders), [])

    def test_no_certificate_below_a_leaf_nor_a_ca_below_the_root(self, pki: Pki) -> None:
        key, now = profiles.new_key(), datetime.now(UTC)
        under_a_leaf = profiles.Issuer(leaf_in(pki.orders), key, "shop.test")
        forged = profiles.leaf(
            under_a_leaf,
            key.public_key(),
            name="billing",
            dns_names=["billing"],
            now=now,
            lifetimes=Lifetimes(),
        )
        with pytest.raises(VerificationError):
            self.policy(pki).build_client_verifier().verify(forged, [leaf_in(pki.orders)])


@pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command is not installed")
class TestOpensslVerifies:
    """OpenSSL's strict mode, through its own command."""

    @staticmethod
    def verify(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
        arguments = [
            "openssl",
            "verify",
            "-x509_strict",
            "-crl_check",
            "-CAfile",
            "bundle.pem",
            "-CRLfile",
            "crl.pem",
        ]
        return subprocess.run(
            [*arguments, *more, "leaf.pem"], cwd=home, capture_output=True, text=True, timeout=30, check=False
        )

    @pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
    def test_a_good_leaf(self, pki: Pki, purpose: str) -> None:
        answer = self.verify(pki.orders, "-purpose", purpose)
        assert (answer.returncode, answer.stdout) == (0, "leaf.pem: OK\n"), answer.stderr

    def test_not_a_revoked_one(self, pki: Pki) -> None:
        pki.ca.revoke("orders")
        pki.ca.publish()
        assert "certificate revoked" in self.verify(pki.orders).stderr
        assert self.verify(pki.billing).returncode == 0


def context(home: Path, protocol: int, flags: ssl.VerifyFlags = STRICT) -> ssl.SSLContext:
    """One end of a mutual TLS 1.3 connection that trusts what lies in `home`."""
    made = ssl.SSLContext(protocol)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= flags
    made.load_cert_chain(home / "leaf.pem", home / "key.pem")
    made.load_verify_locations(home / "bundle.pem")
    made.load_verify_locations(home / "crl.pem")
    return made


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[str, str]:
    """Connect the two in memory, and return the SPIFFE IDs that server and client saw.

    Both ends go on until both are done: a TLS 1.3 client is done before the server has looked at its
    certificate. The first to refuse raises.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    assert not waiting, "the handshake did not come to an end"
    assert ends[0].version() == "TLSv1.3"
    return spiffe_id(ends[1]), spiffe_id(ends[0])


def spiffe_id(end: ssl.SSLObject) -> str:
    """The one URI in the certificate of the other side."""
    certificate = end.getpeercert()
    assert certificate
    (uri,) = [str(name[1]) for name in certificate["subjectAltName"] if name[0] == "URI"]
    return uri


def both_ways(home: Path, peer: Path, flags: ssl.VerifyFlags = STRICT) -> list[Callable[[], tuple[str, str]]]:
    """Ourselves (`home`) meeting `peer` as its server, and as its client; the peer itself asks for no CRL."""
    lax = ssl.VerifyFlags.VERIFY_DEFAULT
    server, client = ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT
    return [
        lambda: shake_hands(context(home, server, flags), trusting(peer, home, client, lax), "billing"),
        lambda: shake_hands(trusting(peer, home, server, lax), context(home, client, flags), "orders"),
    ]


def trusting(peer: Path, home: Path, protocol: int, flags: ssl.VerifyFlags) -> ssl.SSLContext:
    """The peer, trusting our root whatever its own is: only our side can be the one that refuses."""
    made = context(peer, protocol, flags)
    made.load_verify_locations(home / "bundle.pem")
    return made


@pytest.mark.parametrize("role", [0, 1], ids=["as its server", "as its client"])
class TestHandshakes:
    """Billing meets orders; what billing refuses, it refuses in either role, and only for that reason."""

    def test_a_good_leaf_passes(self, pki: Pki, role: int) -> None:
        seen = both_ways(pki.billing, pki.orders)[role]()
        assert set(seen) == {"spiffe://shop.test/orders", "spiffe://shop.test/billing"}

    def test_a_renewed_leaf_passes_with_its_new_key(self, tmp_path: Path, role: int) -> None:
        old = make_pki(tmp_path / "old", age=timedelta(hours=12))
        before = leaf_in(old.orders)
        CA.open(old.ca.directory).renew_due()
        assert leaf_in(old.orders).public_key() != before.public_key()
        both_ways(old.billing, old.orders)[role]()

    def test_a_revoked_leaf_is_refused(self, pki: Pki, role: int) -> None:
        pki.ca.revoke("orders")
        pki.ca.publish()
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate revoked"):
            both_ways(pki.billing, pki.orders)[role]()
        without = ssl.VerifyFlags.VERIFY_X509_STRICT
        both_ways(pki.billing, pki.orders, without)[role]()

    def test_a_revocation_that_is_not_published_is_not_known(self, pki: Pki, role: int) -> None:
        pki.ca.revoke("orders")
        both_ways(pki.billing, pki.orders)[role]()

    def test_with_an_expired_crl_nobody_is_let_in(self, tmp_path: Path, role: int) -> None:
        old = make_pki(tmp_path / "old", age=timedelta(hours=2))
        with pytest.raises(ssl.SSLCertVerificationError, match="CRL has expired"):
            both_ways(old.billing, old.orders)[role]()
        CA.open(old.ca.directory).renew_due()
        both_ways(old.billing, old.orders)[role]()

    def test_an_expired_leaf_is_refused(self, tmp_path: Path, role: int) -> None:
        old = make_pki(tmp_path / "old", age=timedelta(hours=25))
        CA.open(old.ca.directory).issue("billing", old.billing)
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
            both_ways(old.billing, old.orders)[role]()

    def test_a_leaf_of_another_ca_with_the_same_names_is_refused(
        self, pki: Pki, tmp_path: Path, role: int
    ) -> None:
        theirs = make_pki(tmp_path / "theirs")
        with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
            both_ways(pki.billing, theirs.orders)[role]()


def test_a_server_under_another_name_is_refused(pki: Pki) -> None:
    server = context(pki.orders, ssl.PROTOCOL_TLS_SERVER)
    client = context(pki.billing, ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'gateway'"):
        shake_hands(server, client, "gateway")
