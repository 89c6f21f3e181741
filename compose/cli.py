"""python -m compose: bring a shop up, look at it, and end it.  `make` is the same with less to type."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose import choice, remember
from compose.refusals import CannotRun
from compose.shop import Shop, open_shop
from compose.topology import PATTERNS, PEOPLE, PROCESSES, REPO, SUPPORT, Ports

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
out = Console(soft_wrap=True, highlight=False)
err = Console(soft_wrap=True, highlight=False, stderr=True)

Pattern = Annotated[str, typer.Option(envvar="PATTERN", help=f"One of {', '.join(PATTERNS)}.")]
Runtime = Annotated[str, typer.Option(envvar="RUNTIME", help="local or compose.")]
Name = Annotated[str, typer.Option(envvar="NAME", help=f"One of {', '.join(PROCESSES)}.")]


def _environ(pattern: str, runtime: str = "") -> Mapping[str, str]:
    """The environment, with what was said on the command line."""
    return {**os.environ, "PATTERN": pattern, "RUNTIME": runtime}


def _progress(line: str) -> None:
    err.print(line, style="dim", markup=False)


@app.command()
def up(pattern: Pattern = "", runtime: Runtime = "") -> None:
    """Start the shop under a pattern, and wait until it is healthy."""
    shop = choice.shop_to_be(_environ(pattern, runtime), _progress)
    took = shop.up()
    remember.remember_pattern(shop.run_root, shop.pattern)
    state = f"healthy after {took:.1f} s" if took else "it was already"
    out.print(f"[bold green]{shop.name} is up[/] ({shop.runtime}): {state}")
    _summary(shop)


def _summary(shop: Shop) -> None:
    """Where it is, who may come in, and what to type next."""
    support = {person.name for person in PEOPLE if person.scopes == SUPPORT}
    people = [f"{who.name}/{who.password}" + (" (support)" if who.name in support else "") for who in PEOPLE]
    for what, value in (
        ("shop", shop.edge),
        ("identity provider", shop.issuer),
        ("clients trust", escape(_short(shop.run_root / "ca.pem"))),
        ("people", "  ".join(people)),
    ):
        out.print(f"  {what:<18} {value}")
    if shop.manage:
        where = shop.manage_url or "inside the container of idp: python -m idp manage GET /people"
        out.print(f"  {'management':<18} {where}  [bold red](for tests: it asks nobody who they are)[/]")
    if shop.cache_seconds:
        out.print(f"  {'answers used again':<18} the identity provider's, for {shop.cache_seconds:g} s")
    more = f" {shop.meant}" if shop.ports.gateway != Ports.gateway else ""
    out.print("next:")
    for command, why in (
        (f"make order WHO=alice SKU=book{more}", "an order, hop by hop"),
        (f"make token WHO=alice{more}", "an access token, by the real code flow"),
        (f"make status{more}", "who runs, and how they are"),
        (f"make down{more}", "end it, and its data with it"),
    ):
        out.print(f"  [bold]{command:<{30 + len(more)}}[/] {why}")


def _short(path: Path) -> str:
    return str(path.relative_to(REPO)) if path.is_relative_to(REPO) else str(path)


@app.command()
def down(pattern: Pattern = "") -> None:
    """End the shop, and its data, secrets and certificates with it."""
    environ = _environ(pattern)
    try:
        ended = [choice.shop_meant(environ)]
    except CannotRun:
        ended = [shop for shop in choice.shops_left_over(environ) if shop.end_left_over()]
    else:
        ended[0].down()
    for shop in ended:
        out.print(f"{shop.name} ({shop.runtime}) is down; its data, secrets and certificates are gone with it")
    if not ended:
        out.print("nothing is up")
    for name, known in remember.shops(choice.run_root(environ)).items():
        out.print(f"still up: {name}   (make down {known.meant})")


@app.command()
def restart(pattern: Pattern = "", name: Name = "") -> None:
    """Restart one process, or all; data and secrets stay."""
    shop = choice.shop_meant(_environ(pattern))
    began = time.monotonic()
    names = [_known(name)] if name else list(PROCESSES)
    shop.restart(*names)
    out.print(f"restarted {', '.join(names)} of {shop.name}: healthy after {time.monotonic() - began:.1f} s")


def _known(name: str) -> str:
    if name not in PROCESSES:
        raise CannotRun(f"there is no process {name!r}", f"NAME is one of {', '.join(PROCESSES)}")
    return name


@app.command()
def status(pattern: Pattern = "") -> None:
    """Show how each process is doing; exit code 1 when one is not well."""
    shop = choice.shop_meant(_environ(pattern))
    table = Table("process", "container" if shop.runtime == "compose" else "pid", "port", "health", "up for")
    table.title = f"{shop.name} ({shop.runtime})"
    found = shop.status()
    for each in found:
        age = str(timedelta(seconds=int(time.time() - each.since))) if each.since else ""
        colour = "green" if each.health == "healthy" else "red"
        table.add_row(each.name, each.ident, str(each.port or ""), f"[{colour}]{each.health}[/]", age)
    Console(highlight=False).print(table)
    if any(each.health != "healthy" for each in found):
        raise typer.Exit(1)


@app.command()
def logs(
    pattern: Pattern = "", name: Name = "", follow: Annotated[bool, typer.Option(envvar="FOLLOW")] = False
) -> None:
    """Print what one process, or each, has said; --follow goes on."""
    shop = choice.shop_meant(_environ(pattern))
    names = [_known(name)] if name else list(PROCESSES)
    if follow:
        command = shop.following(names)
        os.execvp(command[0], command)
    for each in names:
        if not name:
            out.rule(each, align="left")
        sys.stdout.write(shop.logs(each))
    sys.stdout.flush()


@app.command()
def build() -> None:
    """Build the image of the containers, if its sources changed."""
    from compose import engine

    engine.require()
    engine.build(_progress)
    out.print(f"the image {engine.IMAGE} is as its sources are")


@app.command()
def doctor() -> None:
    """Say what is missing or wrong, and how to mend it; exit code 1 when something is."""
    from compose.doctor import examine

    wrong = 0
    for finding in examine(choice.run_root(os.environ)):
        wrong += bool(finding.mend)
        out.print("[bold red]mend[/] " if finding.mend else "[green]ok[/]   ", escape(finding.what), sep="")
        if finding.mend:
            out.print(f"       {finding.mend}", markup=False)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def clean() -> None:
    """End every shop, and remove `.run`, caches and the image; `.venv` stays."""
    from compose import engine

    root = choice.run_root(os.environ)
    for shop in choice.shops_left_over({"RUN_ROOT": str(root)}):  # first: what comes up meanwhile is remembered then
        shop.down()
        out.print(f"{shop.name} is down")
    for name, known in remember.shops(root).items():
        open_shop(known.pattern, known.runtime, known.ports, root).down()
        out.print(f"{name} is down")
    if engine.trouble() is None:
        engine.docker("image", "rm", engine.IMAGE)
    for name in ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"):
        for path in [found for found in REPO.rglob(name) if ".venv" not in found.parts]:
            shutil.rmtree(path, ignore_errors=True)
    remember.remove(root)


def main() -> int:
    """Run a command; what stands in its way is said in two lines, and exit code 1."""
    try:
        app(standalone_mode=True)
    except CannotRun as trouble:
        err.print(f"cannot: {trouble.what}", style="bold red", markup=False)
        err.print(f"mend:   {trouble.mend}", markup=False)
        return 1
    except OSError as trouble:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or what could not be written is tried again
        err.print(f"cannot: {trouble}", style="bold red", markup=False)
        return 1
    return 0
