"""Mallory knows a good name and password, and writes them a little wrong.

If something that is not quite the password opens the door as well, then guessing it is that much easier, and what a
log or a lock-out counts as one name is another at the next service.  A NUL at the end is the classic.
"""

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from scenarios.families import Recipe, Request, borrowed, family
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a password: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a name and a password have one spelling only"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a name and a password have one spelling only"),
    "mtls": Expect(Verdict.REFUSED, "a password opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "a password is no credential here: a token is"),
}
REFERENCES = ("RFC 7617 §2, §2.1", "RFC 8265 §4.2", "OWASP ASVS 6.2.8", "CWE-626")
CATALOGUE = ("BAS-02", "BRR-04")


@dataclass(frozen=True)
class Account:
    """A name and password that are good at orders, where names and passwords are."""

    world: World
    name: str
    password: str


def account(world: World) -> AbstractContextManager[Account]:
    """Carol's own, or what gateway shows to orders where services have passwords."""
    password = world.secret_of("gateway", "password") if world.pattern == "subsystem" else None
    return nullcontext(Account(world, "gateway", password) if password else Account(world, "carol", "christmas"))


PAIRS: dict[str, Callable[[str, str], str | bytes]] = {
    "NUL after": lambda name, password: f"{name}:{password}\0",
    "NUL before": lambda name, password: f"{name}:\0{password}",
    "NUL and more": lambda name, password: f"{name}:{password}\0x",
    "NUL in the name": lambda name, password: f"{name}\0:{password}",
    "line feed after": lambda name, password: f"{name}:{password}\n",
    "CRLF after": lambda name, password: f"{name}:{password}\r\n",
    "tab after": lambda name, password: f"{name}:{password}\t",
    "DEL after": lambda name, password: f"{name}:{password}\x7f",
    "next line after": lambda name, password: f"{name}:{password}\x85",
    "space after": lambda name, password: f"{name}:{password} ",
    "space before": lambda name, password: f" {name}:{password}",
    "space after the name": lambda name, password: f"{name} :{password}",
    "name in capitals": lambda name, password: f"{name.upper()}:{password}",
    "name capitalized": lambda name, password: f"{name.capitalize()}:{password}",
    "password in other case": lambda name, password: f"{name}:{password.swapcase()}",
    "a letter more": lambda name, password: f"{name}:{password}x",
    "a letter less": lambda name, password: f"{name}:{password[:-1]}",
    "twice": lambda name, password: f"{name}:{password * 2}",
    "72 characters more": lambda name, password: f"{name}:{password + 'x' * 72}",
    "colon twice": lambda name, password: f"{name}::{password}",
    "colon after": lambda name, password: f"{name}:{password}:",
    "colon before": lambda name, password: f":{name}:{password}",
    "no colon": lambda name, password: f"{name}{password}",
    "name alone": lambda name, password: name,
    "no password": lambda name, password: f"{name}:",
    "no name": lambda name, password: f":{password}",
    "a colon alone": lambda name, password: ":",
    "swapped": lambda name, password: f"{password}:{name}",
    "percent": lambda name, password: f"{name}%3A{password}",
    "257 characters": lambda name, password: f"{name}:{'x' * 257}",
    "a name of 257 characters": lambda name, password: f"{'x' * 257}:{password}",
    "not UTF-8": lambda name, password: f"{name}:{password}".encode() + b"\xff",
    "UTF-16": lambda name, password: f"{name}:{password}".encode("utf-16"),
    "with a byte order mark": lambda name, password: f"\ufeff{name}:{password}",
    "full-width name": lambda name, password: f"{chr(ord(name[0]) + 0xFEE0)}{name[1:]}:{password}",
    "look-alike letter": lambda name, password: f"{name.replace('a', chr(0x430))}:{password}",
    "zero-width space": lambda name, password: f"{name}:{password}\u200b",
    "SQL": lambda name, password: f"{name}' --:x",
    "SQL, always true": lambda name, password: "' OR '1'='1:x",
    "LDAP": lambda name, password: "*)(uid=*:x",
    "wildcard": lambda name, password: f"*:{password}",
    "a path": lambda name, password: f"../{name}:{password}",
    "quoted": lambda name, password: f'"{name}":"{password}"',
    "with a domain": lambda name, password: f"{name}@shop.test:{password}",
}
VALUES: dict[str, Callable[[str], str]] = {
    "nothing": lambda pair: "Basic",
    "a space": lambda pair: "Basic ",
    "two spaces": lambda pair: f"Basic  {encoded(pair)}",
    "no space": lambda pair: f"Basic{encoded(pair)}",
    "a colon after the scheme": lambda pair: f"Basic: {encoded(pair)}",
    "not base64": lambda pair: f"Basic {pair}",
    "base64 twice": lambda pair: f"Basic {encoded(encoded(pair))}",
    "scheme twice": lambda pair: f"Basic Basic {encoded(pair)}",
    "a character too many": lambda pair: f"Basic {encoded(pair).rstrip('=')}A===",
    "a star within": lambda pair: f"Basic {encoded(pair)[:4]}*{encoded(pair)[4:]}",
    "a space within": lambda pair: f"Basic {encoded(pair)[:4]} {encoded(pair)[4:]}",
    "not in ASCII": lambda pair: f"Basic {encoded(pair)}\xe9",
    "hexadecimal": lambda pair: f"Basic {pair.encode().hex()}",
    "as Bearer": lambda pair: f"Bearer {encoded(pair)}",
    "as Digest": lambda pair: f"Digest {encoded(pair)}",
    "as Negotiate": lambda pair: f"Negotiate {encoded(pair)}",
    "as X-Basic": lambda pair: f"X-Basic {encoded(pair)}",
    "without scheme": lambda pair: encoded(pair),
}


def encoded(pair: str | bytes) -> str:
    """In base64, as Basic has it."""
    return base64.b64encode(pair if isinstance(pair, bytes) else pair.encode()).decode()


def shown(write: Callable[[Account], str]) -> Recipe[Account]:
    """At orders; inside zero trust behind gateway's own certificate, or nobody would look."""

    def requests(own: Account) -> list[Request]:
        return [Request("orders", [("Authorization", write(own)), ("X-User", "carol")], more=borrowed(own.world))]

    return requests


def pair_of(bend: Callable[[str, str], str | bytes]) -> Callable[[Account], str]:
    """A bent pair in a proper header."""
    return lambda own: f"Basic {encoded(bend(own.name, own.password))}"


def value_of(bend: Callable[[str], str]) -> Callable[[Account], str]:
    """A proper pair in a bent header."""
    return lambda own: bend(f"{own.name}:{own.password}")


RECIPES = {name: shown(pair_of(bend)) for name, bend in PAIRS.items()}
RECIPES |= {f"header: {name}": shown(value_of(bend)) for name, bend in VALUES.items()}
CASES = family(RECIPES, account)
