"""Where the commands print."""

from __future__ import annotations

from rich.console import Console

NARROWEST = 140


def console(**options: bool) -> Console:
    """Where to print: a terminal as it is, a file or a pipe wide enough for the hops."""
    terminal = Console(highlight=False, **options)  # type: ignore[arg-type]  # flags only
    return terminal if terminal.is_terminal else Console(highlight=False, width=max(NARROWEST, terminal.width))
