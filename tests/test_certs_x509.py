"""What the CA signs, as others read it: cryptography, the commands of OpenSSL and GnuTLS, and TLS 1.3 handshakes."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from certs import CA, Lifetimes, names, profiles, rolling
from certs.forge import forge

MINUTE = timedelta(minutes=1)
Signed = x509.Certificate | x509.CertificateRevocationList
STRICT = ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN | ssl.VerifyFlags.VERIFY_X509_STRICT


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


TRUST_DOMAIN = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://shop.test")])


def points_to(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The AKI of what `issuer` signed."""
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def crls_in(home: Path) -> list[x509.CertificateRevocationList]:
    """Every list in `crl.pem`."""
    mark = "-----BEGIN X509 CRL-----"
    found = (home / "crl.pem").read_text().split(mark)[1:]
    return [x509.load_pem_x509_crl((mark + each).encode()) for each in found]


class TestReadBack:
    """Every field and every extension, none missing and none more."""

    def test_the_root(self, pki: Pki) -> None:
        root = pki.ca.root
        assert extensions(root) == {
            x509.BasicConstraints: (True, x509.BasicConstraints(ca=True, path_length=1)),
            x509.KeyUsage: (True, key_usage("key_cert_sign", "crl_sign")),
            x509.SubjectAlternativeName: (False, TRUST_DOMAIN),
            x509.SubjectKeyIdentifier: (False, x509.SubjectKeyIdentifier.from_public_key(root.public_key())),
        }
        assert root.subject.rfc4514_string() == root.issuer.rfc4514_string() == "CN=Five Locks root.1"
        assert root.not_valid_after_utc - root.not_valid_before_utc == timedelta(days=7) + MINUTE
        assert isinstance(root.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        root.verify_directly_issued_by(root)

    def test_the_intermediate(self, pki: Pki) -> None:
        ours, root = pki.ca.intermediate, pki.ca.root
        hosts = [x509.DNSName(host) for host in names.HOSTS]
        nowhere = [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]
        assert extensions(ours) == {
            x509.BasicConstraints: (True, x509.BasicConstraints(ca=True, path_length=0)),
            x509.KeyUsage: (True, key_usage("key_cert_sign", "crl_sign")),
            x509.NameConstraints: (True, x509.NameConstraints(hosts, nowhere)),
            x509.SubjectAlternativeName: (False, TRUST_DOMAIN),
            x509.SubjectKeyIdentifier: (False, x509.SubjectKeyIdentifier.from_public_key(ours.public_key())),
            x509.AuthorityKeyIdentifier: (False, points_to(root)),
        }
        assert ours.subject.rfc4514_string() == "CN=Five Locks issuing.1"
        assert ours.not_valid_after_utc - ours.not_valid_before_utc == timedelta(days=3) + MINUTE
        assert isinstance(ours.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        ours.verify_directly_issued_by(root)

    def test_a_leaf(self, pki: Pki) -> None:
        leaf, issuer = leaf_in(pki.orders), pki.ca.intermediate
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
            x509.AuthorityKeyIdentifier: (False, points_to(issuer)),
        }
        assert leaf.subject.rfc4514_string() == "CN=orders"
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=1) + MINUTE
        assert isinstance(leaf.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
        leaf.verify_directly_issued_by(issuer)
        assert x509.load_pem_x509_certificates((pki.orders / "leaf.pem").read_bytes()) == [leaf, issuer]

    def test_the_crls(self, pki: Pki) -> None:
        pki.ca.revoke("orders")
        issuers = (pki.ca.intermediate, pki.ca.root)
        for crl, issuer in zip(crls_in(pki.ca.directory), issuers, strict=True):
            assert extensions(crl) == {
                x509.CRLNumber: (False, x509.CRLNumber(2)),
                x509.AuthorityKeyIdentifier: (False, points_to(issuer)),
            }
            assert crl.next_update_utc
            assert crl.next_update_utc - crl.last_update_utc == timedelta(hours=1) + MINUTE
            assert crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        revoked = [[entry.serial_number for entry in crl] for crl in crls_in(pki.ca.directory)]
        assert revoked == [[leaf_in(pki.orders).serial_number], []]

    def test_the_trust_domain_and_dns_names_are_those_asked_for(self, tmp_path: Path) -> None:
        ca = CA.create(tmp_path / "ca", "other.test", "Another")
        ca.issue("idp", tmp_path / "idp", ("idp", "idp.localhost", "localhost"))
        san = leaf_in(tmp_path / "idp").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert san.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://other.test/idp"]
        assert san.get_values_for_type(x509.DNSName) == ["idp", "idp.localhost", "localhost"]
        assert ca.root.subject.rfc4514_string() == "CN=Another root.1"

    def test_serial_numbers_are_positive_random_and_short_enough(self, pki: Pki) -> None:
        signed = (pki.ca.root, pki.ca.intermediate, *map(leaf_in, [pki.orders, pki.billing]))
        serials = [certificate.serial_number for certificate in signed]
        assert len(set(serials)) == 4
        assert all(0 < serial < 2**159 for serial in serials)
        assert max(serial.bit_length() for serial in serials) > 128


class TestCryptographyVerifies:
    """The Web PKI's rules as pyca/cryptography holds them."""

    @staticmethod
    def policy(pki: Pki) -> PolicyBuilder:
        return PolicyBuilder().store(Store([pki.ca.root]))

    @staticmethod
    def chain(home: Path) -> tuple[x509.Certificate, list[x509.Certificate]]:
        leaf, *above = x509.load_pem_x509_certificates((home / "leaf.pem").read_bytes())
        return leaf, above

    def test_a_leaf_as_a_server_under_its_own_name_only(self, pki: Pki) -> None:
        self.policy(pki).build_server_verifier(x509.DNSName("orders")).verify(*self.chain(pki.orders))
        with pytest.raises(VerificationError):
            self.policy(pki).build_server_verifier(x509.DNSName("billing")).verify(*self.chain(pki.orders))

    def test_a_leaf_as_a_client(self, pki: Pki) -> None:
        verified = self.policy(pki).build_client_verifier().verify(*self.chain(pki.orders))
        assert verified.subjects == [
            x509.UniformResourceIdentifier("spiffe://shop.test/orders"),
            x509.DNSName("orders"),
        ]

    def test_nothing_after_its_time(self, pki: Pki) -> None:
        tomorrow = self.policy(pki).time(datetime.now(UTC) + timedelta(days=1, seconds=1))
        with pytest.raises(VerificationError):
            tomorrow.build_client_verifier().verify(*self.chain(pki.orders))

    def test_nothing_without_the_intermediate(self, pki: Pki) -> None:
        with pytest.raises(VerificationError):
            self.policy(pki).build_client_verifier().verify(leaf_in(pki.orders), [])

    def test_no_certificate_below_a_leaf(self, pki: Pki) -> None:
        key, now = profiles.new_key(), datetime.now(UTC)
        leaf, above = self.chain(pki.orders)
        forged = profiles.leaf(
            profiles.Issuer(leaf, key, "shop.test"),
            key.public_key(),
            name="billing",
            dns_names=["billing"],
            now=now,
            lifetimes=Lifetimes(),
        )
        with pytest.raises(VerificationError):
            self.policy(pki).build_client_verifier().verify(forged, [leaf, *above])

    @pytest.mark.parametrize("case", ["sub_ca", "outside_the_bounds", "an_address", "expired_intermediate"])
    def test_nothing_that_our_intermediate_may_not_sign(self, pki: Pki, tmp_path: Path, case: str) -> None:
        forged = forge(pki.ca, "orders", into=tmp_path / "forged", **{case: True})
        with pytest.raises(VerificationError):
            self.policy(pki).build_client_verifier().verify(forged.certificate, list(forged.chain))

    def test_a_bound_on_the_trust_domain_is_more_than_it_can_read(self, pki: Pki, tmp_path: Path) -> None:
        """Once this fails, `names.bounds` can name the trust domain as well."""
        bounds = x509.NameConstraints([x509.UniformResourceIdentifier("shop.test")], None)
        forged = forge(pki.ca, "orders", into=tmp_path / "x", signer="beside", between={"bounds": bounds})
        with pytest.raises(VerificationError, match="unsupported name constraint"):
            self.policy(pki).build_client_verifier().verify(forged.certificate, list(forged.chain))


def said_by(*command: str, at: Path) -> tuple[int, str]:
    """The exit code of a command that runs there, and what it says on either stream."""
    ran = subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=30, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def here(command: str) -> None:
    """Skip where the command is not installed; where all of them have to be, fail."""
    if shutil.which(command) is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI has to have {command}")
        pytest.skip(f"{command} is not installed")


def openssl(home: Path, *more: str) -> tuple[int, str]:
    """OpenSSL's strict mode."""
    here("openssl")
    strict = ("-x509_strict", "-crl_check_all", "-CAfile", "bundle.pem", "-CRLfile", "crl.pem")
    return said_by("openssl", "verify", *strict, "-untrusted", "leaf.pem", *more, "leaf.pem", at=home)


def gnutls(home: Path, *more: str) -> tuple[int, str]:
    """GnuTLS, which reads the leaf and what is sent along from one file."""
    here("certtool")
    trust = ("--load-ca-certificate", "bundle.pem", "--load-crl", "crl.pem")
    return said_by("certtool", "--verify", *trust, *more, "--infile", "leaf.pem", at=home)


Verify = Callable[..., tuple[int, str]]
REVOKED = {openssl: "certificate revoked", gnutls: "revoked"}


@pytest.mark.parametrize("verify", [openssl, gnutls])
class TestCommandsVerify:
    """What stands beside a leaf in its directory is all they are given."""

    @pytest.mark.parametrize("purpose", ["server", "client"])
    def test_a_good_leaf(self, pki: Pki, verify: Verify, purpose: str) -> None:
        oid = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2"}[purpose]
        asked = ("-purpose", f"ssl{purpose}") if verify is openssl else (f"--verify-purpose={oid}",)
        code, said = verify(pki.orders, *asked)
        assert code == 0, said

    def test_not_a_revoked_one(self, pki: Pki, verify: Verify) -> None:
        pki.ca.revoke("orders")
        pki.ca.publish()
        code, said = verify(pki.orders)
        assert code != 0
        assert REVOKED[verify] in said
        assert verify(pki.billing)[0] == 0

    def test_none_of_a_revoked_intermediate(self, pki: Pki, verify: Verify) -> None:
        old = (pki.orders / "leaf.pem").read_bytes()
        rolling.begin(pki.ca, "intermediate")
        rolling.switch(pki.ca)
        pki.ca.revoke("issuing.1")
        pki.ca.publish()
        assert verify(pki.orders)[0] == 0
        (pki.orders / "leaf.pem").write_bytes(old)
        code, said = verify(pki.orders)
        assert code != 0
        assert REVOKED[verify] in said

    def test_what_the_old_root_vouched_for_until_the_new_one_is_trusted_alone(self, pki: Pki, verify: Verify) -> None:
        copy = shutil.copytree(pki.orders, pki.orders.with_name("copy"))  # the CA does not know of it

        def believed() -> list[bool]:
            """Whether the leaf is, and the copy of the first one, by who trusts what lies beside the leaf."""
            for name in ("bundle.pem", "crl.pem"):
                shutil.copy(pki.orders / name, copy)
            return [verify(home)[0] == 0 for home in (pki.orders, copy)]

        rolling.begin(pki.ca, "root")
        assert believed() == [True, True]
        rolling.switch(pki.ca)
        assert believed() == [True, True]
        rolling.finish(pki.ca)
        assert believed() == [True, False]

    @pytest.mark.parametrize("case", ["sub_ca", "outside_the_bounds", "an_address"])
    def test_nothing_that_our_intermediate_may_not_sign(
        self, pki: Pki, tmp_path: Path, verify: Verify, case: str
    ) -> None:
        good, bad = forge(pki.ca, "orders", into=tmp_path / "good"), tmp_path / "bad"
        forge(pki.ca, "orders", into=bad, **{case: True})
        assert verify(good.directory)[0] == 0
        assert verify(bad)[0] != 0


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

    def test_a_leaf_of_another_ca_with_the_same_names_is_refused(self, pki: Pki, tmp_path: Path, role: int) -> None:
        theirs = make_pki(tmp_path / "theirs")
        with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
            both_ways(pki.billing, theirs.orders)[role]()


def test_a_server_under_another_name_is_refused(pki: Pki) -> None:
    server = context(pki.orders, ssl.PROTOCOL_TLS_SERVER)
    client = context(pki.billing, ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'gateway'"):
        shake_hands(server, client, "gateway")
