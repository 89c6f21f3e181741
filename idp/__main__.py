"""Runs the identity provider: `python -m idp serve`; changes its keys: `python -m idp keys list`; asks its management.

python -m idp keys publish [ES256]       make a key and publish it, ahead of its time
python -m idp keys rotate [ES256]        sign with it, or else with a new one; the old one stays published
python -m idp keys withdraw -- KID       publish one no more
python -m idp manage METHOD PATH [JSON]  ask something of the management door
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn


def main() -> None:
    """Do what the command says.  What one command needs is imported for it alone: `manage` answers in a moment."""
    parser = argparse.ArgumentParser(prog="python -m idp", description="The shop's identity provider.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve until a signal ends the process")
    lent = commands.add_parser("lent", help="serve what a line of JSON on standard input says, until that ends")
    lent.add_argument("directory", nargs="?", type=Path, help="what idp.fixture has made for it, and what goes with it")
    keys = commands.add_parser("keys", help="change the signing keys, of a server that runs or of none")
    keys.add_argument("act", choices=("list", "publish", "rotate", "withdraw"))
    keys.add_argument("which", nargs="?", default="ES256", help="the algorithm; to withdraw, the name of the key")
    manage = commands.add_parser("manage", help="ask something of the management door, which SHOP_MANAGE_PORT opened")
    manage.add_argument("method")
    manage.add_argument("path")
    manage.add_argument("json", nargs="?")
    said = parser.parse_args()
    if said.command == "manage":
        from idp.manage import client

        sys.exit(client.command(os.environ.get("SHOP_MANAGE_PORT", ""), said.method, said.path, said.json))
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it would search all that is installed for some
    gc.disable()  # nothing that is loaded is garbage, and looking for some would take a sixth of the time
    if said.command == "lent":
        from idp.lent import borrowed

        borrowed(said.directory)
    if said.command == "keys":
        sys.exit(change_keys(said.act, said.which))
    serve()


def change_keys(act: str, which: str) -> str | None:
    """Do as told with the signing keys, and print each with its state; returns why not, if that cannot be done."""
    from idp import key_files, settings

    acts: dict[str, Callable[[Path], None]] = {
        "list": lambda directory: None,
        "publish": lambda directory: key_files.publish_ahead(directory, which),
        "rotate": lambda directory: key_files.rotate(directory, which, overlap=True),
        "withdraw": lambda directory: key_files.withdraw(directory, which),
    }
    if act in {"publish", "rotate"} and which not in key_files.ALGORITHMS:
        return f"idp: there are keys for {', '.join(key_files.ALGORITHMS)}"
    try:
        directory = settings.from_environ().data_dir
        acts[act](directory)
        found = [(file.read().kid, file.algorithm, file.state) for file in key_files.found(directory)]
    except (settings.BadSettings, key_files.NotNow, key_files.NoSuchKey, OSError) as error:
        return f"idp: {error}"
    print(json.dumps([dict(zip(("kid", "algorithm", "state"), key, strict=True)) for key in found]))
    return None


def serve() -> NoReturn:
    """Serve as the environment says; a plain sentence when that makes no sense."""
    from pydantic import ValidationError

    from idp import settings
    from idp.prepare import prepare
    from idp.serve import serve as serve_as

    try:
        told = settings.from_environ()
        prepare(told)
        serve_as(told)
    except (settings.BadSettings, OSError, ValidationError) as error:
        sys.exit(f"idp: {error}")


if __name__ == "__main__":
    main()
