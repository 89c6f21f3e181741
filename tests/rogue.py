"""Certificates that our CA would never issue, for the tests that such a one gets nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import certs
from certs import profiles

HOUR = timedelta(hours=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
SIGNS_CODE, ANY = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SAN = ObjectIdentifier("2.5.29.17")

LOOK_ALIKES = (
    "spiffe://shop.test.evil/orders",
    "spiffe://evil.shop.test/orders",
    "spiffe://shop-test/orders",
    "spiffe://shopxtest/orders",
    "spiffe://SHOP.TEST/orders",
    "SPIFFE://shop.test/orders",
    "spiffe://shop.test/Orders",
    "spiffe://shop.test/orders/",
    "spiffe://shop.test//orders",
    "spiffe://shop.test/./orders",
    "spiffe://shop.test/x/../orders",
    "spiffe://shop.test/orders/sub",
    "spiffe://shop.test/%6frders",
    "spiffe://shop.test/orders\0",
    "spiffe://shop.test/orders\n",
    "spiffe://shop.test/orders?a=b",
    "spiffe://shop.test/orders#a",
    "spiffe://shop.test:443/orders",
    "spiffe://user@shop.test/orders",
    "spiffe://shop.test/",
    "spiffe://shop.test",
    "spiffe:/shop.test/orders",
    "https://shop.test/orders",
    "xspiffe://shop.test/orders",
    "spiffe://shop.test/" + "o" * 64,
    "",
)
"""URIs that resemble `spiffe://shop.test/orders`, each of which some careless comparison would let pass."""


@dataclass(frozen=True)
class Root:
    """A key that signs, and the certificate that says so."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Shown:
    """A certificate and its key, as somebody would show them."""

    certificate: x509.Certificate
    key: Any
    chain: tuple[x509.Certificate, ...] = field(default=())

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def write(self, directory: Path) -> tuple[str, str]:
        """Files for it: what `cert=` names."""
        directory.mkdir(parents=True, exist_ok=True)
        leaf, key = directory / "leaf.pem", directory / "key.pem"
        leaf.write_bytes(b"".join(map(profiles.pem, (self.certificate, *self.chain))))
        no_password = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        key.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, pkcs8, no_password))
        return str(leaf), str(key)


def root_of(ca: certs.CA) -> Root:
    """Our own CA's key, as whoever breaks into it would hold it."""
    key = serialization.load_pem_private_key((ca.directory / "root-key.pem").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Root(ca.root, key)


def another_root(name: str = "Five Locks") -> Root:
    """A CA of the same name and trust domain, with a key of its own."""
    key = profiles.new_key()
    now, lives = datetime.now(UTC), profiles.Lifetimes()
    return Root(profiles.root(key, name=name, trust_domain="shop.test", now=now, lifetimes=lives), key)


def top_root() -> Root:
    """A CA that, unlike ours, may have others below it."""
    key, name = profiles.new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Top")])
    now, ski = datetime.now(UTC), x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - HOUR).not_valid_after(now + HOUR)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return Root(builder.add_extension(ski, critical=False).sign(key, hashes.SHA256()), key)


def leaf(
    root: Root,
    *uris: str,
    dns: Sequence[str] = (),
    emails: Sequence[str] = (),
    usages: Sequence[ObjectIdentifier] | None = (SERVER, CLIENT),
    ca: bool | None = False,
    begins: timedelta = -HOUR,
    ends: timedelta = HOUR,
    key: Any = None,
    san: bytes | None = None,
    subject: str = "orders",
    constraints: x509.NameConstraints | None = None,
) -> Shown:
    """A leaf signed by `root` that is good but for what is asked; `None` leaves an extension out.

    `begins` and `ends` count from now, and `san` is the raw content of a subject alternative name.
    """
    key = key or profiles.new_key()
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    names += [x509.DNSName(host) for host in dns] + [x509.RFC822Name(address) for address in emails]
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_key(root), critical=False)
        .add_extension(_key_usage(signs_certificates=bool(ca)), critical=True)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    if san is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(SAN, san), critical=False)
    return Shown(builder.sign(root.key, hashes.SHA256()), key)


def self_signed(*uris: str) -> Shown:
    """A leaf that vouches for itself."""
    key = profiles.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "orders")])
    anchor = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    now = datetime.now(UTC)
    dated = anchor.serial_number(1).not_valid_before(now - HOUR).not_valid_after(now + HOUR)
    itself = dated.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False).sign(
        key, hashes.SHA256()
    )
    return leaf(Root(itself, key), *uris, key=key)


def crl(root: Root, *revoked: x509.Certificate, begins: timedelta = -HOUR, ends: timedelta = HOUR) -> bytes:
    """A CRL signed by `root`, as PEM; `ends` is its nextUpdate, counted from now."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(now + begins)
        .next_update(now + ends)
        .add_extension(x509.CRLNumber(99), critical=False)
        .add_extension(_authority_key(root), critical=False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, now + begins)
        builder = builder.add_revoked_certificate(entry.build())
    return profiles.pem(builder.sign(root.key, hashes.SHA256()))


def _authority_key(root: Root) -> x509.AuthorityKeyIdentifier:
    ski = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
