"""Mallory writes good tokens badly, and bad ones so that reading them hurts.

A token has one spelling.  She pads it, breaks it, encrypts it, puts another inside, and has the issuer's own key sign
JSON that two readers would understand in two ways, or that costs the reader its stack.
"""

import json
from collections.abc import Callable
from typing import Any

from scenarios.forge import Mint, Recipe, b64url, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(
        Verdict.UNAUTHENTICATED, "three parts of canonical base64url, each one proper JSON object, or it is not read"
    ),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "three parts of canonical base64url, each one proper JSON object, or it is not read"
    ),
}
REFERENCES = (
    "RFC 7515 §2",
    "RFC 7519 §4, §7.2",
    "RFC 8725 §2.4, §3.7, §3.11",
    "RFC 8259 §4, §8.1",
    "OWASP API4:2023",
    "CVE-2023-51774",
)
CATALOGUE = ("JWT-02", "JWT-11", "JWT-12", "JWT-13", "JWT-14", "JWT-19", "JWT-26")

SPELT: dict[str, Callable[[str, str, str], str]] = {
    "one part more": lambda h, p, s: f"{h}.{p}.{s}.x",
    "five parts": lambda h, p, s: f"{h}.{p}.{s}.{p}.{s}",
    "five parts, empty between": lambda h, p, s: f"{h}..{p}.{s}.",
    "payload detached": lambda h, p, s: f"{h}..{s}",
    "header missing": lambda h, p, s: f".{p}.{s}",
    "dots alone": lambda h, p, s: "..",
    "no dots": lambda h, p, s: f"{h}{p}{s}",
    "header padded": lambda h, p, s: f"{h}=.{p}.{s}",
    "payload padded": lambda h, p, s: f"{h}.{p}=.{s}",
    "signature padded": lambda h, p, s: f"{h}.{p}.{s}==",
    "one padding too few": lambda h, p, s: f"{h}.{p}.{s}=",
    "standard alphabet, plus": lambda h, p, s: f"{h}.{p}.+{s[1:]}",
    "standard alphabet, slash": lambda h, p, s: f"{h}.{p}./{s[1:]}",
    "a space before": lambda h, p, s: f" {h}.{p}.{s}",
    "a space within": lambda h, p, s: f"{h}.{p}.{s[:9]} {s[9:]}",
    "a tab within": lambda h, p, s: f"{h}.{p[:9]}\t{p[9:]}.{s}",
    "percent encoded": lambda h, p, s: f"{h}%2E{p}%2E{s}",
    "quoted": lambda h, p, s: f'"{h}.{p}.{s}"',
    "scheme twice": lambda h, p, s: f"Bearer {h}.{p}.{s}",
    "colons for dots": lambda h, p, s: f"{h}:{p}:{s}",
    "a tilde after": lambda h, p, s: f"{h}.{p}.{s}~",
    "full-width letter": lambda h, p, s: latin1(f"{h}.{p}.\uff21{s[1:]}"),
    "full-width stops": lambda h, p, s: latin1(f"{h}\uff0e{p}\uff0e{s}"),
    "byte order mark": lambda h, p, s: latin1(f"\ufeff{h}.{p}.{s}"),
    "zero-width space": lambda h, p, s: latin1(f"{h}.{p}.{s}\u200b"),
    "spare bits": lambda h, p, s: f"{h}.{p}.{s[:-1]}{LETTERS[LETTERS.index(s[-1]) + 1]}",
    "6 kB of signature": lambda h, p, s: f"{h}.{p}.{'A' * 6000}",
    "6 kB of header": lambda h, p, s: f"{'A' * 6000}.{p}.{s}",
    "6 kB of dots": lambda h, p, s: "." * 6000,
}
JSON: dict[str, Callable[[str], bytes]] = {
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "Latin-1": lambda text: (text[:-1] + ',"\u00e9":1}').encode("latin-1"),
    "overlong NUL": lambda text: text[:-1].encode() + b',"\xc0\x80":1}',
    "stray octet": lambda text: text.encode() + b"\xff",
    "NaN": lambda text: f'{text[:-1]},"x":NaN}}'.encode(),
    "Infinity": lambda text: f'{text[:-1]},"x":Infinity}}'.encode(),
    "a member twice": lambda text: f'{text[:-1]},"x":1,"x":1}}'.encode(),
    "a member twice, escaped": lambda text: f'{text[:-1]},"x":1,"\\u0078":1}}'.encode(),
    "a member twice, below": lambda text: f'{text[:-1]},"x":{{"a":1,"a":2}}}}'.encode(),
    "its first member twice": lambda text: f"{text[:-1]},{text[1:].partition(',')[0]}}}".encode(),
    "trailing comma": lambda text: f"{text[:-1]},}}".encode(),
    "trailing NUL": lambda text: f"{text}\0".encode(),
    "two objects": lambda text: f"{text}{text}".encode(),
    "comment": lambda text: f"{text[:-1]}/* */}}".encode(),
    "single quotes": lambda text: text.replace('"', "'").encode(),
    "cut short": lambda text: text[:-1].encode(),
    "leading zero": lambda text: f'{text[:-1]},"x":01}}'.encode(),
    "deep lists": lambda text: b"[" * 700,
    "deep objects": lambda text: b'{"a":' * 140,
    "700 digits": lambda text: b'{"alg":' + b"9" * 700 + b"}",
    "list": lambda text: f"[{text}]".encode() if len(text) < 700 else b"[{}]",
    "string": lambda text: b'"x"',
    "number": lambda text: b"1",
    "null": lambda text: b"null",
    "nothing": lambda text: b" ",
}
ENCRYPTED: dict[str, dict[str, Any]] = {
    "RSA-OAEP": {"alg": "RSA-OAEP", "enc": "A256GCM"},
    "RSA1_5": {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
    "dir, compressed": {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
    "PBES2, two thousand million rounds": {
        "alg": "PBES2-HS256+A128KW",
        "enc": "A128GCM",
        "p2c": 2**31 - 1,
        "p2s": "AAAA",
    },
    "ECDH-ES": {"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC"}},
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def latin1(text: str) -> str:
    """As a header that holds UTF-8 looks to whoever takes it for Latin-1."""
    return text.encode().decode("latin-1")


def spelt(spell: Callable[[str, str, str], str]) -> Recipe:
    """A good token, written another way."""

    def forge(mint: Mint) -> str:
        header, payload, signature = mint.parts()
        return spell(header, payload, signature)

    return forge


def in_header(spoil: Callable[[str], bytes]) -> Recipe:
    """A spoilt header, signed by the issuer's key."""
    return lambda mint: mint.sign(spoil(json.dumps(mint.header())), mint.claims())


def in_payload(spoil: Callable[[str], bytes]) -> Recipe:
    """A spoilt payload, signed by the issuer's key."""
    return lambda mint: mint.sign(mint.header(), spoil(json.dumps(mint.claims())))


def encrypted(header: dict[str, Any]) -> Recipe:
    """Five parts, where three are looked for."""
    return lambda mint: b64url(json.dumps({**mint.header(), **header}).encode()) + ".AAAA.AAAA.AAAA.AAAA"


RECIPES: dict[str, Recipe] = {f"good, but {name}": spelt(spell) for name, spell in SPELT.items()}
RECIPES |= {f"header: {name}": in_header(spoil) for name, spoil in JSON.items()}
RECIPES |= {f"payload: {name}": in_payload(spoil) for name, spoil in JSON.items()}
RECIPES |= {f"encrypted with {name}": encrypted(header) for name, header in ENCRYPTED.items()}
RECIPES |= {
    "a token as payload": lambda mint: mint.sign(mint.header(), mint.token().encode()),
    "a token as payload, and said so": lambda mint: mint.sign(mint.header(cty="JWT"), mint.token().encode()),
    "a token in a string": lambda mint: mint.sign(mint.header(), json.dumps(mint.token()).encode()),
    "a token in a claim": lambda mint: mint.sign(mint.header(), {"jwt": mint.token()}),
    "nothing after the scheme": lambda mint: "",
    "an opaque string": lambda mint: "opaque-token-of-another-kind",
    "a word": lambda mint: "undefined",
    "payload with a lone surrogate": lambda mint: mint.token(sub="carol\ud800"),
}
CASES = tokens(RECIPES)
