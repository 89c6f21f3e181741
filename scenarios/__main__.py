"""python -m scenarios: shop as one of the people, and see who checked what.  `make order` is the same."""

from __future__ import annotations

import os
import ssl
import sys
from typing import Annotated

import requests
import typer
from rich.console import Console
from rich.markup import escape

from compose import choice
from compose.refusals import CannotRun
from compose.shop import Shop
from compose.topology import PEOPLE, TOKEN_PATTERNS
from scenarios import hops
from scenarios.shopper import CannotLogIn, Shopper

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
NARROWEST = 140
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
    terminal = Console(highlight=False)
    out = terminal if terminal.width >= NARROWEST or terminal.is_terminal else Console(width=NARROWEST)
    out.print(_sentence(answer, who, sku, quantity, shop))
    trace = answer.headers["traceresponse"].split("-")[1]
    out.print(hops.table(hops.story(shop, trace)))
    out.print(f"trace {trace}", style="dim")
    raise typer.Exit(0 if answer.ok else 1)


def _sentence(answer: requests.Response, who: str, sku: str, quantity: int, shop: Shop) -> str:
    """What came of the order, in one line."""
    asked = f"{who} orders {quantity} × {sku} under [bold]{shop.pattern}[/] ({shop.runtime})"
    if answer.ok:
        made = answer.json()
        return f"{asked}: [green]{made['status']}[/], {made['amount'] / 100:.2f}, order {made['id']}"
    problem = answer.json()
    return f"{asked}: [red]{answer.status_code} {escape(problem['title'])}[/] {escape(problem.get('detail', ''))}"


@app.command()
def token(who: Who = "alice", password: Annotated[str, typer.Option(envvar="PASSWORD")] = "") -> None:
    """Print an access token of one of the people, obtained by the real code flow."""
    shop = choice.shop_meant(os.environ)
    if shop.pattern not in TOKEN_PATTERNS:
        what = f"under {shop.pattern} there are no tokens: people show their name and password"
        raise CannotRun(what, f"choose a pattern that has them: make up PATTERN={'|'.join(TOKEN_PATTERNS)}")
    print(_shopper(shop, who, password).token())


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
        what, mend = str(trouble), "the names and passwords are in the README; make up prints them too"
    except requests.exceptions.SSLError as trouble:
        what, mend = f"the shop's certificate is not accepted: {reason(trouble)}", "make doctor; make restart NAME=ca"
    except requests.RequestException as trouble:
        what, mend = f"the shop does not answer: {type(trouble).__name__}", "make status, or make restart"
    except hops.StoryIncomplete as trouble:
        what, mend = str(trouble), "make logs shows what each process said"
    else:
        return 0
    err.print(f"cannot: {what}", style="bold red", markup=False)
    err.print(f"mend:   {mend}", markup=False)
    return 1


if __name__ == "__main__":
    sys.exit(main())
