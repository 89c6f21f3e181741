"""Lists of revoked certificates of any length: what loading one takes, and a handshake that looks into it.

A handshake is made in memory, both ends in this thread, so the server's side can be timed by itself.
"""

from __future__ import annotations

import os
import shutil
import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs import CA, profiles
from certs.authority import utc_now
from certs.profiles import Lifetimes, Revocation
from services import tls

SERVER, CLIENT = "orders", "gateway"


class Ends:
    """A server and a client of one CA; what the server reads lies in a directory for each length of the list."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._authority = CA.create(directory / "ca")
        for name in (SERVER, CLIENT):
            self._authority.issue(name, directory / name)
        home = directory / CLIENT
        self._client = tls.client_context(home / "bundle.pem", (str(home / "leaf.pem"), str(home / "key.pem")))

    def with_list(self, entries: int) -> Path:
        """Where a server finds its files and a list with so many `entries`; neither end is on it."""
        there = self._directory / f"{SERVER}-{entries}"
        shutil.copytree(self._directory / SERVER, there)
        index = self._authority.index()
        signs = self._authority.vault.issuer(index.signs, index.trust_domain)
        root = self._authority.vault.issuer(index.root.name, index.trust_domain)
        lists = (_list(signs, entries), _list(root, 0))  # each CA of a chain needs its own (RFC 5280 §6.3)
        (there / "crl.pem").write_bytes(b"".join(map(profiles.pem, lists)))
        return there

    def load(self, home: Path) -> float:
        """CPU microseconds to make a context of the files in `home`, which look as if they had just changed."""
        os.utime(home / "crl.pem")
        before = time.thread_time()
        tls.server_context(home, "required")
        return (time.thread_time() - before) * 1e6

    def handshake(self, home: Path) -> float:
        """CPU microseconds of the server's side of a mutual handshake, with the context that there is."""
        return server_side(tls.server_context(home, "required"), self._client, SERVER)


def server_side(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> float:
    """CPU microseconds that `server` spends on one handshake with `client`; raises `ssl.SSLError` when it fails."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    began = time.thread_time()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    spent = time.thread_time() - began
    done = False
    while not done:
        _step(theirs)
        began = time.thread_time()
        done = _step(ours)
        spent += time.thread_time() - began
    return spent * 1e6


def _step(end: ssl.SSLObject) -> bool:
    """Go on with a handshake as far as it goes; whether this end has finished."""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _list(issuer: profiles.Issuer, entries: int) -> x509.CertificateRevocationList:
    """A list of so many serial numbers that were never issued; the library's builder would copy it for each of them."""
    now, reason = utc_now(), x509.ReasonFlags.key_compromise
    like = profiles.crl(issuer, number=99, revoked=(), now=now, lifetimes=Lifetimes())
    [pattern] = profiles.crl(issuer, number=99, revoked=[Revocation(1, now, reason)], now=now, lifetimes=Lifetimes())
    revoked = [
        x509.RevokedCertificateBuilder(
            x509.random_serial_number(), pattern.revocation_date_utc, list(pattern.extensions)
        ).build()
        for _ in range(entries)
    ]
    builder = x509.CertificateRevocationListBuilder(
        like.issuer, like.last_update_utc, like.next_update_utc, list(like.extensions), revoked
    )
    return builder.sign(issuer.key, hashes.SHA256())
