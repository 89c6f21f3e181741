"""Opens a shop: under which pattern, in which runtime, on which ports.

    with running("jwt", runtime="local", ports="free", run_root=tmp) as shop:
        requests.get(f"{shop.edge}/api/items", verify=str(shop.ca_file), ...)
        shop.kill("billing")

What can be done with one that is open is said in `face`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from compose import engine
from compose import ports as port_book
from compose.containers import ComposeShop
from compose.face import RUN_ROOT, RuntimeName, Say, Shop, nothing
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.topology import PATTERNS, Ports

__all__ = ["RUN_ROOT", "RuntimeName", "Say", "Shop", "default_runtime", "open_shop", "running"]


def open_shop(
    pattern: str,
    runtime: str | None = None,
    ports: Ports | Literal["free"] | None = None,
    run_root: Path = RUN_ROOT,
    say: Say = nothing,
    manage: bool = False,
    cache_seconds: float = 0.0,
) -> Shop:
    """The shop under `pattern`, up or not; by default in the runtime that this machine has, on the ports of the design.

    Raises `CannotRun` for a pattern or runtime that does not exist, or that this machine cannot offer.
    """
    if pattern not in PATTERNS:
        raise CannotRun(f"there is no pattern {pattern!r}", f"choose one of {', '.join(PATTERNS)}")
    kinds: Mapping[str, type[Shop]] = {"local": LocalShop, "compose": ComposeShop}
    if runtime is not None and runtime not in kinds:
        raise CannotRun(f"there is no runtime {runtime!r}", "RUNTIME is local or compose")
    chosen = port_book.free() if ports == "free" else ports or Ports()
    kind = kinds[runtime or default_runtime()[0]]
    return kind(pattern, chosen, run_root.resolve(), say, manage, cache_seconds)


def default_runtime() -> tuple[RuntimeName, str]:
    """The runtime for this machine, and why."""
    missing = engine.trouble()
    if missing is None:
        return "compose", "a Docker engine and Compose answer"
    return "local", missing


@contextmanager
def running(
    pattern: str,
    runtime: str | None = None,
    ports: Ports | Literal["free"] | None = None,
    run_root: Path = RUN_ROOT,
    *,
    manage: bool = False,
    cache_seconds: float = 0.0,
) -> Iterator[Shop]:
    """A shop that is up and healthy inside the block, and gone after it; with `manage`, its IdP can be managed."""
    shop = open_shop(pattern, runtime, ports, run_root, manage=manage, cache_seconds=cache_seconds)
    shop.up()
    try:
        yield shop
    finally:
        shop.down()
