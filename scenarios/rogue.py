"""Certificates that our CA would never issue, and those of CAs that are not ours.

Mallory has been at the CA's own disk for the former: what refuses such a certificate is then the check in question, and
not a signature.  Nothing here is used by the shop.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from compose.refusals import CannotRun
from scenarios.families import Attempt, Request, WrongAnswer, family
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

HOUR = timedelta(hours=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
GATEWAY = "spiffe://shop.test/gateway"
NO_PASSWORD = serialization.NoEncryption()
PRIVATE_KEY = re.compile("-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n", re.DOTALL)
BY_THE_OTHER_END = ("alert", "reset", "broken pipe", "eof", "closed", "disconnected", "badstatusline")
"""What a refusal sounds like when it was not our own side that refused."""


@functools.cache
def mallorys_key() -> ec.EllipticCurvePrivateKey:
    """A key of her own."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Root:
    """A key that signs certificates, and the certificate that says whether it may."""

    certificate: x509.Certificate
    key: Any
    above: tuple[x509.Certificate, ...] = ()
    """What leads from it to a root of ours, without that."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What is sent along with a certificate that it signed."""
        return (self.certificate, *self.above)


@dataclass(frozen=True)
class Leaf:
    """What a certificate is to say: by default what gateway's own says, so that one thing at a time can be wrong."""

    uris: Sequence[str] = (GATEWAY,)
    dns: Sequence[str] = ("gateway",)
    emails: Sequence[str] = ()
    subject: str = "gateway"
    usages: Sequence[ObjectIdentifier] | None = (SERVER, CLIENT)
    ca: bool | None = False
    path_length: int | None = None
    signs: bool = False
    begins: timedelta = -HOUR
    ends: timedelta = HOUR
    key: Any = field(default_factory=mallorys_key)
    constraints: x509.NameConstraints | None = None
    points_to: x509.Certificate | None = None
    """Whose key the certificate says that it is signed with, if not with the one it is."""

    def signed_by(self, root: Root) -> x509.Certificate:
        """The certificate."""
        now, public = datetime.now(UTC), self.key.public_key()
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, self.subject)] if self.subject else []
        builder = x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(root.certificate.subject)
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + self.begins).not_valid_after(now + self.ends)
        for extension, critical in self._extensions(root, public):
            builder = builder.add_extension(extension, critical)
        return builder.sign(root.key, hashes.SHA256())

    def _extensions(self, root: Root, public: Any) -> Iterator[tuple[x509.ExtensionType, bool]]:
        ski = (self.points_to or root.certificate).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        yield x509.SubjectKeyIdentifier.from_public_key(public), False
        yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False
        uses = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False)
        uses |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
        uses |= {"digital_signature": True, "key_cert_sign": self.signs, "crl_sign": self.signs}
        yield x509.KeyUsage(**uses), True
        if self.ca is not None:
            yield x509.BasicConstraints(self.ca, self.path_length), True
        if self.usages is not None:
            yield x509.ExtendedKeyUsage(self.usages), False
        if self.constraints is not None:
            yield self.constraints, True
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in self.uris]
        names += [x509.DNSName(host) for host in self.dns] + [x509.RFC822Name(address) for address in self.emails]
        if names:
            yield x509.SubjectAlternativeName(names), not self.subject


@dataclass(frozen=True)
class Authority:
    """The shop's CA as whoever breaks into it holds it, and the certificate that a service holds."""

    ours: Root
    """Our intermediate, which signs the shop's own certificates."""
    top: Root
    """Our root."""
    service: Root

    def another(self, name: x509.Name | None = None) -> Root:
        """A root of somebody else's, of the same name unless another is given."""
        key, now = mallorys_key(), datetime.now(UTC)
        subject = name or self.top.certificate.subject
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(self.top.certificate.serial_number)
        builder = builder.not_valid_before(now - HOUR).not_valid_after(now + HOUR)
        for extension in self.top.certificate.extensions:
            if not isinstance(extension.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
                builder = builder.add_extension(extension.value, extension.critical)
        ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return Root(builder.add_extension(ski, critical=False).sign(key, hashes.SHA256()), key)

    def below(self, root: Root, **wanted: Any) -> Root:
        """A CA that `root` has signed, and that our CA does not know of."""
        usual: dict[str, Any] = {"uris": (), "dns": (), "subject": "Below", "usages": None, "ca": True, "signs": True}
        leaf = Leaf(**{**usual, "key": ec.generate_private_key(ec.SECP256R1()), **wanted})
        above = () if root is self.top else root.chain
        return Root(leaf.signed_by(root), leaf.key, above)


@contextmanager
def broken_into(world: World) -> Iterator[Authority]:
    """The CA's keys and certificates, off its own disk, and what the orders service holds, or would hold."""
    ran = world.shop.run("ca", ["sh", "-c", 'cat "$SHOP_DIR"/ca/*.pem'])
    keys = [serialization.load_pem_private_key(each.encode(), None) for each in PRIVATE_KEY.findall(ran.stdout)]
    if ran.returncode or not keys:
        raise CannotRun(f"the CA's keys were not found: {ran.stderr[-200:]}", "make logs")
    found = x509.load_pem_x509_certificates(ran.stdout.encode())
    own = {each: key for each in found for key in keys if each.public_key() == key.public_key()}
    newest = max((each for each in own if each.issuer != each.subject), key=lambda each: each.not_valid_before_utc)
    root = next(each for each in own if each.subject == newest.issuer)
    ours = Root(newest, own[newest])
    service = Leaf(uris=("spiffe://shop.test/orders",), dns=("orders",), subject="orders")
    yield Authority(ours, Root(root, own[root]), Root(service.signed_by(ours), service.key, ours.chain))


def shown(certificate: x509.Certificate, key: Any, *chain: x509.Certificate) -> dict[str, str]:
    """A certificate and its key, and what is sent along, as a request takes them.

    OpenSSL lets its own side show a weak key only when told to.
    """
    form = serialization.PrivateFormat.PKCS8
    pem = "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in (certificate, *chain))
    secret = key.private_bytes(serialization.Encoding.PEM, form, NO_PASSWORD).decode()
    return {"cert": pem, "key": secret, "ciphers": "DEFAULT:@SECLEVEL=0"}


def leaf(**wanted: Any) -> Recipe:
    """A certificate that our intermediate signs, good but for what is wanted."""
    wish = Leaf(**wanted)
    return lambda authority: shown(wish.signed_by(authority.ours), wish.key, *authority.ours.chain)


def dated(begins: timedelta, ends: timedelta) -> Recipe:
    """A certificate that is in date from `begins` to `ends`, counted from now."""
    wish = replace(Leaf(), begins=begins, ends=ends)
    return lambda authority: shown(wish.signed_by(authority.ours), wish.key, *authority.ours.chain)


Recipe = Callable[[Authority], dict[str, str]]


def certificates(recipes: Mapping[str, Recipe], headers: Sequence[tuple[str, str]] = ()) -> dict[str, Attempt]:
    """The cases of a story about certificates: each is shown to orders, by somebody who says that she acts for carol.

    Where it is refused, the other end has to be who refuses it, or nothing was tried.
    """

    def request(recipe: Recipe) -> Callable[[Authority], list[Request]]:
        return lambda authority: [Request("orders", [("X-User", "carol"), *headers], more=recipe(authority))]

    return family({name: request(recipe) for name, recipe in recipes.items()}, broken_into, refused_by_the_other_end)


def refused_by_the_other_end(world: World, found: Mapping[str, list[Answer]]) -> None:
    """A refusal of our own side's would prove nothing; raises `WrongAnswer`."""
    for name, answers in found.items():
        for answer in answers:
            theirs = any(sign in answer.detail.lower() for sign in BY_THE_OTHER_END)
            if answer.verdict is Verdict.REFUSED and not theirs:
                raise WrongAnswer(f"{name}: refused, but not by the other end: {answer.detail}")
