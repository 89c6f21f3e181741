"""The CA from the command line; each command is one call of `CA`, and says what it did."""

import os
import re
import sys
import time
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from certs import keeper, names, rolling
from certs.authority import CA
from certs.errors import CAError
from certs.profiles import Lifetimes

PAUSE = 2.0
"""Seconds between `begin` and `switch`: a handshake that began with the old CRL comes to its end."""

app = typer.Typer(
    help="The shop's certificate authority.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its traceback would print local variables, and one of those is a key
)


rotate = typer.Typer(help="Replace a leaf, the intermediate, or the root.", no_args_is_help=True)
app.add_typer(rotate, name="rotate")


class Step(StrEnum):
    """Of the replacement of a root."""

    begin = "begin"
    switch = "switch"
    finish = "finish"


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
Which = Annotated[
    str, typer.Argument(metavar="NAME|SERIAL", help="All leaves of a service, one leaf, or an old intermediate.")
]
Hosts = Annotated[list[str] | None, typer.Option("--host", help="A host that leaves may name; by default the shop's.")]
Next = Annotated[Step, typer.Option(help="One after the other; in between, see that everybody goes on.")]
Publish = Annotated[bool, typer.Option(help="Tell everybody at once, not at the keeper's next look.")]
Life = Annotated[str, typer.Option(metavar="DURATION", help="For example 90s, 15m, 1h, 7d.")]
Period = Annotated[float, typer.Option(min=0.01, help="Seconds between two looks.")]


@app.command()
def init(
    directory: Home,
    trust_domain: str = "shop.test",
    name: str = "Five Locks",
    host: Hosts = None,
    root_life: Life = "7d",
    intermediate_life: Life = "3d",
    leaf_life: Life = "1d",
    crl_life: Life = "1h",
) -> None:
    """Make a CA: a root, an intermediate that may vouch for the hosts, their keys, and empty CRLs."""
    lifetimes = Lifetimes(_life(root_life), _life(intermediate_life), _life(leaf_life), _life(crl_life))
    ca = CA.create(directory, trust_domain, name, hosts=host or names.HOSTS, lifetimes=lifetimes)
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
    """Take back one leaf, all that a service has, or an intermediate that signs no longer."""
    ca = CA.open(directory)
    for each in ca.revoke(which, x509.ReasonFlags[reason.name]):
        print(f"revoked {each.serial} of {each.name}")
    if publish:
        ca.publish()


@app.command()
def publish(directory: Home) -> None:
    """Sign the CRLs again, and bring them to every leaf."""
    print(f"published CRL number {CA.open(directory).publish()}")


@rotate.command("leaf")
def rotate_leaf(directory: Home, name: Name) -> None:
    """Issue a service a new leaf wherever it has one; the old ones stay good until they run out, or are revoked."""
    for leaf in CA.open(directory).reissue(name):
        print(f"issued {leaf.serial} to {name} into {leaf.into}, good until {leaf.not_after:%Y-%m-%d %H:%M} UTC")


@rotate.command("intermediate")
def rotate_intermediate(directory: Home) -> None:
    """Make a new intermediate and issue every leaf again; the old one can be revoked then."""
    ca = CA.open(directory)
    before, made = ca.index().signs, rolling.begin(ca, "intermediate")
    time.sleep(PAUSE)
    print(f"{made.name} signs in place of {before}, {len(rolling.switch(ca))} leaves issued again")


@rotate.command("root")
def rotate_root(directory: Home, step: Next) -> None:
    """Replace the root: `begin` has everybody trust both, `switch` issues every leaf again, `finish` drops the old."""
    ca = CA.open(directory)
    if step is Step.begin:
        print(f"{rolling.begin(ca, 'root').issuer} is trusted beside {ca.index().root.name}", end="")
    elif step is Step.switch:
        print(f"{len(rolling.switch(ca))} leaves issued again, under {ca.index().root.name}", end="")
    else:
        rolling.finish(ca)
        print(f"only {ca.index().root.name} is trusted", end="")
    further = rolling.next_step(ca.index())
    print(f"; next: {further}" if further else "")


@app.command()
def status(directory: Home) -> None:
    """Show what runs out when; exit 1 when something has run out, is about to, or is not where it is read."""
    from certs.status import show  # Rich is for this command alone

    raise typer.Exit(0 if show(CA.open(directory)) else 1)


@app.command()
def keep(directory: Home, period: Period = keeper.PERIOD) -> None:
    """Renew what is due, until told to stop; one JSON line per event."""
    with keeper.stop_signals() as wait:
        keeper.keep(CA.open(directory), period, wait, keeper.report_json)


@app.command()
def healthy(directory: Home) -> None:
    """Exit 0 while the keeper does its work, else 1."""
    raise typer.Exit(0 if keeper.healthy(directory) else 1)
