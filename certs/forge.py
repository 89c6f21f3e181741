"""Certificates that the CA would never issue, in one line.  For tests: so that each is seen to get nowhere.

    forge(ca, "orders", into=tmp)                           good in all things: the control
    forge(ca, "orders", into=tmp, expired=True)             wrong in one
    forge(ca, "orders", into=tmp, uris=("spiffe://…",))     wrong in a way of your own

`CASES` is the table: a name, why nobody should believe it, and what differs from the good one.  Where the case is not
about the signature, the CA's own key signs, so that only the flaw itself can give it away.  What is forged is in no
index and on no CRL, and is never written where a process reads its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from certs import files, profiles
from certs.authority import CA
from certs.errors import CAError

MARK = "forged.txt"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
HASHES: Mapping[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KeyKind = Literal["p256", "p192", "rsa1024"]
Signer = Literal["ca", "namesake", "itself", "sub-ca", "narrow-sub-ca", "leaf"]


class CannotForge(CAError):
    """This cannot be made, or not there."""


@dataclass(frozen=True)
class Shape:
    """What a certificate is to look like.  In texts, `{name}` and `{domain}` are filled in; None leaves out."""

    uris: tuple[str, ...] = ("spiffe://{domain}/{name}",)
    dns: tuple[str, ...] = ("{name}",)
    begins: timedelta = -HOUR
    """Counted from now, like `ends`."""
    ends: timedelta = HOUR
    usages: tuple[ObjectIdentifier, ...] | None = (SERVER, CLIENT)
    is_ca: bool = False
    key: KeyKind = "p256"
    hash: Literal["sha256", "sha1"] = "sha256"
    signer: Signer = "ca"
    chain: bool = True
    """Whether those between the root and this one are shown with it."""


@dataclass(frozen=True)
class Case:
    """A certificate that nobody should believe: why, who finds out first, and what differs from a good one."""

    why: str
    noticed: Literal["chain", "host", "peer"]
    """`chain`: TLS, at both ends. `host`: who calls it as a server. `peer`: who asks for its SPIFFE ID."""
    changes: Mapping[str, Any]


def _case(why: str, noticed: Literal["chain", "host", "peer"], **changes: Any) -> Case:
    return Case(why, noticed, changes)


LOOK_ALIKES: Mapping[str, str] = {
    "longer_domain": "spiffe://{domain}.evil/{name}",
    "subdomain": "spiffe://evil.{domain}/{name}",
    "other_domain": "spiffe://evil.test/{name}",
    "dash_for_dot": "spiffe://shop-test/{name}",
    "upper_case_domain": "spiffe://SHOP.TEST/{name}",
    "upper_case_scheme": "SPIFFE://{domain}/{name}",
    "slash_at_the_end": "spiffe://{domain}/{name}/",
    "two_slashes": "spiffe://{domain}//{name}",
    "dot_segment": "spiffe://{domain}/./{name}",
    "climbing": "spiffe://{domain}/x/../{name}",
    "deeper": "spiffe://{domain}/{name}/sub",
    "percent_encoded": "spiffe://{domain}/%6frders",
    "nul_at_the_end": "spiffe://{domain}/{name}\0",
    "line_feed": "spiffe://{domain}/{name}\n",
    "query": "spiffe://{domain}/{name}?a=b",
    "fragment": "spiffe://{domain}/{name}#a",
    "port": "spiffe://{domain}:443/{name}",
    "user": "spiffe://user@{domain}/{name}",
    "no_path": "spiffe://{domain}",
    "https": "https://{domain}/{name}",
    "prefixed_scheme": "xspiffe://{domain}/{name}",
}
"""SPIFFE IDs that some careless comparison would let pass (SPIFFE-ID §2)."""

CASES: Mapping[str, Case] = {
    "expired": _case("its time is over (RFC 5280 §6.1.3)", "chain", begins=-DAY, ends=-HOUR),
    "not_yet_valid": _case("its time has not come (RFC 5280 §6.1.3)", "chain", begins=HOUR, ends=DAY),
    "other_ca": _case("a CA of the same name has signed, with another key", "chain", signer="namesake"),
    "self_signed": _case("it vouches for itself", "chain", signer="itself"),
    "signed_by_a_service": _case("a service is not a CA (RFC 5280 §6.1.4 k)", "chain", signer="leaf"),
    "sub_ca": _case("the root allows no CA below it (RFC 5280 §6.1.4 l)", "chain", signer="sub-ca"),
    "intermediate_missing": _case("nobody can tell who signed", "chain", signer="sub-ca", chain=False),
    "name_constraint_violated": _case(
        "its CA may only name others, and may not be there at all (RFC 5280 §4.2.1.10)", "chain", signer="narrow-sub-ca"
    ),
    "weak_rsa": _case("a key of 1024 bits can be broken (NIST SP 800-131A)", "chain", key="rsa1024"),
    "weak_curve": _case("a curve of 192 bits: no TLS 1.3 signature is for it (RFC 8446 §4.2.3)", "chain", key="p192"),
    "sha1": _case("SHA-1 has collisions (RFC 9155)", "chain", hash="sha1"),
    "wrong_host": _case("it may answer elsewhere only (RFC 9525 §6)", "host", dns=("elsewhere.test",)),
    "no_host": _case("it may answer nowhere: a CN is no host name (RFC 9525 §2)", "host", dns=()),
    "client_only": _case("it is not for servers (RFC 5280 §4.2.1.12)", "chain", usages=(CLIENT,)),
    "server_only": _case("it is not for clients (RFC 5280 §4.2.1.12)", "chain", usages=(SERVER,)),
    "code_signing": _case("it is for code", "chain", usages=(ExtendedKeyUsageOID.CODE_SIGNING,)),
    "no_usage": _case("it does not say what it is for (X509-SVID §4.4)", "peer", usages=None),
    "a_ca": _case("a CA is not a service (X509-SVID §5.2)", "peer", is_ca=True),
    "two_names": _case(
        "it names two (X509-SVID §2)", "peer", uris=("spiffe://{domain}/{name}", "spiffe://{domain}/billing")
    ),
    "another_name": _case("it names somebody else", "peer", uris=("spiffe://{domain}/somebody-else",)),
    "no_uri": _case("it names a host, and no service (X509-SVID §2)", "peer", uris=()),
    "common_name_only": _case("a CN names nobody (RFC 9525 §2)", "peer", uris=(), dns=()),
    **{f"look_alike_{name}": _case("almost its name", "peer", uris=(uri,)) for name, uri in LOOK_ALIKES.items()},
}


@dataclass(frozen=True)
class Forged:
    """A forged certificate, as somebody would show it."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]
    directory: Path

    @property
    def cert(self) -> tuple[str, str]:
        """Certificate and key: what `cert=` names."""
        return str(self.directory / "leaf.pem"), str(self.directory / "key.pem")


@dataclass(frozen=True)
class _Signer:
    """Who signs, and what is shown between them and the root."""

    name: x509.Name
    key: PrivateKey
    shown: tuple[x509.Certificate, ...] = ()


def forge(ca: CA, name: str, *, into: Path, **wrong: Any) -> Forged:
    """Make a certificate for `name` that is `wrong` in the ways named, write it `into` a directory, and return it.

    `wrong` are names of `CASES`, each `=True`, and members of `Shape`.  The directory then is what a process calls its
    `tls`, with the CA's bundle and CRL; it must not be one that a process has.  Raises CannotForge.
    """
    _refuse(ca, into)
    shape = _shape(wrong)
    names = {"name": name, "domain": ca.index().trust_domain}
    key = _new_key(shape.key)
    signer = _signer(ca, shape.signer, name, key)
    certificate = _sign(signer, key, shape, names)
    chain = signer.shown if shape.chain else ()
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
    return Forged(certificate, key, chain, into)


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


def _signer(ca: CA, who: Signer, name: str, key: PrivateKey) -> _Signer:
    """Whose signature it bears."""
    if who == "itself":
        return _Signer(_subject(name), key)
    if who == "namesake":
        return _Signer(ca.root.subject, profiles.new_key())
    root = serialization.load_pem_private_key((ca.directory / "root-key.pem").read_bytes(), password=None)
    assert isinstance(root, ec.EllipticCurvePrivateKey)
    anchor = _Signer(ca.root.subject, root)
    if who == "ca":
        return anchor
    between, own = Shape(is_ca=who != "leaf"), profiles.new_key()
    called = "billing" if who == "leaf" else "a CA below"
    names = {"name": "billing", "domain": ca.index().trust_domain}
    signed = _sign(anchor, own, between, names, called=called, narrow=who == "narrow-sub-ca")
    return _Signer(signed.subject, own, (signed,))


def _sign(
    signer: _Signer, key: PrivateKey, shape: Shape, names: Mapping[str, str], *, called: str = "", narrow: bool = False
) -> x509.Certificate:
    now, public = datetime.now(UTC), key.public_key()
    alternatives: list[x509.GeneralName] = [x509.UniformResourceIdentifier(u.format(**names)) for u in shape.uris]
    alternatives += [x509.DNSName(host.format(**names)) for host in shape.dns]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(called or names["name"]))
        .issuer_name(signer.name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + shape.begins)
        .not_valid_after(now + shape.ends)
        .add_extension(x509.BasicConstraints(ca=shape.is_ca, path_length=None), critical=True)
        .add_extension(_key_usage(shape.is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(authority, critical=False)
    )
    if shape.usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(shape.usages), critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if narrow:
        elsewhere = x509.NameConstraints([x509.DNSName("elsewhere.test")], None)
        builder = builder.add_extension(elsewhere, critical=True)
    try:
        return builder.sign(signer.key, HASHES[shape.hash])  # type: ignore[arg-type]  # it says itself what it cannot
    except UnsupportedAlgorithm as error:
        raise CannotForge(f"this library does not sign with {shape.hash}: {error}") from None


def _key_usage(is_ca: bool) -> x509.KeyUsage:
    """A service signs handshakes; a CA that poses as one signs certificates too."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _new_key(kind: KeyKind) -> PrivateKey:
    if kind == "rsa1024":
        return rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return ec.generate_private_key(ec.SECP192R1() if kind == "p192" else ec.SECP256R1())


def _pem(key: PrivateKey) -> bytes:
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, shape, serialization.NoEncryption())
