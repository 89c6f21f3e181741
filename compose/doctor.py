"""Looks at the machine and at the shops on it, and says what is wrong and how to mend it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from compose import containers, engine, lockstep, ports, processes, remember
from compose.refusals import CannotRun
from compose.shop import Shop, open_shop
from compose.topology import EDGE, INSIDE, PROCESSES, REPO, Ports

OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True)
class Finding:
    """One thing looked at: well (`mend` is empty), or wrong and to be mended like this."""

    what: str
    mend: str = ""


def examine(run_root: Path) -> Iterator[Finding]:
    """Everything worth looking at, in the order in which it should be mended."""
    yield from _python()
    yield from _tools()
    yield from _files(run_root)
    yield from _shops(run_root)
    yield from _leftovers(run_root)
    yield from _ports(run_root)


def _python() -> Iterator[Finding]:
    version = sys.version_info[:2]
    oldest, newest = (".".join(map(str, end)) for end in lockstep.SUPPORTED)
    supported = lockstep.SUPPORTED[0] <= version <= lockstep.SUPPORTED[1]
    mend = "" if supported else f"rm -r .venv; PYTHON=/path/to/python{newest} make up (from {oldest} to {newest})"
    yield Finding(f"Python {version[0]}.{version[1]} at {sys.executable}", mend)
    differ = lockstep.differences(REPO / "requirements-dev.txt")
    if differ:
        yield Finding(f"packages out of step with the lock: {', '.join(differ[:5])}", "rm -r .venv; make doctor")
    else:
        yield Finding("packages as the lock says")


def _tools() -> Iterator[Finding]:
    if shutil.which("make") is None:
        yield Finding("there is no make", "install it, for example: apt install make")
    missing = engine.trouble()
    yield Finding(f"no containers, so RUNTIME=local: {missing}" if missing else "a Docker engine and Compose answer")


def _files(run_root: Path) -> Iterator[Finding]:
    if not run_root.exists():
        return
    wrong = [path for path in (run_root, *run_root.glob("fivelocks-*")) if path.stat().st_mode & OPEN_TO_OTHERS]
    secret = (*run_root.glob("fivelocks-*/*/secrets/*"), *run_root.glob("fivelocks-*/*/tls/key.pem"))
    wrong += [path for path in secret if path.stat().st_mode & OPEN_TO_OTHERS]
    if wrong:
        yield Finding(f"open to other users: {', '.join(map(str, wrong[:5]))}", f"chmod -R go= {run_root}")
    else:
        yield Finding(f"{run_root} is closed to other users")


def _shops(run_root: Path) -> Iterator[Finding]:
    for name, known in remember.shops(run_root).items():
        shop = open_shop(known.pattern, known.runtime, known.ports, run_root)
        try:
            found = shop.status()
        except CannotRun as trouble:
            yield Finding(f"{name}: {trouble.what}", trouble.mend)
            continue
        if not any(status.ident for status in found):
            yield Finding(f"{name} is remembered, but nothing of it runs (a reboot?)", f"make down {known.meant}")
            continue
        ill = [status for status in found if status.health != "healthy"]
        said = ", ".join(f"{status.name} is {status.health}" for status in ill)
        yield Finding(f"{name}: {said or 'every process is healthy'}", shop.mend(ill) if ill else "")
        yield from _dates(shop)


def _dates(shop: Shop) -> Iterator[Finding]:
    """Whether the clock and what the CA signed agree."""
    now = datetime.now(UTC)
    for name in (*EDGE, *INSIDE):
        if name not in shop.variant.leaves:
            continue
        try:
            tls_dir = shop.tls_dir(name)
            leaf = x509.load_pem_x509_certificate((tls_dir / "leaf.pem").read_bytes())
            crl = x509.load_pem_x509_crl((tls_dir / "crl.pem").read_bytes())
        except (OSError, ValueError) as error:
            yield Finding(f"{shop.name}: {name} has no usable certificate ({error})", f"make down up {shop.meant}")
            continue
        except CannotRun as trouble:
            yield Finding(f"{shop.name}: {trouble.what}", trouble.mend)
            continue
        if now < leaf.not_valid_before_utc:
            yield Finding(f"{shop.name}: {name}'s leaf is not valid yet (the clock?)", f"make down up {shop.meant}")
        elif now > leaf.not_valid_after_utc or (crl.next_update_utc and now > crl.next_update_utc):
            yield Finding(f"{shop.name}: {name}'s leaf or CRL expired", f"make restart NAME=ca {shop.meant}")


def _leftovers(run_root: Path) -> Iterator[Finding]:
    known = remember.shops(run_root)
    for name in sorted(processes.left_over(run_root) | containers.left_over(run_root)):
        if name not in known:
            yield Finding(f"processes of {name} run, but nothing remembers it", _down(name))
    for path in sorted(run_root.glob("fivelocks-*")):
        if path.name not in known:
            yield Finding(f"{path} is left over from a start that did not end well", _down(path.name))


def _down(name: str) -> str:
    """The command that ends the shop called `name`."""
    _, pattern, *base = name.split("-")
    return " ".join(["make down", f"PATTERN={pattern}", *(f"PORT_BASE={port}" for port in base)])


def _ports(run_root: Path) -> Iterator[Finding]:
    """Whether the next `make up` finds the usual ports free, or knows whose they are."""
    usual = Ports()
    ours = {known.ports.of(name) for known in remember.shops(run_root).values() for name in PROCESSES}
    for name in PROCESSES:
        port = usual.of(name)
        if port is not None and port not in ours and not ports.is_free(port):
            what = f"port {port} ({name}) is taken by {ports.holder(port)}"
            yield Finding(what, "end that, or use other ports: PORT_BASE=9100 make up")
