"""python -m scenarios: shop, attack, compare, and see who checked what.  `make` is the same with less to type.

What one command needs is imported for it alone: to place an order nobody waits for a hundred scenarios to load.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path
from typing import Annotated

import requests
import typer
from rich.console import Console
from rich.markup import escape

from compose import choice
from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import PEOPLE, REPO, TOKEN_PATTERNS
from scenarios import evidence, hops, terminal
from scenarios.shopper import CannotLogIn, Shopper

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Who = Annotated[str, typer.Option(envvar="WHO", help=f"One of {', '.join(person.name for person in PEOPLE)}.")]


@app.command()
def order(
    who: Who = "alice",
    sku: Annotated[str, typer.Option(envvar="SKU", help="What to buy.")] = "book",
    quantity: Annotated[int, typer.Option(envvar="QUANTITY", help="How many.")] = 1,
    password: Annotated[str, typer.Option(envvar="PASSWORD", help="Instead of their own.")] = "",
) -> None:
    """Place an order through the gateway, and print its hops."""
    shop = choice.shop_meant(os.environ)
    answer = _shopper(shop, who, password).order(sku, quantity)
    out = terminal.console()
    out.print(_sentence(answer, who, sku, quantity, shop))
    trace = answer.headers["traceresponse"].split("-")[1]
    _hops(shop, trace, out)
    raise typer.Exit(0 if answer.ok else 1)


def _sentence(answer: requests.Response, who: str, sku: str, quantity: int, shop: Shop) -> str:
    """What came of the order, in one line."""
    asked = f"{escape(who)} orders {quantity} × {escape(sku)} under [bold]{shop.pattern}[/] ({shop.runtime})"
    if answer.ok:
        made = answer.json()
        return f"{asked}: [green]{made['status']}[/], {made['amount'] / 100:.2f}, order {made['id']}"
    problem = answer.json()
    return f"{asked}: [red]{answer.status_code} {escape(problem['title'])}[/] {escape(problem.get('detail', ''))}"


def _hops(shop: Shop, trace: str, out: Console) -> None:
    """The way of the order; if it got stuck, the way so far, and `CannotRun` with the processes that are not well."""
    try:
        told, stuck = hops.story(shop, trace), None
    except hops.StoryIncomplete as trouble:
        told, stuck = trouble.hops, trouble
    out.print(hops.table(told))
    out.print(f"trace {trace}", style="dim")
    if stuck:
        ill = ", ".join(f"{each.name} is {each.health}" for each in shop.status() if each.health != "healthy")
        raise CannotRun(f"{shop.name} is up, but {ill}", f"make restart {shop.meant}") if ill else stuck


@app.command()
def token(who: Who = "alice", password: Annotated[str, typer.Option(envvar="PASSWORD")] = "") -> None:
    """Print an access token of one of the people, obtained by the real code flow."""
    shop = choice.shop_meant(os.environ)
    if shop.pattern not in TOKEN_PATTERNS:
        what = f"under {shop.pattern} there are no tokens: people show their name and password"
        raise CannotRun(what, f"choose a pattern that has them: make up PATTERN={'|'.join(TOKEN_PATTERNS)}")
    print(_shopper(shop, who, password).token())


@app.command()
def rotate(
    what: Annotated[str, typer.Option(envvar="WHAT", help="Which kind; without it, the list.")] = "",
    name: Annotated[str, typer.Option(envvar="NAME", help="Whose, where several have one.")] = "",
    patient: Annotated[
        bool, typer.Option(envvar="WAIT", help="Give customers the time they have; 0: they come anew.")
    ] = True,
) -> None:
    """Rotate a credential under load, and print what was touched where and when it counted; 1 if anybody noticed."""
    from scenarios import rotate as rotating
    from scenarios.world import World

    with World(choice.shop_meant(os.environ)) as world:
        raise typer.Exit(0 if rotating.rotate(world, what, name, terminal.console(), patient=patient) else 1)


@app.command()
def scenario(name: Annotated[str, typer.Option(envvar="NAME", help="Which one; without it, the list.")] = "") -> None:
    """Tell one scenario, act it out, and say what came of it and why; exit code 1 on a surprise."""
    from scenarios import show
    from scenarios.registry import stories
    from scenarios.world import World

    story = show.named(stories(), name)
    with World(choice.shop_meant(os.environ)) as world:
        raise typer.Exit(0 if show.scenario(world, story, terminal.console()) else 1)


@app.command()
def scenarios() -> None:
    """Act every scenario out against the shop that runs; exit code 1 on a surprise."""
    from scenarios import show
    from scenarios.registry import stories
    from scenarios.world import World

    with World(choice.shop_meant(os.environ)) as world:
        raise typer.Exit(1 if show.scenarios(world, stories(), terminal.console()) else 0)


@app.command()
def diff(
    before: Annotated[str, typer.Option("--from", envvar="FROM", help="A pattern.")] = "",
    after: Annotated[str, typer.Option("--to", envvar="TO", help="Another.")] = "",
) -> None:
    """Show what changes between two patterns: code, configuration, moving parts, verdicts."""
    from scenarios import differ
    from scenarios.registry import stories

    differ.show(differ.known(before, "FROM"), differ.known(after, "TO"), stories(), terminal.console())


@app.command()
def compare(
    only: Annotated[str, typer.Option(envvar="ONLY", help="A regular expression on ids, such as idp_dark/jwt.")] = "",
    runtime: Annotated[str, typer.Option(envvar="RUNTIME", help="local or compose.")] = "local",
    resume: Annotated[bool, typer.Option(envvar="RESUME", help="Go on with a run that was cut off.")] = False,
) -> None:
    """Run every scenario and measurement under every pattern, and write the evidence, the tables and the report."""
    from scenarios import watch

    raise typer.Exit(0 if watch.comparison(terminal.console(), runtime, only, resume) else 1)


@app.command()
def matrix() -> None:
    """Write the README's tables again, from the evidence and the bench, and the table of coverage."""
    from scenarios import coverage, tables
    from scenarios.bench import command
    from scenarios.registry import stories

    told = stories()
    for path in (*tables.write(recorded(), told, command.kept(evidence.BENCH)), *coverage.write(told)):
        print(f"wrote {path.relative_to(REPO)}")


@app.command()
def report(
    source: Annotated[Path, typer.Option("--from", help="The evidence.")] = evidence.FILE,
    costs: Annotated[Path, typer.Option(help="What each lock costs, if it was measured.")] = evidence.BENCH,
    to: Annotated[Path, typer.Option(help="Where to write it.")] = evidence.PAGE,
) -> None:
    """Write the report again, from the evidence and the bench."""
    from scenarios.bench import command
    from scenarios.report import page

    written = page.write(recorded(source), command.kept(costs), to)
    print(f"wrote {written.relative_to(REPO) if written.is_relative_to(REPO) else written}")


@app.command()
def schema() -> None:
    """Print the JSON schema of the evidence."""
    print(json.dumps(evidence.Evidence.model_json_schema(), indent=1))


def recorded(path: Path = evidence.FILE) -> evidence.Evidence:
    """The evidence of the last run, or `CannotRun` that there is none."""
    try:
        return evidence.read(path)
    except FileNotFoundError:
        raise CannotRun("there is no evidence yet", "make compare") from None
    except evidence.Unreadable as error:
        raise CannotRun(str(error), "make compare") from None


@app.command()
def bench(
    only: Annotated[str, typer.Option(envvar="ONLY", help="A regular expression on names of experiments.")] = "",
    quick: Annotated[
        bool, typer.Option(envvar="QUICK", help="Less of everything; exit code 1 if a goal is clearly missed.")
    ] = False,
) -> None:
    """Measure what each lock costs, itself and beside others, and print which goals are met."""
    from scenarios.bench import command

    raise typer.Exit(0 if command.bench(terminal.console(), only, quick) else 1)


@app.command()
def sabotage(only: Annotated[str, typer.Option(envvar="ONLY", help="A regular expression.")] = "") -> None:
    """Break each guard on purpose, and see that a test notices; exit code 1 when one is not noticed."""
    from scenarios import sabotage as saboteur

    raise typer.Exit(0 if saboteur.report(terminal.console(), only) else 1)


def _shopper(shop: Shop, who: str, password: str) -> Shopper:
    if who not in {person.name for person in PEOPLE} and not password:
        names = ", ".join(person.name for person in PEOPLE)
        raise CannotRun(f"the shop knows nobody called {who!r}", f"WHO is one of {names}")
    return Shopper(shop, who, password or None)


def reason(trouble: requests.exceptions.SSLError) -> str:
    """What TLS itself says, such as `certificate has expired`, out of everything that is wrapped around it."""
    cause: BaseException | None = trouble
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__context__
    return cause.verify_message if cause else type(trouble).__name__


def main() -> int:
    """Run a command; what stands in its way is said in two lines, and exit code 1."""
    err = Console(soft_wrap=True, highlight=False, stderr=True)
    try:
        app(standalone_mode=True)
    except CannotRun as trouble:
        what, mend = trouble.what, trouble.mend
    except CannotLogIn as trouble:
        what, mend = str(trouble), trouble.mend
    except requests.exceptions.SSLError as trouble:
        what, mend = f"the shop's certificate is not accepted: {reason(trouble)}", "make doctor; make restart NAME=ca"
    except requests.RequestException as trouble:
        what, mend = f"the shop does not answer: {type(trouble).__name__}", "make status, or make restart"
    except hops.StoryIncomplete as trouble:
        what, mend = str(trouble), "make logs shows what each process said"
    except OSError as trouble:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or what could not be written is tried again
        what, mend = str(trouble), ""  # which file, and why not, is all that there is to say
    else:
        return 0
    err.print(f"cannot: {what}", style="bold red", markup=False)
    if mend:
        err.print(f"mend:   {mend}", markup=False)
    return 1
