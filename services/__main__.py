"""Runs one service of the shop: `python -m services orders`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Serve the service that the command names."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it would search all that is installed for some
    gc.disable()  # nothing that is loaded is garbage, and looking for some would take a sixth of the time
    from services.serve import serve

    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
