"""Who there is in a shop, who listens where, and who holds which secret, under each pattern.

Every such decision is made here once.  Both runtimes and provisioning read it; `compose.yaml` has to repeat some of it
in its own words, and a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
TOKEN_PATTERNS = ("oauth2", "jwt", "zerotrust")

EDGE = ("gateway", "idp")  # what people's browsers reach: HTTPS under every pattern
INSIDE = ("orders", "inventory", "billing")
PROCESSES = ("ca", *EDGE, *INSIDE)

COMMANDS: dict[str, tuple[str, ...]] = {
    "ca": ("-m", "certs", "keep"),
    "idp": ("-m", "idp", "serve"),
    **{name: ("-m", "services", name) for name in ("gateway", *INSIDE)},
}
"""What Python is told to run as each process."""

CALLERS: dict[str, tuple[str, ...]] = {
    "orders": ("gateway",),
    "inventory": ("gateway", "orders"),
    "billing": ("orders",),
}
"""Who has any business calling each service."""


@dataclass(frozen=True)
class Ports:
    """Where each process listens; `manage` is for the identity provider's management, off unless asked for."""

    gateway: int = 8443
    idp: int = 9443
    manage: int = 9444
    orders: int = 8101
    inventory: int = 8102
    billing: int = 8103

    @classmethod
    def based(cls, base: int) -> Ports:
        """Six ports in a row, from `base` on, in the order of the fields."""
        return cls(*range(base, base + len(fields(cls))))

    def of(self, name: str) -> int | None:
        """The port of process `name`; None for the CA, which does not listen."""
        port: int | None = getattr(self, name, None)
        return port


@dataclass(frozen=True)
class Person:
    """Somebody who shops here.  Demo: production would not know anyone's password."""

    name: str
    password: str
    scopes: tuple[str, ...]
    full_name: str

    @property
    def email(self) -> str:
        return f"{self.name}@shop.test"


CUSTOMER = ("items:read", "orders:read", "orders:write")
SUPPORT = (*CUSTOMER, "orders:read:any", "orders:refund")
PEOPLE = (
    Person("alice", "wonderland", CUSTOMER, "Alice Liddell"),
    Person("bob", "builder", CUSTOMER, "Bob Builder"),
    Person("carol", "christmas", SUPPORT, "Carol Noel"),
    Person("mallory", "malice", CUSTOMER, "Mallory Malice"),
)


@dataclass(frozen=True)
class Variant:
    """What the env file of one pattern says: how the same containers, or processes, are put together."""

    pattern: str
    profile: str
    inner_scheme: str
    users_edge: bool
    users_inside: bool

    @property
    def leaves(self) -> dict[str, tuple[str, ...]]:
        """The DNS names in each certificate: `localhost` for the edge alone, or impersonation inside went unseen."""
        edge = {"gateway": ("gateway", "localhost"), "idp": ("idp", "idp.localhost", "localhost")}
        return edge if self.inner_scheme == "http" else edge | {name: (name,) for name in INSIDE}

    @property
    def readers(self) -> tuple[str, ...]:
        """Who can read the user store, beside the identity provider, which writes it."""
        return ("gateway",) * self.users_edge + INSIDE * self.users_inside

    @property
    def secrets(self) -> dict[str, tuple[str, ...]]:
        """The files in each process's `secrets/`: nobody holds more than this pattern needs."""
        holds: dict[str, list[str]] = {name: [] for name in (*EDGE, *INSIDE)}
        holds["gateway"].append("cookie_key")
        holds["idp"] += ["cookie_key", "clients.json"]
        if self.pattern == "subsystem":
            for name in {caller for callers in CALLERS.values() for caller in callers}:
                holds[name].append("password")
            for name in CALLERS:
                holds[name].append("callers.json")
        confidential = {"oauth2": ("gateway", *INSIDE), "jwt": ("gateway",)}
        for name in confidential.get(self.pattern, ()):
            holds[name].append("client_secret")
        return {name: tuple(files) for name, files in holds.items()}


def env_file(pattern: str) -> Path:
    """The env file that makes the one compose.yaml the shop under `pattern`."""
    return REPO / "compose" / f"{pattern}.env"


def assignments(pattern: str) -> dict[str, str]:
    """The `NAME=value` lines of the env file of `pattern`."""
    lines = (line.strip() for line in env_file(pattern).read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def variant(pattern: str) -> Variant:
    """What the env file of `pattern` says, as data; `KeyError` when it does not say enough."""
    said = assignments(pattern)
    return Variant(
        said["PATTERN"],
        said["COMPOSE_PROFILES"],
        said["INNER_SCHEME"],
        said["USERS_EDGE"] == "users",
        said["USERS_INSIDE"] == "users",
    )


def environment(
    pattern: str,
    *,
    shop_dir: str,
    host: str,
    port: int | None,
    issuer: str,
    edge: str,
    peers: Mapping[str, str],
    cache_seconds: float = 0.0,
) -> dict[str, str]:
    """All that the process listening on `port` is told from outside, and no secret among it."""
    told = {"SHOP_PATTERN": pattern, "SHOP_DIR": shop_dir}
    if port is None:
        return told
    return told | {
        "SHOP_HOST": host,
        "SHOP_PORT": str(port),
        "SHOP_ISSUER": issuer,
        "SHOP_PEERS": json.dumps(dict(peers), separators=(",", ":")),
        "SHOP_EDGE": edge,
        "SHOP_CACHE_SECONDS": f"{cache_seconds:g}",
    }
