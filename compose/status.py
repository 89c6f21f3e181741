"""How the processes of a shop are doing, in words that both runtimes share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """How one process is doing."""

    name: str
    ident: str
    """Its pid, or the beginning of its container's id; empty when there is none."""
    port: int | None
    health: str
    """`healthy`, `down`, or what is wrong."""
    since: float | None
    """When it started, in seconds since 1970."""
