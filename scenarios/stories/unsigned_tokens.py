"""Mallory writes a token herself, and says that it needs no signature.

The header of a token names the algorithm that proves it, and one of the registered names is `none`.  She tries every
spelling of it, takes signatures away, changes a letter, and puts the signature of one token under another.  The token
says that she is carol.
"""

from scenarios.forge import Mint, Recipe, b64url, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "each key has one algorithm, and `none` is no key's"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "each key has one algorithm, even behind gateway's own certificate"),
}
REFERENCES = ("RFC 8725 §2.1, §3.1", "RFC 9068 §4", "RFC 7515 §5.2", "OWASP ASVS 9.1.1, 9.1.2", "CVE-2015-9235")
CATALOGUE = ("JWT-01", "JWT-02")

NONE = (
    "none",
    "None",
    "NONE",
    "nOnE",
    "noNE",
    "NoNe",
    "none ",
    " none",
    "none\0",
    "n\u043en\u0435",
    "",
    "null",
    "ES000",
)
NO_ALGORITHM = {"missing": ..., "null": None, "list": ["none"], "object": {"alg": "none"}, "false": False, "0": 0}


def _unsigned(alg: object, signature: str) -> Recipe:
    def forge(mint: Mint) -> str:
        header, payload, kept = mint.token({"alg": alg}).split(".")
        return f"{header}.{payload}.{kept if signature == 'kept' else signature}"

    return forge


def _flipped(at: int) -> Recipe:
    def forge(mint: Mint) -> str:
        header, payload, signature = mint.parts()
        other = "B" if signature[at] == "A" else "A"
        return f"{header}.{payload}.{signature[:at]}{other}{signature[at + 1 :]}"

    return forge


def _swapped(mint: Mint) -> str:
    (header, payload, _), (_, _, seen) = mint.parts(), mint.parts(sub="alice")
    return f"{header}.{payload}.{seen}"


RECIPES: dict[str, Recipe] = {
    f"alg {alg!r}, signature {signature or 'empty'}": _unsigned(alg, signature)
    for alg in NONE
    for signature in ("", "kept", "bm9uZQ")
}
RECIPES |= {f"alg {name}": _unsigned(alg, "kept") for name, alg in NO_ALGORITHM.items()}
RECIPES |= {f"signature changed at {at}": _flipped(at) for at in (0, 1, 41, 42, 84)}
RECIPES |= {
    "signature stripped": lambda mint: ".".join(mint.parts()[:2]) + ".",
    "signature and dot stripped": lambda mint: ".".join(mint.parts()[:2]),
    "payload alone": lambda mint: mint.parts()[1],
    "signature twice": lambda mint: ".".join([*mint.parts(), mint.parts()[2]]),
    "signature of another token": _swapped,
    "payload changed": lambda mint: ".".join(
        [(seen := mint.parts(sub="alice"))[0], b64url(b'{"sub":"carol"}'), seen[2]]
    ),
    "header changed": lambda mint: ".".join([b64url(b'{"alg":"ES256"}'), *mint.parts()[1:]]),
}
CASES = tokens(RECIPES)
