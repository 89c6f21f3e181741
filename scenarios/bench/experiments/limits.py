"""What does the cryptography itself cost, below which no lock can go?

Each act by itself, in this process, one thread, CPU time, 2000 times a turn or fewer where one takes long; with the
library and the key sizes that the shop has.  A handshake is TLS 1.3 over memory, both ends in this process, P-256
leaves under an intermediate: with a certificate of the server's, and with one of each.  It is verified strictly, and
against a revocation list of each CA of the chain, as ours are.

What the figures do not say: what getting there costs: parsing, a socket, a call into the library from its wrapper.
"""

from __future__ import annotations

import hashlib
import sqlite3
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from scenarios.bench.contest import Contestant, Goal, NotProven, Sample, hold
from scenarios.bench.experiment import Result, Sizes, Told, rows
from scenarios.bench.ground import Ground, laid
from services import tls
from services.passwords import HASHER

GOALS: tuple[Goal, ...] = ()
TOKEN = b"t" * 700
"""As long as an access token of ours."""
Act = Callable[[], object]


def run(sizes: Sizes, told: Told) -> Result:
    """Each act in turn."""
    with laid() as ground, closing(sqlite3.connect(ground.shop.dir / "users" / "users.db")) as store:
        few, some, many = sizes.requests // 20, sizes.requests // 4, sizes.requests * 10
        stored = HASHER.hash("wonderland")
        contestants: list[Contestant] = [
            Acting("ES256 verify", _es256(), many),
            Acting("RS256 verify", _rs256(), many),
            Acting("SHA-256 of a token", lambda: hashlib.sha256(TOKEN).digest(), many),
            Acting("argon2id", lambda: HASHER.verify(stored, "wonderland"), max(few, 5)),
            Acting("SQLite read", lambda: _person(store), many),
            Acting("TLS 1.3 handshake, both ends", lambda: _handshake(ground, "none"), some),
            Acting("mutual TLS 1.3 handshake, both ends", lambda: _handshake(ground, "required"), some),
        ]
        return Result(rows(hold(contestants, sizes.rounds, told)))


@dataclass(frozen=True)
class Acting:
    """A contestant that is one act: it raises, or returns something true."""

    name: str
    act: Act
    count: int

    def prove(self) -> list[str]:
        """It does something."""
        if self.act() is False:
            raise NotProven(f"{self.name} came to nothing")
        return ["it succeeds"]

    def turn(self) -> Sample:
        """Act so many times."""
        began = time.process_time()
        for _ in range(self.count):
            self.act()
        return Sample((time.process_time() - began) / self.count * 1e6)


def _es256() -> Act:
    """RFC 7518 §3.4."""
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    signature, public = key.sign(TOKEN, algorithm), key.public_key()
    return lambda: public.verify(signature, TOKEN, algorithm)


def _rs256() -> Act:
    """RFC 7518 §3.3, with 2048 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature, public = key.sign(TOKEN, padding.PKCS1v15(), hashes.SHA256()), key.public_key()
    return lambda: public.verify(signature, TOKEN, padding.PKCS1v15(), hashes.SHA256())


def _person(store: sqlite3.Connection) -> object:
    return store.execute("SELECT * FROM people WHERE name = ?", ("alice",)).fetchone() is not None


def _handshake(ground: Ground, client: str) -> object:
    """Both ends of one, until the server has the client's certificate too (RFC 8446 §2)."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    listening = tls.server_context(ground.shop.tls_dir("orders"), client)  # type: ignore[arg-type]  # one of its three
    connecting = ground.client("gateway" if client == "required" else None)
    ours = connecting.wrap_bio(to_client, to_server, server_hostname="orders")
    theirs = listening.wrap_bio(to_server, to_client, server_side=True)
    for end in (ours, theirs, ours, theirs):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return theirs.version() == "TLSv1.3" and bool(theirs.getpeercert(binary_form=True)) == (client == "required")
