"""python -m certs: make the CA, issue, revoke, publish, rotate, see what runs out when, and keep it from doing so."""

import argparse
import gc
import os
import sys
from pathlib import Path


def health_check(arguments: list[str]) -> int:
    """Answer `python -m certs healthy` without the time that cryptography and Typer take to import."""
    from certs.keeper import healthy

    shop = os.environ.get("SHOP_DIR")
    parser = argparse.ArgumentParser(
        prog="python -m certs healthy", description="Exit 0 while the keeper does its work, else 1."
    )
    parser.add_argument("--dir", type=Path, default=Path(shop, "ca") if shop else None, required=not shop)
    return 0 if healthy(parser.parse_args(arguments).dir) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["healthy"]:
        sys.exit(health_check(sys.argv[2:]))
    gc.disable()  # nothing that is loaded is garbage, and looking for some would take a sixth of the time
    from certs.cli import main

    gc.freeze()
    gc.enable()
    sys.exit(main())
