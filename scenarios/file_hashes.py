"""A hash of each file of the shop's that a process can see, printed as JSON; with nothing but the standard library.

It is run as it stands in the place of a process, where nothing else of the scenarios is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

PASSING = ("logs/*", "*/data/*.db*", "ca/alive", "ca/lock", "*/.*")
"""What changes by itself while a shop is at work: logs, the services' stores, signs of life, drafts."""


def hashes(directory: Path) -> dict[str, str]:
    """A hash of each file below, by its path, without those that are `PASSING`."""
    found = {str(path.relative_to(directory)): path for path in sorted(directory.rglob("*"))}
    kept = {name: path for name, path in found.items() if not any(fnmatch(name, each) for each in PASSING)}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in kept.items() if path.is_file()}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are new, gone, or different."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


if __name__ == "__main__":
    print(json.dumps(hashes(Path(os.environ["SHOP_DIR"]))))
