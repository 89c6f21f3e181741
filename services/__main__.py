"""Runs one service of the shop: `python -m services orders`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Serve the service that the command names."""
    gc.disable()  # nothing that is loaded is garbage, and looking for some would take a sixth of the time
    from services.serve import serve

    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
