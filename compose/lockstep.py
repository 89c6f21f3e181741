"""Whether this Python has the packages that the lock names, no more and no less exactly.

Run by `make` before anything else, so the standard library has to do: python -m compose.lockstep requirements-dev.txt
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

SUPPORTED = ((3, 11), (3, 13))
LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s;\\]+)\s*(;[^\\]*)?")


def differences(lock: Path) -> list[str]:
    """What is missing or has another version, as `flask 3.0 instead of 3.1`; nothing when all is well."""
    found = []
    for line in lock.read_text().splitlines():
        pinned = LINE.match(line)
        if pinned is None or not _applies(pinned[3]):
            continue
        try:
            version = metadata.version(pinned[1])
        except metadata.PackageNotFoundError:
            found.append(f"{pinned[1]} {pinned[2]} is missing")
            continue
        if version != pinned[2]:
            found.append(f"{pinned[1]} {version} instead of {pinned[2]}")
    return found


def _applies(marker: str | None) -> bool:
    """Whether a requirement's environment marker (PEP 508) is true here."""
    if marker is None:
        return True
    try:
        from packaging.markers import Marker  # one of the packages in the lock
    except ImportError:
        return True
    return Marker(marker.lstrip("; ").strip()).evaluate()


def main() -> int:
    """Print the differences; exit code 1 when there are any."""
    found = differences(Path(sys.argv[1]))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
