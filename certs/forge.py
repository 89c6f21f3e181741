"""Certificates that the CA would never issue, in one line.  For tests: so that each is seen to get nowhere.

    forge(ca, "orders", into=tmp)                           good in all things: the control
    forge(ca, "orders", into=tmp, expired=True)             wrong in one
    forge(ca, "orders", into=tmp, uris=("spiffe://…",))     wrong in a way of your own

`flaws.CASES` is the table: a name, why nobody should believe it, and what differs from the good one.  Where the case is
not about the signature, the CA's own key signs, so that only the flaw itself can give it away.  What is forged is in no
index and on no CRL, and is never written where a process reads its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from certs import files, profiles
from certs.authority import CA
from certs.errors import CAError
from certs.flaws import CASES, KeyKind, Shape
from certs.profiles import Issuer, Lifetimes

MARK = "forged.txt"
HASHES: Mapping[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class CannotForge(CAError):
    """This cannot be made, or not there."""


@dataclass(frozen=True)
class Forged:
    """A forged certificate, as somebody would show it."""

    certificate: x509.Certificate
    key: PrivateKey
    issuer: Issuer
    """Whoever signed it; it may sign a CRL as well (`profiles.crl`)."""
    chain: tuple[x509.Certificate, ...]
    directory: Path

    @property
    def cert(self) -> tuple[str, str]:
        """Certificate and key: what `cert=` names."""
        return str(self.directory / "leaf.pem"), str(self.directory / "key.pem")

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def forge(ca: CA, name: str, *, into: Path, **wrong: Any) -> Forged:
    """Make a certificate for `name` that is `wrong` in the ways named, write it `into` a directory, and return it.

    `wrong` are names of `CASES`, each `=True`, and members of `Shape`.  The directory then is what a process calls its
    `tls`, with the CA's bundle and CRL; it must not be one that a process has.  Raises CannotForge.
    """
    _refuse(ca, into)
    shape = _shape(wrong)
    key = _new_key(shape.key)
    issuer, above = _issuer(ca, shape, name, key)
    certificate = _sign(issuer, key, shape, name)
    chain = (issuer.certificate, *above) if shape.chain and shape.signer != "itself" else ()
    told = f"Forged for a test: {', '.join(wrong) or 'good, but in no index'}. Believe it nowhere else.\n"
    files.private(into)
    written = {
        MARK: told.encode(),
        "key.pem": _pem(key),
        "leaf.pem": b"".join(map(profiles.pem, (certificate, *chain))),
        "bundle.pem": profiles.pem(ca.root),
        "crl.pem": (ca.directory / "crl.pem").read_bytes(),
    }
    files.replace(into, written)
    return Forged(certificate, key, issuer, chain, into)


def _refuse(ca: CA, into: Path) -> None:
    """Keep out of where a process reads its own, and where the CA lives."""
    wanted = into.resolve()
    homes = {leaf.into.resolve() for leaf in ca.index().leaves} | {ca.directory.resolve()}
    if any(home == wanted or home in wanted.parents or wanted in home.parents for home in homes):
        raise CannotForge(f"{into} belongs to the CA, or to a process that it keeps: forge elsewhere")
    if (into / "leaf.pem").exists() and not (into / MARK).exists():
        raise CannotForge(f"{into} holds a certificate that was not forged: forge elsewhere")


def _shape(wrong: Mapping[str, Any]) -> Shape:
    """The good shape, changed by each case and each member that is named."""
    shape = Shape()
    for word, value in wrong.items():
        if word in CASES and value is True:
            shape = replace(shape, **CASES[word].changes)
        elif word in Shape.__dataclass_fields__:
            shape = replace(shape, **{word: value})
        else:
            raise CannotForge(f"{word}={value!r} is neither a case, as {word}=True, nor a member of Shape")
    return shape


def _issuer(ca: CA, shape: Shape, name: str, key: PrivateKey) -> tuple[Issuer, tuple[x509.Certificate, ...]]:
    """Whose signature it bears, and the intermediate above that, if there is one."""
    index = ca.index()
    domain, ours = index.trust_domain, ca.vault.issuer(index.signs, index.trust_domain)
    if shape.signer == "itself":
        return _root(name, key, domain), ()
    if shape.signer == "namesake":
        [common_name] = ca.root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return _root(str(common_name.value), profiles.new_key(), domain), ()
    if shape.signer == "pretender":
        return Issuer(ours.certificate, profiles.new_key(), domain), ()
    if shape.signer == "ca":
        return ours, ()
    own, is_ca = profiles.new_key(), shape.signer != "leaf"
    names: dict[str, Any] = {"subject": "a CA of ours", "uris": (), "dns": (), "usages": None} if is_ca else {}
    between = replace(Shape(is_ca=is_ca, **names), **shape.between)
    above = ca.vault.issuer(index.root.name, domain) if shape.signer == "beside" else ours
    certificate = _sign(above, own, between, "billing")
    return Issuer(certificate, own, domain), () if shape.signer == "beside" else (ours.certificate,)


def _root(name: str, key: PrivateKey, domain: str) -> Issuer:
    """A root that nobody has heard of."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CannotForge("only an elliptic curve key vouches for itself here")
    certificate = profiles.root(key, name=name, trust_domain=domain, now=datetime.now(UTC), lifetimes=Lifetimes())
    return Issuer(certificate, key, domain)


def _sign(issuer: Issuer, key: PrivateKey, shape: Shape, name: str) -> x509.Certificate:
    now, texts = datetime.now(UTC), {"name": name, "domain": issuer.trust_domain}
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(shape.subject.format(**texts)))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + shape.begins)
        .not_valid_after(now + shape.ends)
    )
    for extension, critical in (*_what_it_is_for(shape), *_names(shape, texts), *_keys(issuer, key)):
        builder = builder.add_extension(extension, critical)
    try:
        return builder.sign(issuer.key, HASHES[shape.hash])  # type: ignore[arg-type]  # it says itself what it cannot
    except UnsupportedAlgorithm as error:
        raise CannotForge(f"this library does not sign with {shape.hash}: {error}") from None


Extensions = Iterator[tuple[x509.ExtensionType, bool]]
"""Each with whether it is critical."""


def _what_it_is_for(shape: Shape) -> Extensions:
    if shape.is_ca is not None:
        yield x509.BasicConstraints(ca=shape.is_ca, path_length=None), True
    yield _key_usage(bool(shape.is_ca) if shape.signs is None else shape.signs), True
    if shape.bounds is not None:
        yield shape.bounds, True
    if shape.usages is not None:
        yield x509.ExtendedKeyUsage(shape.usages), False


def _names(shape: Shape, texts: Mapping[str, str]) -> Extensions:
    if shape.san is not None:
        yield x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, shape.san), False
        return
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri.format(**texts)) for uri in shape.uris]
    names += [x509.DNSName(host.format(**texts)) for host in shape.dns]
    names += [x509.RFC822Name(address.format(**texts)) for address in shape.emails]
    names += [x509.IPAddress(ip_address(address)) for address in shape.addresses]
    if names:
        yield x509.SubjectAlternativeName(names), not shape.subject  # RFC 5280 §4.2.1.6


def _keys(issuer: Issuer, key: PrivateKey) -> Extensions:
    ski = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
    yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False


def _key_usage(signs: bool) -> x509.KeyUsage:
    """A service signs handshakes; a CA that poses as one signs certificates too."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


def _new_key(kind: KeyKind) -> PrivateKey:
    if kind == "rsa1024":
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return ec.generate_private_key(ec.SECP192R1() if kind == "p192" else ec.SECP256R1())


def _pem(key: PrivateKey) -> bytes:
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, shape, serialization.NoEncryption())
