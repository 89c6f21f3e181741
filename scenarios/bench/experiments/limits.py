"""What does the cryptography itself cost, below which no lock can go?

Each act by itself, in this process, one thread, CPU time, 2000 times a turn or fewer where one takes long; with the
library and the key sizes that the shop has.  A handshake is TLS 1.3 over memory, P-256 leaves under an intermediate:
with a certificate of the server's alone, and with one of each.  The figure is the server's end of it, the client's is
told beside it.  Both verify strictly, and against a revocation list of each CA of the chain, as ours do; `without a
revocation list` the server does not.

What the figures do not say: what getting there costs: parsing, a socket, a call into the library from its wrapper.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from scenarios.bench.contest import Contestant, Goal, NotProven, Sample, hold
from scenarios.bench.experiment import Result, Sizes, Told, rows
from scenarios.bench.ground import Ground, laid, leaf
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
        listening = partial(tls.server_context, ground.shop.tls_dir("orders"))
        unlisted = _without_list(ground)
        contestants: list[Contestant] = [
            Acting("ES256 verify", _es256(), many),
            Acting("RS256 verify", _rs256(), many),
            Acting("SHA-256 of a token", lambda: hashlib.sha256(TOKEN).digest(), many),
            Acting("argon2id", lambda: HASHER.verify(stored, "wonderland"), max(few, 5)),
            Acting("SQLite read", lambda: _person(store), many),
            Shaking("TLS handshake", listening("none"), ground.client(None), some),
            Shaking("mutual TLS handshake", listening("required"), ground.client("gateway"), some),
            Shaking("mutual TLS handshake without a revocation list", unlisted, ground.client("gateway"), some),
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


@dataclass(frozen=True)
class Shaking:
    """A contestant that is a handshake over memory (RFC 8446 §2)."""

    name: str
    listening: ssl.SSLContext
    connecting: ssl.SSLContext
    count: int

    def prove(self) -> list[str]:
        """The server has seen whom it asks for, and speaks TLS 1.3."""
        server, client = self._ends()
        self._shake(server, client)
        shown = server.getpeercert(binary_form=True) is not None
        if server.version() != "TLSv1.3" or shown != (self.listening.verify_mode is ssl.CERT_REQUIRED):
            raise NotProven(f"{self.name}: {server.version()}, certificate of the client: {shown}")
        return [f"{server.version()}, certificate of the client: {'yes' if shown else 'no'}"]

    def turn(self) -> Sample:
        """Shake hands so many times."""
        spent = [self._shake(*self._ends()) for _ in range(self.count)]
        server, client = (sum(each) / self.count * 1e6 for each in zip(*spent, strict=True))
        return Sample(server, also={"client_us": client})

    def _ends(self) -> tuple[ssl.SSLObject, ssl.SSLObject]:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self.listening.wrap_bio(to_server, to_client, server_side=True)
        return server, self.connecting.wrap_bio(to_client, to_server, server_hostname="orders")

    def _shake(self, server: ssl.SSLObject, client: ssl.SSLObject) -> tuple[float, float]:
        """CPU seconds of each end, the server's first."""
        spent = {server: 0.0, client: 0.0}
        for end in (client, server, client, server):
            began = time.process_time()
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            spent[end] += time.process_time() - began
        return spent[server], spent[client]


def _without_list(ground: Ground) -> ssl.SSLContext:
    """The server's context, had it no revocation list."""
    directory = ground.shop.tls_dir("orders")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    context.load_cert_chain(*leaf(directory))
    context.load_verify_locations(directory / "bundle.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


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
