"""Makes everything a shop needs before its first process starts: people, secrets, the CA and the leaves.

The same code in both runtimes: in this process for the local one, in a one-shot container for Compose.  Each secret
goes into the directory of the one process that needs it, and nowhere else.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from certs import CA
from compose import clients, remember
from compose.topology import CALLERS, EDGE, INSIDE, PEOPLE, Variant, variant
from services import passwords
from services.users import UserStore


def provision(shop_dir: Path, pattern: str, *, edge: str, name: str) -> None:
    """Fill `shop_dir` for the shop called `name`, whose gateway answers at `edge`; what is finished stays as it is.

    `clients.json` is written last and says that all is there, so an interrupted attempt is made again from the start.
    """
    done = shop_dir / "idp" / "secrets" / "clients.json"
    if done.exists():
        return
    shape = variant(pattern)
    _directories(shop_dir)
    _people(shop_dir / "users" / "users.db")
    _certificates(shop_dir, shape, name)
    held = _secrets(shape)
    for process, files in held.items():
        for file, content in files.items():
            remember.replace(shop_dir / process / "secrets" / file, content)
    client_secrets = {process: files["client_secret"] for process, files in held.items() if "client_secret" in files}
    remember.replace(done, json.dumps(clients.registrations(pattern, edge, client_secrets), indent=2) + "\n")


def _directories(shop_dir: Path) -> None:
    """A directory per process, for its owner only; in a container the volumes are there already."""
    places = [f"{name}/{part}" for name in (*EDGE, *INSIDE) for part in ("tls", "secrets", "data")]
    for place in ("ca", "users", *places):
        (shop_dir / place).mkdir(mode=0o700, parents=True, exist_ok=True)


def _people(path: Path) -> None:
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    store = UserStore(path, writable=True)
    for person in PEOPLE:
        store.add(person.name, person.password, person.scopes, person.full_name, person.email)
    path.chmod(0o600)


def _certificates(shop_dir: Path, shape: Variant, name: str) -> None:
    for leftover in (shop_dir / "ca").iterdir():
        leftover.unlink()
    hosts = sorted({host for dns_names in shape.leaves.values() for host in dns_names})
    authority = CA.create(shop_dir / "ca", name=f"Five Locks {name}", hosts=hosts)
    for process, dns_names in shape.leaves.items():
        authority.issue(process, shop_dir / process / "tls", dns_names)


def _secrets(shape: Variant) -> dict[str, dict[str, str]]:
    """The content of each file that `shape` gives each process; `clients.json` is not one of them yet."""
    chosen = {name: secrets.token_urlsafe(32) for name, files in shape.secrets.items() if "password" in files}
    return {
        name: {file: _secret(file, name, chosen) for file in files if file != "clients.json"}
        for name, files in shape.secrets.items()
    }


def _secret(file: str, name: str, chosen: Mapping[str, str]) -> str:
    if file == "password":
        return chosen[name]
    if file == "callers.json":
        return json.dumps({caller: passwords.HASHER.hash(chosen[caller]) for caller in CALLERS[name]})
    return secrets.token_urlsafe(32)


def main() -> None:
    """Provision the shop that the environment describes: the whole life of the `provision` container."""
    shop_dir, pattern = Path(os.environ["SHOP_DIR"]), os.environ["SHOP_PATTERN"]
    provision(shop_dir, pattern, edge=os.environ["SHOP_EDGE"], name=f"fivelocks-{pattern}")


if __name__ == "__main__":
    os.umask(0o077)
    main()
