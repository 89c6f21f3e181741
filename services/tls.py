"""TLS contexts that follow their files, and the name of whoever is at the other end.

A certificate, key or CRL that changes on disk is in force at the next connection, without a restart: contexts are
cached under their files' modification times.  Every context speaks TLS 1.3 only, verifies strictly (RFC 5280), and
refuses everybody when a CRL is out of date, and does not start without one: fail closed.  Each CA of a chain needs its
own, so an intermediate that our CA does not know of is refused, whoever signed it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from services import following

TRUST_DOMAIN = "shop.test"
# SPIFFE-ID §2: a lower-case trust domain; no empty, `.` or `..` segment, no query, no percent-encoding.  We issue one
# segment, so one is all we read.
SPIFFE_ID = re.compile(rf"\Aspiffe://{re.escape(TRUST_DOMAIN)}/([a-z][a-z0-9-]{{0,62}})\Z", re.ASCII)

log = logging.getLogger(__name__)
Files = tuple[str, ...]
_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CLIENT_CERTIFICATE = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class BadPeer(Exception):
    """The peer's certificate is genuine, but not one that may name a service."""


@dataclass(frozen=True)
class Peer:
    """The service at the other end of a mutual TLS connection, as its certificate names it."""

    name: str
    spiffe_id: str
    thumbprint: str
    """`x5t#S256`: base64url of the SHA-256 of the certificate (RFC 8705 §3.1)."""


class Socket(ssl.SSLSocket):
    """A TLS connection whose end is nobody else's trouble.

    OpenSSL keeps its errors per thread.  When a peer has hung up and a write fails, CPython leaves the error there
    (https://github.com/python/cpython/issues/148594), and the next read on this thread fails with it, on a connection
    that is well: whoever hangs up early would break somebody else's request.
    """

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except OSError:
            forget_errors()
            raise


def forget_errors() -> None:
    """Empty this thread's list of OpenSSL's errors, as OpenSSL itself does when it begins a handshake."""
    with contextlib.suppress(ssl.SSLWantReadError):
        _nobody.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="nobody").do_handshake()


def server_context(tls_dir: Path, client: Literal["none", "optional", "required"]) -> ssl.SSLContext:
    """What a connection to us must prove.  Ask at each connection: the context is for the files as they are then.

    Raises `OSError` (`ssl.SSLError` included) when there is nothing usable and never has been.
    """
    return _current(_server_context, _files(tls_dir), client)


def client_context(bundle: Path, cert: tuple[str, str] | None) -> ssl.SSLContext:
    """What we demand of a server, and the `(leaf, key)` we show it, if any; `crl.pem` lies beside `bundle`."""
    return _current(_client_context, (str(bundle), str(bundle.with_name("crl.pem")), *(cert or ())))


def _files(tls_dir: Path) -> Files:
    return tuple(str(tls_dir / name) for name in ("bundle.pem", "crl.pem", "leaf.pem", "key.pem"))


def _server_context(files: Files, client: str) -> ssl.SSLContext:
    bundle, crl, leaf, key = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # RFC 9325 §3.1.1
    context.num_tickets = 0  # a resumed session would skip the CRL (RFC 8446 §4.6.1)
    context.load_cert_chain(leaf, key)
    context.verify_mode = _CLIENT_CERTIFICATE[client]
    if context.verify_mode is not ssl.CERT_NONE:
        _trust(context, bundle, crl)
    return context


def _client_context(files: Files) -> ssl.SSLContext:
    bundle, crl, *own = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the chain and the host name by default
    context.sslsocket_class = Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.hostname_checks_common_name = False  # OpenSSL would, where a leaf has no DNS name (RFC 9525 §2)
    _trust(context, bundle, crl)
    if own:
        context.load_cert_chain(*own)
    return context


def _trust(context: ssl.SSLContext, bundle: str, crl: str) -> None:
    """Trust `bundle` and nothing else, and no leaf or intermediate that `crl` takes back (RFC 5280 §6.3)."""
    context.load_verify_locations(bundle)
    context.load_verify_locations(crl)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN | ssl.VERIFY_X509_STRICT


_contexts: dict[tuple[Any, ...], tuple[tuple[following.Stamp, ...], ssl.SSLContext]] = {}


def _current(build: Any, files: Files, *options: str) -> ssl.SSLContext:
    """The context for `files` as they are now: built again when one changed, the last good one while that fails.

    A leaf and its key are two files, so a reader can meet the new one beside the old other.  Keeping the last good
    context for that moment stays safe: its certificate and its CRL end by their own dates.
    """
    key = (build, files, options)
    known = _contexts.get(key)
    try:
        stamp = tuple(map(following.stamp, files))
    except OSError:
        if known is None:
            raise
        return known[1]
    if known and known[0] == stamp:
        return known[1]
    try:
        context = build(files, *options)
    except OSError as error:
        if known is None:
            raise
        log.warning("%s cannot be used, going on with what was there before: %s", files[-1], error)
        context = known[1]
        if not isinstance(error, ssl.SSLError):  # they may be well, and it was we who could not read at that moment
            return context
    _contexts[key] = (stamp, context)
    return context  # type: ignore[no-any-return]  # `build` is one of the two above


_peers: WeakKeyDictionary[ssl.SSLSocket, Peer] = WeakKeyDictionary()
"""Who is at the other end of each open connection: TLS 1.3 knows no new handshake, so that stays the same."""


def peer(environ: Mapping[str, Any]) -> Peer | None:
    """Who is at the other end of this request's connection; None when no certificate was shown, or `BadPeer`."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, ssl.SSLSocket):
        return None
    found = _peers.get(connection)
    if found is None and (der := connection.getpeercert(binary_form=True)):
        found = _peers[connection] = peer_of(der)
    return found


@functools.lru_cache(maxsize=256)
def peer_of(der: bytes) -> Peer:
    """Read the service's name from a certificate whose chain TLS has already verified.

    OpenSSL accepts a client certificate without extended key usage, and a CA certificate as a client; X509-SVID §4 and
    §5.2 do not, so these are checked here.  Exactly one URI SAN, or none of them counts (X509-SVID §2).
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError) as error:
        raise BadPeer(f"the certificate cannot be read, or lacks an extension: {error}") from None
    if constraints.ca:
        raise BadPeer("a CA certificate is not a service")
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise BadPeer("the certificate is not for clients (no clientAuth)")
    spiffe_id = _only_uri(names)
    match = SPIFFE_ID.match(spiffe_id)
    if not match:
        raise BadPeer("the certificate's URI is no SPIFFE ID of this trust domain")
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    return Peer(match[1], spiffe_id, thumbprint)


def _only_uri(names: x509.SubjectAlternativeName) -> str:
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise BadPeer(f"the certificate carries {len(uris)} URI names, not exactly one")
    return uris[0]
