"""The roots and intermediates as files: made, opened, and put away.

    root.1.pem      root.1-key.pem         a certificate and its key (0600), written once and never changed
    issuing.1.pem   issuing.1-key.pem

`index.json` says which of them count.  So they are in place before it is written, and what a crash left behind in
between is as if it had never been: nobody reads it, and `put_away` removes it.
"""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import files, profiles
from certs.errors import NoAuthority
from certs.index import Authority, Index
from certs.profiles import Issuer

Signed = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


class Vault:
    """The keys in the CA's directory, each read once for as long as its certificate lies there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._opened: dict[str, Issuer] = {}

    def issuer(self, name: str, trust_domain: str) -> Issuer:
        """The root or intermediate of this name, able to sign; raises NoAuthority when its files are not there."""
        try:
            certificate = x509.load_pem_x509_certificate(self.pem(name))
            # One that was never recorded leaves its name free, and another process may have made it anew since.
            if name in self._opened and self._opened[name].certificate == certificate:
                return self._opened[name]
            key = serialization.load_pem_private_key((self._directory / f"{name}-key.pem").read_bytes(), None)
        except FileNotFoundError as error:
            raise NoAuthority(f"there is no CA in {self._directory} any more: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NoAuthority(f"{self._directory}/{name}-key.pem is not an EC key: this CA did not make it")
        self._opened[name] = Issuer(certificate, key, trust_domain)
        return self._opened[name]

    def pem(self, name: str) -> bytes:
        """The certificate of this name as a file holds it."""
        return (self._directory / f"{name}.pem").read_bytes()

    def with_root(self, index: Index, now: datetime) -> Index:
        """Make a root, and say so in the index that is returned; raises BadName for a trust domain that is none."""

        def sign(title: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
            return profiles.root(key, name=title, trust_domain=index.trust_domain, now=now, lifetimes=index.lifetimes)

        name = index.next_name("root")
        return index.with_authorities(self._made(name, name, index, now, sign))

    def with_intermediate(self, index: Index, root: str, now: datetime) -> Index:
        """Make an intermediate under this root, and say so in the index that is returned; raises IssuerExpired."""

        def sign(title: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
            return profiles.intermediate(
                self.issuer(root, index.trust_domain),
                key.public_key(),
                name=title,
                hosts=index.hosts,
                now=now,
                lifetimes=index.lifetimes,
            )

        return index.with_authorities(self._made(index.next_name("issuing"), root, index, now, sign))

    def _made(
        self,
        name: str,
        issuer: str,
        index: Index,
        now: datetime,
        sign: Callable[[str, ec.EllipticCurvePrivateKey], x509.Certificate],
    ) -> Authority:
        # The number is in the subject too: a reader that looks for an issuer, or its CRL, by name finds one.
        key = profiles.new_key()
        certificate = sign(f"{index.name} {name}", key)
        made = {f"{name}-key.pem": profiles.key_pem(key), f"{name}.pem": profiles.pem(certificate)}
        files.replace(self._directory, made)
        self._opened[name] = Issuer(certificate, key, index.trust_domain)
        serial = f"{certificate.serial_number:040x}"
        return Authority(name, serial, issuer, issued=now, not_after=certificate.not_valid_after_utc)

    def put_away(self, index: Index) -> None:
        """Remove what the index does not know: a root that nobody trusts any more should have no key either."""
        known = {each.name for each in index.authorities}
        for path in self._directory.glob("*.pem"):
            found = re.fullmatch(r"((?:root|issuing)\.[0-9]+)(-key)?\.pem", path.name)
            if found and found[1] not in known:
                path.unlink(missing_ok=True)
                self._opened.pop(found[1], None)
