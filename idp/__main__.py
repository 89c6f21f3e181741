"""Runs the identity provider: `python -m idp serve`."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from pydantic import ValidationError

from idp.app import create_app
from idp.clients import Clients
from idp.provider import prepare
from idp.settings import BadSettings, Settings, from_environ
from services import server, tls


def main() -> None:
    """Read the settings from the environment and do what the command says; a plain sentence when they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m idp", description="The shop's identity provider.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve until a signal ends the process")
    parser.parse_args()
    try:
        serve(from_environ())
    except (BadSettings, OSError, ValidationError) as error:
        sys.exit(f"idp: {error}")


def serve(settings: Settings) -> NoReturn:
    """Serve with several workers.  A certificate is asked of callers only where some client proves itself by one."""
    clients = Clients(settings.clients_file).all().values()
    by_certificate = any(client.auth_method == "tls_client_auth" for client in clients)
    prepare(settings)
    server.serve(
        lambda: create_app(settings),
        name="idp",
        host=settings.host,
        port=settings.port,
        tls=lambda: tls.server_context(settings.tls_dir, "optional" if by_certificate else "none"),
        tls_dir=settings.tls_dir,
        workers=settings.workers,
    )


if __name__ == "__main__":
    main()
