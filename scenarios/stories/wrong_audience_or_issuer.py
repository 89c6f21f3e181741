"""Mallory shows a token that the issuer made for somebody else, and one that somebody else made.

A token names whom it is for and whom it is from, and both have to be right to the last character.  She writes names
that begin alike, end alike and look alike.
"""

from collections.abc import Callable
from typing import Any

from scenarios.forge import Recipe, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "whom it is for and whom it is from are compared whole"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "whom it is for and whom it is from are compared whole"),
}
REFERENCES = ("RFC 8725 §3.8, §3.9", "RFC 9068 §4", "RFC 9700 §2.3", "RFC 8414 §3.3", "OWASP ASVS 9.2.3, 10.3.1")
CATALOGUE = ("JWT-21", "JWT-22")

AUDIENCES: dict[str, Callable[[str], Any]] = {
    "billing": lambda us: "billing",
    "a client": lambda us: ["cli"],
    "somebody else among others": lambda us: ["billing", "inventory"],
    "cut short": lambda us: us[:-1],
    "longer": lambda us: f"{us}s",
    "with a prefix": lambda us: f"x{us}",
    "capital": lambda us: us.capitalize(),
    "capitals": lambda us: us.upper(),
    "with a slash": lambda us: f"{us}/",
    "as a path": lambda us: f"/{us}",
    "as an address": lambda us: f"https://{us}",
    "as a SPIFFE ID": lambda us: f"spiffe://shop.test/{us}",
    "as a domain": lambda us: f"{us}.evil.test",
    "with a space": lambda us: f"{us} ",
    "with a NUL": lambda us: f"{us}\0",
    "with a line feed": lambda us: [f"{us}\n"],
    "in a list with commas": lambda us: f"{us},billing",
    "in a list with spaces": lambda us: f"billing {us}",
    "as JSON in a string": lambda us: f'["{us}"]',
    "wildcard": lambda us: "*",
    "wildcard in a list": lambda us: ["*"],
    "pattern": lambda us: ".*",
    "look-alike letter": lambda us: us.replace("o", "\u043e").replace("a", "\u0430"),
    "full-width letter": lambda us: chr(ord(us[0]) + 0xFEE0) + us[1:],
    "letters of it": lambda us: list(us),
    "empty": lambda us: "",
    "empty list": lambda us: [],
    "nested list": lambda us: [[us]],
    "object": lambda us: {us: 1},
    "object in a list": lambda us: [{us: 1}],
    "beside a number": lambda us: [us, 1],
    "beside null": lambda us: [us, None],
    "null": lambda us: None,
    "true": lambda us: True,
    "missing": lambda us: ...,
}
ISSUERS: dict[str, Callable[[str], Any]] = {
    "with a slash": lambda us: f"{us}/",
    "with a dot": lambda us: f"{us}/.",
    "with a fragment": lambda us: f"{us}#",
    "with a query": lambda us: f"{us}?",
    "with a space": lambda us: f"{us} ",
    "with a NUL": lambda us: f"{us}\0",
    "plain http": lambda us: us.replace("https:", "http:"),
    "capital scheme": lambda us: us.replace("https", "HTTPS"),
    "capital host": lambda us: us.replace("localhost", "LOCALHOST"),
    "without scheme": lambda us: us.removeprefix("https://"),
    "without port": lambda us: us.rpartition(":")[0],
    "another port": lambda us: f"{us}0",
    "suffix domain": lambda us: f"{us}.evil.test",
    "user information": lambda us: f"{us}@evil.test",
    "in a path": lambda us: f"https://evil.test/{us}",
    "another host": lambda us: "https://idp.mallory.test",
    "look-alike letter": lambda us: us.replace("o", "\u043e"),
    "a list": lambda us: [us],
    "an object": lambda us: {us: 1},
    "empty": lambda us: "",
    "null": lambda us: None,
    "missing": lambda us: ...,
}


def addressed(bend: Callable[[str], Any]) -> Recipe:
    """A token for somebody whose name is bent."""
    return lambda mint: mint.token(aud=bend(mint.door))


def issued(bend: Callable[[str], Any]) -> Recipe:
    """A token from somebody whose name is bent."""
    return lambda mint: mint.token(iss=bend(mint.world.shop.issuer))


RECIPES: dict[str, Recipe] = {f"aud {name}": addressed(bend) for name, bend in AUDIENCES.items()}
RECIPES |= {f"iss {name}": issued(bend) for name, bend in ISSUERS.items()}
CASES = tokens(RECIPES)
