"""Mallory sends signatures made of zeros.

In some libraries a signature whose two numbers are nought proved anything to anybody.  She sends those, and all the
other numbers at the edges, and good signatures written in ways that only careless readers accept.
"""

import base64
import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import utils

from scenarios.forge import Mint, Recipe, b64url, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "the numbers of a signature are checked before they are used"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the numbers of a signature are checked before they are used"),
}
REFERENCES = ("CVE-2022-21449", "RFC 7518 §3.4", "RFC 8725 §3.3")
CATALOGUE = ("JWT-09", "JWT-02")

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
TOP = 2**256 - 1
NUMBERS = {"0": 0, "1": 1, "n": ORDER, "n-1": ORDER - 1, "n+1": ORDER + 1, "p": PRIME, "p-n": PRIME - ORDER, "max": TOP}
PAIRS = (
    *("0 0", "0 1", "1 0", "1 1", "n n", "n 0", "0 n", "n 1", "1 n", "n-1 n-1", "n+1 1", "1 n+1"),
    *("p p", "p 1", "1 p", "p-n 1", "max max", "max 1", "0 max", "n-1 1", "1 n-1"),
)
OCTETS = {f"{length} zero octets": b"\0" * length for length in (1, 2, 8, 32, 63, 64, 65, 72, 96, 127, 128, 256, 512)}
OCTETS |= {f"r and s as DER, {n}": utils.encode_dss_signature(n, n) for n in (0, 1)}
OCTETS |= {"an empty DER sequence": b"\x30\x00", "a word": b"signature"}
OCTETS |= {
    f"r and s are {pair}": b"".join(NUMBERS[number].to_bytes(32, "big") for number in pair.split()) for pair in PAIRS
}


def put(octets: bytes, alg: str = "ES256") -> Recipe:
    """These octets for a signature."""

    def forge(mint: Mint) -> str:
        header, payload, _ = mint.token(alg=alg).split(".")
        return f"{header}.{payload}.{b64url(octets)}"

    return forge


def rewritten(how: Callable[[bytes], bytes], alg: str = "ES256") -> Recipe:
    """The good signature, written another way."""

    def forge(mint: Mint) -> str:
        header, payload, signature = mint.token(alg=alg).split(".")
        return f"{header}.{payload}.{b64url(how(base64.urlsafe_b64decode(signature + '==')))}"

    return forge


def as_der(raw: bytes) -> bytes:
    """As ASN.1 has it, and JWS has not."""
    return utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def wider(raw: bytes) -> bytes:
    """Each number in 48 octets."""
    return b"\0" * 16 + raw[:32] + b"\0" * 16 + raw[32:]


def past_the_order(raw: bytes) -> bytes:
    """The same number modulo the order of the curve."""
    return (int.from_bytes(raw[:32], "big") + ORDER).to_bytes(33, "big") + raw[32:]


def bare_hash(mint: Mint) -> str:
    """A hash where a signature ought to be."""
    message = ".".join(mint.parts()[:2])
    return f"{message}.{b64url(hashlib.sha256(message.encode()).digest() * 2)}"


RECIPES: dict[str, Recipe] = {name: put(octets) for name, octets in OCTETS.items()}
RECIPES |= {f"RSA: {name}": put(OCTETS[name], "RS256") for name in ("256 zero octets", "r and s are 1 1", "a word")}
RECIPES |= {
    "good, but as DER": rewritten(as_der),
    "good, r and s swapped": rewritten(lambda raw: raw[32:] + raw[:32]),
    "good, in 48 octets each": rewritten(wider),
    "good, r past the order": rewritten(past_the_order),
    "good, a zero after": rewritten(lambda raw: raw + b"\0"),
    "good, a zero before": rewritten(lambda raw: b"\0" + raw),
    "good, cut short": rewritten(lambda raw: raw[:-1]),
    "good, twice": rewritten(lambda raw: raw * 2),
    "good, backwards": rewritten(lambda raw: raw[::-1]),
    "RSA: good, a zero after": rewritten(lambda raw: raw + b"\0", "RS256"),
    "RSA: good, a zero before": rewritten(lambda raw: b"\0" + raw, "RS256"),
    "RSA: good, backwards": rewritten(lambda raw: raw[::-1], "RS256"),
    "a bare hash": bare_hash,
}
CASES = tokens(RECIPES)
