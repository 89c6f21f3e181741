"""In what a shop that is asked for differs from the one of its name that is up, which stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compose.refusals import CannotRun
from compose.remember import Known

if TYPE_CHECKING:
    from compose.face import Shop


def refuse_another(asked: Shop, wanted: Mapping[str, int], known: Known) -> None:
    """Raise `CannotRun` unless the shop that is up, as `known`, is `asked` for, on the ports `wanted`."""
    elsewhere = {name: known.ports.of(name) for name, port in wanted.items() if known.ports.of(name) != port}
    if known.runtime != asked.runtime:
        how = f"as {known.runtime}"
    elif asked.manage and not known.manage:
        how = "without a management door"
    elif asked.cache_seconds != known.cache_seconds:
        how = f"with CACHE_SECONDS={known.cache_seconds:g}"
    elif elsewhere:
        how = "with " + ", ".join(f"{name} on port {port}" for name, port in elsewhere.items())
    else:
        return
    raise CannotRun(f"{asked.name} is up already, {how}", f"make down {asked.meant}")
