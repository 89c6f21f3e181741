"""What is remembered between two commands: the pattern last named, the shops that are up, and whom clients trust.

Everything lies under `.run/` (mode 0700): `pattern`, `ca.pem`, and a directory per shop with `shop.json` in it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compose.refusals import CannotRun
from compose.topology import PATTERNS, Ports


@dataclass(frozen=True)
class Known:
    """A shop that was brought up, as `shop.json` tells it."""

    pattern: str
    runtime: str
    ports: Ports
    began: float
    """When it became healthy, in seconds since 1970."""
    manage: bool = False
    """Whether its identity provider can be managed."""
    cache_seconds: float = 0.0
    """How long its services use an answer of the identity provider's again."""

    @property
    def meant(self) -> str:
        """What a `make` command adds to mean this shop."""
        return f"PATTERN={self.pattern}" + port_base(self.ports)


def port_base(ports: Ports) -> str:
    """` PORT_BASE=9100`, or nothing for the usual ports."""
    return "" if ports.gateway == Ports.gateway else f" PORT_BASE={ports.gateway}"


def private(directory: Path) -> Path:
    """`directory`, there, and for its owner only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)
    return directory


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Write `path` whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
    os.replace(fresh, path)


@contextmanager
def locked(run_root: Path, name: str, refusal: CannotRun | None = None) -> Iterator[None]:
    """Hold the lock `name`, which ends with its holder, however that ends: whoever else wants it waits.

    With a `refusal` nobody waits: that is raised.
    """
    try:
        path = private(private(run_root) / ".locks") / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as refused:
        raise not_open_to_us(Path(refused.filename)) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError as held:
            raise refusal or held from None
        yield
    finally:
        os.close(descriptor)


def not_open_to_us(path: Path) -> CannotRun:
    """What to raise where `path` is somebody else's, or closed even to its owner."""
    mend = "do this as they would, or keep your own shops elsewhere: RUN_ROOT=/path/to/another"
    return CannotRun(f"{path} is not open to us: it belongs to {owner(path)}", mend)


def owner(path: Path) -> str:
    """The user to whom `path` belongs, or what it lies in, if we may not see as far as that."""
    while not os.access(path, os.F_OK) and path != path.parent:
        path = path.parent
    return user_name(path.stat().st_uid)


def user_name(uid: int) -> str:
    """The name of a user, as far as one is known here."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def remove(directory: Path) -> None:
    """Remove `directory` and all that is in it; `CannotRun` when it is still there then."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        who = owner(directory)
        mend = f"as {who}: chmod -R u+rwX {directory}; then, as {who} too, the same again"
        raise CannotRun(f"{directory} could not be removed: it belongs to {who}", mend)


def pattern(run_root: Path) -> str | None:
    """The pattern named last, if any."""
    try:
        word = (run_root / "pattern").read_text().strip()
    except OSError:
        return None
    return word if word in PATTERNS else None


def remember_pattern(run_root: Path, word: str) -> None:
    """Make `word` the pattern of commands that name none."""
    replace(private(run_root) / "pattern", word + "\n")


def remember_shop(shop_dir: Path, known: Known) -> None:
    """Write down that the shop in `shop_dir` is up."""
    replace(shop_dir / "shop.json", json.dumps(asdict(known), indent=2) + "\n")


def shop(shop_dir: Path) -> Known | None:
    """What is known of the shop in `shop_dir`; None when it never came up, or the file is damaged."""
    try:
        said: dict[str, Any] = json.loads((shop_dir / "shop.json").read_text())
        return Known(
            said["pattern"],
            said["runtime"],
            Ports(**said["ports"]),
            said["began"],
            said.get("manage") is True,
            float(said.get("cache_seconds", 0)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shops(run_root: Path) -> dict[str, Known]:
    """The shops that were brought up and not taken down, by name."""
    found = {path.parent.name: shop(path.parent) for path in sorted(run_root.glob("fivelocks-*/shop.json"))}
    return {name: known for name, known in found.items() if known}


def publish_trust(run_root: Path) -> None:
    """Let clients on this machine trust the shops that are up, and no other: `ca.pem` is all their trust bundles."""
    with locked(run_root, "trust"):
        bundles = []
        for path in sorted(run_root.glob("fivelocks-*/ca.pem")):
            with suppress(FileNotFoundError):  # that shop has just ended
                bundles.append(path.read_text())
        if bundles:
            replace(run_root / "ca.pem", "".join(bundles), 0o644)
        else:
            (run_root / "ca.pem").unlink(missing_ok=True)
