"""The ground that a lock is measured on: a CA, people, an identity provider that runs, and credentials without end.

It is provisioned as a shop is, so every pattern finds its files in it; of its processes only the identity provider
runs, as it does in the shop.  What is measured plays `orders`, and whoever asks plays the gateway.
"""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from certs import CA
from compose import ports, remember, topology
from compose.provision import provision
from compose.shop import Shop, open_shop
from idp.keys import Ring
from scenarios.bench import serving
from scenarios.bench.serving import Process
from scenarios.shopper import Shopper
from services import tls
from services.passwords import HASHER
from services.settings import Settings
from services.users import UserStore

PASSWORD = "wonderland"
"""Alice's, and every newcomer's."""
HOSTS = ("orders", "localhost")
"""Of the measured service's leaf; the second is for callers that cannot tell a name from an address."""


@dataclass(frozen=True)
class Ground:
    """The files of a shop, and its identity provider at work."""

    shop: Shop
    idp: Process
    password: str
    """The gateway's own, under `subsystem`."""
    stranger: Path
    """The directory of a leaf that another CA has issued."""

    def environ(self, pattern: str, port: int, **more: str) -> dict[str, str]:
        """What `orders` is told under `pattern`."""
        scheme = "http" if pattern == "perimeter" else "https"
        told = topology.environment(
            pattern,
            shop_dir=str(self.shop.dir),
            host="127.0.0.1",
            port=port,
            issuer=self.shop.issuer,
            edge=self.shop.edge,
            peers={"orders": f"{scheme}://localhost:{port}"},
        )
        return told | more

    def caller(self, pattern: str, port: int) -> Settings:
        """What the gateway is told under `pattern`, when `orders` listens on `port`."""
        told = {name.removeprefix("SHOP_").lower(): value for name, value in self.environ(pattern, port).items()}
        return Settings.model_validate({**told, "service": "gateway", "peers": json.loads(told["peers"])})

    @contextmanager
    def served(self, pattern: str, *arguments: str, entry: str = "served", **more: str) -> Iterator[Process]:
        """The endpoint of `served` under `pattern`, or of another `entry` of the bench; `more` of the environment."""
        [port] = ports.some(1)
        argv = ("-m", f"scenarios.bench.{entry}", *arguments)
        with serving.running(argv, self.environ(pattern, port, **more), port, self.shop.dir / "served") as process:
            yield process

    def client(self, name: str | None) -> ssl.SSLContext:
        """What a caller of ours connects with; with a `name`, it shows that service's certificate."""
        bundle = self.shop.tls_dir("gateway") / "bundle.pem"
        return tls.client_context(bundle, leaf(self.shop.tls_dir(name)) if name else None)

    def rogue(self) -> ssl.SSLContext:
        """A context that shows a certificate of another CA's, made out to the gateway."""
        return tls.client_context(self.shop.tls_dir("gateway") / "bundle.pem", leaf(self.stranger))

    @cached_property
    def shopper(self) -> Shopper:
        """Alice, with a token from the real code flow, opaque and renewed in time."""
        return Shopper(self.shop, "alice")

    @cached_property
    def _ring(self) -> Ring:
        return Ring(self.shop.dir / "idp" / "data")

    def jwt(self, **changes: Any) -> str:
        """An access token for `orders` as the identity provider would sign it, never seen before; it lives an hour."""
        now = int(time.time())
        claims = {
            "iss": self.shop.issuer,
            "aud": ["orders"],
            "sub": "alice",
            "client_id": "gateway",
            "iat": now,
            "exp": now + 3600,
            "jti": secrets.token_urlsafe(32),
            "scope": " ".join(topology.CUSTOMER),
            "auth_time": now,
        }
        return self._ring.sign(claims | changes, "ES256", "at+jwt")

    def newcomers(self, prefix: str, count: int) -> list[str]:
        """So many new people, all with `PASSWORD`, each with a hash of their own."""
        store = UserStore(self.shop.dir / "users" / "users.db", writable=True)
        names = [f"{prefix}-{number}" for number in range(count)]
        for name in names:
            store.add(name, PASSWORD, topology.CUSTOMER)
        return names


@contextmanager
def laid() -> Iterator[Ground]:
    """A ground of its own inside the block, in a directory that is gone after it."""
    with TemporaryDirectory(prefix="bench-") as root, ExitStack() as open_:
        shop = open_shop("oauth2", "local", "free", Path(root).resolve())
        shop.dir.mkdir(mode=0o700)
        provision(shop.dir, "oauth2", edge=shop.edge, name=shop.name)
        CA.open(shop.dir / "ca").issue("orders", shop.tls_dir("orders"), HOSTS)
        password = secrets.token_urlsafe(32)
        remember.replace(shop.secrets_dir("orders") / "callers.json", json.dumps({"gateway": HASHER.hash(password)}))
        CA.create(Path(root) / "foreign", name="Not our CA").issue("gateway", stranger := Path(root) / "stranger")
        environ = shop.environment("idp", shop_dir=str(shop.dir), host="127.0.0.1")
        idp = open_.enter_context(serving.running(("-m", "idp", "serve"), environ, shop.ports.idp, shop.dir / "served"))
        yield Ground(shop, idp.wait(), password, stranger)


def leaf(directory: Path) -> tuple[str, str]:
    """The certificate and the key in `directory`, as `requests` and `services.tls` name them."""
    return str(directory / "leaf.pem"), str(directory / "key.pem")
