"""The CA from the command line; each command is one call of `CA`, and says what it did."""

import os
import re
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from certs import keeper
from certs.authority import CA
from certs.errors import CAError
from certs.profiles import Lifetimes

app = typer.Typer(
    help="The shop's certificate authority.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its traceback would print local variables, and one of those is a key
)


class Reason(StrEnum):
    """Why a leaf is taken back for good: no hold, no removal from the list (RFC 5280 §5.3.1)."""

    key_compromise = "key-compromise"
    superseded = "superseded"
    cessation_of_operation = "cessation-of-operation"
    privilege_withdrawn = "privilege-withdrawn"
    unspecified = "unspecified"


def main() -> int:
    """Run the command; what the CA or the disk refuses becomes one line on stderr and exit code 1."""
    try:
        app()
    except (CAError, OSError) as error:
        print(f"certs: {error}", file=sys.stderr)
    return 1


def _home() -> Path:
    if shop := os.environ.get("SHOP_DIR"):
        return Path(shop, "ca")
    raise typer.BadParameter("say where the CA lives: --dir DIRECTORY, or set SHOP_DIR")


def _life(text: str) -> timedelta:
    if not (parts := re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)):
        raise typer.BadParameter(f"{text!r} is not a duration: a number and s, m, h or d, for example 7d")
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[parts[2]]
    return timedelta(seconds=int(parts[1]) * seconds)


Home = Annotated[Path, typer.Option("--dir", default_factory=_home, show_default="$SHOP_DIR/ca")]
Name = Annotated[str, typer.Argument(help="The service, for example orders.")]
Dns = Annotated[list[str] | None, typer.Option("--dns", help="Where it may answer, if not at its own name.")]
Into = Annotated[Path | None, typer.Option(help="Where it reads its leaf, if not in NAME/tls beside the CA.")]
Which = Annotated[str, typer.Argument(metavar="NAME|SERIAL", help="All leaves of a service, or one leaf.")]
Publish = Annotated[bool, typer.Option(help="Tell everybody at once, not at the keeper's next look.")]
Life = Annotated[str, typer.Option(metavar="DURATION", help="For example 90s, 15m, 1h, 7d.")]
Period = Annotated[float, typer.Option(min=0.01, help="Seconds between two looks.")]


@app.command()
def init(
    directory: Home,
    trust_domain: str = "shop.test",
    name: str = "Five Locks",
    root_life: Life = "7d",
    leaf_life: Life = "1d",
    crl_life: Life = "1h",
) -> None:
    """Make a CA: a root, its key, and an empty CRL."""
    lifetimes = Lifetimes(_life(root_life), _life(leaf_life), _life(crl_life))
    ca = CA.create(directory, trust_domain, name, lifetimes=lifetimes)
    until = ca.root.not_valid_after_utc
    print(f"made a CA for spiffe://{trust_domain} in {directory}, good until {until:%Y-%m-%d %H:%M} UTC")


@app.command()
def issue(directory: Home, name: Name, dns: Dns = None, into: Into = None) -> None:
    """Issue a leaf to a service, into the directory where it reads it."""
    leaf = CA.open(directory).issue(name, into or directory.parent / name / "tls", dns or ())
    print(f"issued {leaf.serial} to {name} into {leaf.into}, good until {leaf.not_after:%Y-%m-%d %H:%M} UTC")


@app.command()
def revoke(
    directory: Home,
    which: Which,
    reason: Reason = Reason.key_compromise,
    publish: Publish = True,
) -> None:
    """Take back one leaf, or all that a service has."""
    ca = CA.open(directory)
    for leaf in ca.revoke(which, x509.ReasonFlags[reason.name]):
        print(f"revoked {leaf.serial} of {leaf.name}")
    if publish:
        ca.publish()


@app.command()
def publish(directory: Home) -> None:
    """Sign the CRL again, and bring it to every leaf."""
    print(f"published CRL number {CA.open(directory).publish()}")


@app.command()
def status(directory: Home) -> None:
    """Show what runs out when."""
    from certs.status import show  # Rich is for this command alone

    show(CA.open(directory))


@app.command()
def keep(directory: Home, period: Period = keeper.PERIOD) -> None:
    """Renew what is due, until told to stop; one JSON line per event."""
    with keeper.stop_signals() as wait:
        keeper.keep(CA.open(directory), period, wait, keeper.report_json)


@app.command()
def healthy(directory: Home) -> None:
    """Exit 0 while the keeper does its work, else 1."""
    raise typer.Exit(0 if keeper.healthy(directory) else 1)
