"""Runs the identity provider: `python -m idp serve`; asks its management: `python -m idp manage METHOD PATH [JSON]`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import NoReturn


def main() -> None:
    """Do what the command says.  What one command needs is imported for it alone: `manage` answers in a moment."""
    parser = argparse.ArgumentParser(prog="python -m idp", description="The shop's identity provider.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve until a signal ends the process")
    commands.add_parser("lent", help="serve what a line of JSON on standard input says, until that ends (idp.fixture)")
    manage = commands.add_parser("manage", help="ask something of the management door, which SHOP_MANAGE_PORT opened")
    manage.add_argument("method")
    manage.add_argument("path")
    manage.add_argument("json", nargs="?")
    said = parser.parse_args()
    if said.command == "manage":
        from idp.manage import client

        sys.exit(client.command(os.environ.get("SHOP_MANAGE_PORT", ""), said.method, said.path, said.json))
    gc.disable()  # nothing that is loaded is garbage, and looking for some would take a sixth of the time
    if said.command == "lent":
        from idp.lent import borrowed

        borrowed()
    serve()


def serve() -> NoReturn:
    """Serve as the environment says; a plain sentence when that makes no sense."""
    from pydantic import ValidationError

    from idp import settings
    from idp.serve import serve as serve_as

    try:
        serve_as(settings.from_environ())
    except (settings.BadSettings, OSError, ValidationError) as error:
        sys.exit(f"idp: {error}")


if __name__ == "__main__":
    main()
