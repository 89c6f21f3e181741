"""Secrets made for one run, looked for wherever they may have stayed: in the memory of processes and in files.

Only the standard library and one file, so that the same program runs here and in a container, where it reads what to
look for as JSON from its argument and prints the names of what it found in each file, and never a secret:

    {"root": …, "secrets": {name: [base64 of a spelling, …]}}
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Secrets = Mapping[str, tuple[bytes, ...]]
"""What to look for: by its name, in each of its spellings."""
PIECE = 4 * 1024 * 1024
OVERLAP = 4096
"""More than any secret of ours is long: what lies across two pieces is whole in one of them."""
JWT = re.compile(rb"(eyJ[\w-]{8,1024})\.(eyJ[\w-]{8,3072})\.[\w-]{86}(?![\w-])", re.ASCII)
"""A signed token, with an ES256 signature that is all there (RFC 7518 §3.4)."""


def in_octets(octets: bytes, secrets: Secrets) -> set[str]:
    """The names of the secrets that are in `octets`."""
    return {name for name, spellings in secrets.items() if any(spelling in octets for spelling in spellings)}


def in_files(root: Path, secrets: Secrets) -> dict[str, set[str]]:
    """What is in each file under `root` that holds any of the secrets."""
    found = {str(path): in_octets(path.read_bytes(), secrets) for path in _files(root)}
    return {path: names for path, names in found.items() if names}


def _files(root: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path


def access_tokens(octets: bytes, user: str) -> Iterator[bool]:
    """For each signed access token about `user` in `octets`, whether it is bound to a certificate (RFC 8705 §3.1)."""
    at = octets.find(b".eyJ")
    while at >= 0:  # far quicker than to have the expression look for its own beginning
        begins = octets.rfind(b"eyJ", max(0, at - 1024), at)
        match = JWT.match(octets, begins) if begins >= 0 else None
        if match and _object(match[1]).get("typ") == "at+jwt" and (claims := _object(match[2])).get("sub") == user:
            yield "cnf" in claims
        at = octets.find(b".eyJ", at + 1)


def _object(part: bytes) -> dict[str, Any]:
    """The JSON object that a part of a token is; empty when memory only looked like a token."""
    try:
        found = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def memory(pid: int) -> Iterator[bytes]:
    """The memory of a process, in overlapping pieces: all that it can have written to.  `OSError` when we may not look.

    A private mapping of a file that cannot be written to holds what the file holds: code, and constants.
    """
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as stream:
        for begin, end in _written(maps):
            while begin < end:
                try:
                    piece = os.pread(stream.fileno(), min(PIECE, end - begin), begin)
                except (OSError, OverflowError):  # the kernel's own pages are listed, and not for reading
                    break
                if not piece:
                    break
                yield piece
                begin += max(1, len(piece) - OVERLAP) if begin + len(piece) < end else len(piece)


def _written(maps: str) -> Iterator[tuple[int, int]]:
    """Where the mappings begin and end that can be read, and are not just a file's unchanging pages (proc(5))."""
    for line in maps.splitlines():
        where, may, _, _, inode, *_ = line.split(maxsplit=5)
        if may.startswith("r") and (may[1] == "w" or may[3] == "s" or inode == "0"):
            begin, _, end = where.partition("-")
            yield int(begin, 16), int(end, 16)


def _told(argument: str) -> tuple[Path, Secrets]:
    wanted: dict[str, Any] = json.loads(argument)
    secrets = {name: tuple(map(base64.b64decode, spellings)) for name, spellings in wanted["secrets"].items()}
    return Path(wanted["root"]), secrets


if __name__ == "__main__":
    print(json.dumps({path: sorted(names) for path, names in in_files(*_told(sys.argv[1])).items()}))
