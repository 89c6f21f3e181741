"""What a root, an intermediate, a leaf and a CRL look like, and why each extension is there.

Pure functions: keys, names and a time go in, a signed object comes out; no disk, no clock.
The rules are those of RFC 5280, narrowed by SPIFFE's X509-SVID; each is named where it is obeyed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import names
from certs.errors import IssuerExpired

BACKDATE = timedelta(minutes=1)  # a reader whose clock runs a little behind must not say "not yet valid"


@dataclass(frozen=True)
class Lifetimes:
    """How long what the CA signs is good for; short, because a short life is the best revocation."""

    root: timedelta = timedelta(days=7)  # Demo: the shop is ephemeral; a root in production lives for years
    intermediate: timedelta = timedelta(days=3)  # more than twice a leaf's: renewed at half, it cuts no leaf short
    leaf: timedelta = timedelta(days=1)
    crl: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        """A life of nothing would have the CA sign for ever, and nobody accept it."""
        for what, life in vars(self).items():
            if life < timedelta(seconds=1):
                raise ValueError(f"the life of a {what} must be a second or more")


@dataclass(frozen=True)
class Issuer:
    """Who signs: a root or an intermediate, its private key, and the trust domain that it answers for."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    trust_domain: str


@dataclass(frozen=True)
class Revocation:
    """One entry of a CRL: which certificate was taken back, when, and why."""

    serial: int
    time: datetime
    reason: x509.ReasonFlags


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a key on P-256, which every TLS stack speaks, in well under a millisecond."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Write a private key as unencrypted PKCS #8; the file's mode is what guards it."""
    # Demo: production keeps the root's key in an HSM, and a leaf's key in memory (SPIFFE Workload API).
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(signed: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """Write a certificate or CRL as PEM (RFC 7468)."""
    return signed.public_bytes(serialization.Encoding.PEM)


def root(
    key: ec.EllipticCurvePrivateKey, *, name: str, trust_domain: str, now: datetime, lifetimes: Lifetimes
) -> x509.Certificate:
    """Sign the trust anchor: it signs intermediates and its CRL, and is no peer of anybody's (X509-SVID §3.2)."""
    names.check_trust_domain(trust_domain)
    subject = _subject(name)
    builder = _certificate(subject, subject, key.public_key(), now, now + lifetimes.root)
    # Signs intermediates, and nothing below those; critical, or a reader might not look (RFC 5280 §4.2.1.9).
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    return _authority(builder, key.public_key(), trust_domain).sign(key, hashes.SHA256())


def intermediate(
    issuer: Issuer,
    public_key: ec.EllipticCurvePublicKey,
    *,
    name: str,
    hosts: Sequence[str],
    now: datetime,
    lifetimes: Lifetimes,
) -> x509.Certificate:
    """Sign the CA that signs the leaves: below it no further CA, and no host but `hosts` and what is under them.

    Its key is at work all day, so this is what a thief of it could do at most.  Raises IssuerExpired.
    """
    not_after = _end(issuer, now, lifetimes.intermediate)
    builder = _certificate(_subject(name), issuer.certificate.subject, public_key, now, not_after)
    # Signs leaves, no further CAs (RFC 5280 §4.2.1.9).
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    # Critical, or a reader that does not know it would pass over it (RFC 5280 §4.2.1.10).
    builder = builder.add_extension(names.bounds(hosts), critical=True)
    builder = builder.add_extension(_signed_by(issuer), critical=False)
    return _authority(builder, public_key, issuer.trust_domain).sign(issuer.key, hashes.SHA256())


def leaf(
    issuer: Issuer,
    public_key: ec.EllipticCurvePublicKey,
    *,
    name: str,
    dns_names: Sequence[str],
    now: datetime,
    lifetimes: Lifetimes,
) -> x509.Certificate:
    """Sign the certificate of one process: both ends of TLS, one SPIFFE ID (X509-SVID §2, §3.1).

    Raises BadName for a name that is not ours to sign, IssuerExpired when no time is left to give.
    """
    names.check(name, dns_names)
    not_after = _end(issuer, now, lifetimes.leaf)
    spiffe_id = f"spiffe://{issuer.trust_domain}/{name}"
    return (
        _certificate(_subject(name), issuer.certificate.subject, public_key, now, not_after)
        # Signs nothing below itself (RFC 5280 §4.2.1.9, X509-SVID §4.1).
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # Signs TLS handshakes; TLS 1.3 encrypts nothing with this key (RFC 5280 §4.2.1.3, X509-SVID §4.3).
        .add_extension(_key_usage(digital_signature=True), critical=True)
        # Every process is server on one hop and client on the next (RFC 5280 §4.2.1.12, X509-SVID §4.4).
        .add_extension(_both_ends(), critical=False)
        # One URI, who it is; its own DNS names, where it may answer: a leaf with another's could pose as it.
        .add_extension(_names(spiffe_id, dns_names), critical=False)
        # This key's name and that of the key that signed: strict readers ask for both (RFC 5280 §4.2.1.1-2).
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_signed_by(issuer), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def crl(
    issuer: Issuer, *, number: int, revoked: Iterable[Revocation], now: datetime, lifetimes: Lifetimes
) -> x509.CertificateRevocationList:
    """Sign the list of what `issuer` took back, complete and good until its nextUpdate (RFC 5280 §5)."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATE)
        # Once this is past readers refuse everybody: whoever holds back a new list gains an hour (§5.1.2.5).
        .next_update(now + lifetimes.crl)
        # Rises with each list, so that an older one cannot pass for the newest (§5.2.3).
        .add_extension(x509.CRLNumber(number), critical=False)
        # Which key signed (§5.2.1).
        .add_extension(_signed_by(issuer), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(_entry(entry))
    return builder.sign(issuer.key, hashes.SHA256())


def _end(issuer: Issuer, now: datetime, life: timedelta) -> datetime:
    """Until when what is signed now is good: nothing can outlive who signed it."""
    until = issuer.certificate.not_valid_after_utc
    if until <= now:
        [name] = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        raise IssuerExpired(f"{name.value!s} expired at {until:%Y-%m-%d %H:%M:%S} UTC: rotate it")
    return min(now + life, until)


def _authority(
    builder: x509.CertificateBuilder, public_key: ec.EllipticCurvePublicKey, trust_domain: str
) -> x509.CertificateBuilder:
    """Add what root and intermediate have in common."""
    ski = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        # Signs certificates and the CRL; no TLS, no documents (RFC 5280 §4.2.1.3, X509-SVID §4.3).
        builder.add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        # The trust domain without a path: it speaks for all of it and is nobody in it (X509-SVID §3.2).
        .add_extension(_names(f"spiffe://{trust_domain}"), critical=False)
        # What the AKI of all it signs points to; not critical, it only helps to find the key (RFC 5280 §4.2.1.2).
        .add_extension(ski, critical=False)
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())  # 159 random bits, at most 20 octets (RFC 5280 §4.1.2.2)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(not_after)
    )


def _subject(name: str) -> x509.Name:
    """Name the holder for people who read the certificate; no code of ours decides by it (RFC 9525 §2)."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _names(spiffe_id: str, dns_names: Sequence[str] = ()) -> x509.SubjectAlternativeName:
    hosts = [x509.DNSName(host) for host in dns_names]
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id), *hosts])


def _both_ends() -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def _signed_by(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    ski = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


def _key_usage(**allowed: bool) -> x509.KeyUsage:
    """Allow what is named, and nothing else of the nine uses."""
    nothing = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(nothing | allowed))


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(revocation.serial, revocation.time)
    if revocation.reason is not x509.ReasonFlags.unspecified:  # absent says it already (RFC 5280 §5.3.1)
        builder = builder.add_extension(x509.CRLReason(revocation.reason), critical=False)
    return builder.build()
