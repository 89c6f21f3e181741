"""The certificate of a process, by which it proves itself as a server and, where that is asked for, as a client."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from compose.topology import CALLERS
from scenarios.rotations.rotation import Rotation, Step, buys, done
from scenarios.verdict import Verdict
from scenarios.world import World
from services import tls

# Whoever connects is shown the leaf before being asked for one, so this tells of every listener.
SHOWN = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2]))))"


@dataclass(frozen=True)
class Pair:
    """A certificate, with the intermediate that goes along, and its key."""

    name: str
    leaf: str
    key: str = field(repr=False)

    @classmethod
    def of(cls, world: World, name: str) -> Pair:
        """What `name` has now."""
        tls_dir = world.shop.tls_dir(name)
        return cls(name, *((tls_dir / file).read_text() for file in ("leaf.pem", "key.pem")))


def certificate(world: World, name: str) -> Rotation:
    """The certificate of `name`: the CA issues another, and takes the old one back once the new one is shown."""
    old = Pair.of(world, name)
    serial = f"{x509.load_pem_x509_certificate(old.leaf.encode()).serial_number:040x}"
    issue = Step(
        f"the CA issues a new certificate to {name}",
        lambda: done(world, "ca", "-m", "certs", "rotate", "leaf", name),
        {name: partial(shows_another, world, old)},
    )
    others = [other for other in world.shop.variant.leaves if other != name]
    revoke = Step(
        "the CA takes the old certificate back, and tells everybody",
        lambda: done(world, "ca", "-m", "certs", "revoke", serial, "--reason", "superseded"),
        {other: partial(refuses, world, other, old) for other in others},
    )
    return Rotation("service certificate", (issue,), lambda: buys(world), revoke)


def shows_another(world: World, old: Pair) -> bool:
    """Whether a process shows a certificate that is not its old one."""
    shown = shown_by(world, old.name)
    return shown is not None and shown not in old.leaf


def refuses(world: World, other: str, old: Pair) -> bool:
    """Whether `other`, as a client, does not believe a server with the old one, nor, as a server, lets a client in."""
    if believed(world.shop.tls_dir(other), old.name, old.leaf + old.key):
        return False
    if old.name in CALLERS.get(other, ()) and world.pattern in {"mtls", "zerotrust"}:
        return world.inside(other, "GET", "/healthz", cert=old.leaf, key=old.key).verdict is Verdict.REFUSED
    return True


def shown_by(world: World, name: str) -> str | None:
    """The certificate that `name` shows to a neighbour who connects; None when nobody opens."""
    address = urlsplit(world.address(name))
    neighbour = "orders" if name == "gateway" else "gateway"
    where = [str(address.hostname), str(address.port)]
    shown = world.shop.run(neighbour, ["python", "-c", SHOWN, *where]).stdout.strip()
    return shown if shown.startswith("-----BEGIN") else None


def believed(tls_dir: Path, name: str, pem: str) -> bool:
    """Whether the service that has `tls_dir` would take a server with this certificate and key for `name`."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        theirs.load_cert_chain(file.name)
    ours = tls.client_context(tls_dir / "bundle.pem", None)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(back, there, server_hostname=name)
    server = theirs.wrap_bio(there, back, server_side=True)
    for end in (client, server, client):  # ClientHello; the server's whole flight; what the client makes of it
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True
