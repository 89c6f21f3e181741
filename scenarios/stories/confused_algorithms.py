"""Mallory signs a token with something that is no secret, and names an algorithm for which it would be one.

The issuer's public key is for everybody to read.  A verifier that lets the token choose the algorithm takes it for the
shared secret of an HMAC.  She tries it in every form, then passwords that people use as secrets, then the issuer's own
private key with another algorithm than the one it is for.
"""

import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization

from scenarios.forge import Mint, Recipe, b64url, heading, jwk_of, kid_of, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "the key decides which algorithm verifies, not the token"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the key decides which algorithm verifies, not the token"),
}
REFERENCES = ("RFC 8725 §2.1, §2.2, §3.1, §3.5", "OWASP ASVS 9.1.2", "CVE-2015-9235", "CVE-2016-10555")
CATALOGUE = ("JWT-03", "JWT-04", "JWT-18")

ENCODING, FORM = serialization.Encoding, serialization.PublicFormat
FORMS: dict[str, Callable[[Any, bytes], bytes]] = {
    "PEM": lambda key, pem: pem,
    "PEM without its last line feed": lambda key, pem: pem.strip(),
    "PEM with CRLF": lambda key, pem: pem.replace(b"\n", b"\r\n"),
    "PEM in one line": lambda key, pem: pem.replace(b"\n", b""),
    "PEM without its frame": lambda key, pem: b"".join(pem.strip().split(b"\n")[1:-1]),
    "PEM with NUL": lambda key, pem: pem + b"\0",
    "DER": lambda key, pem: key.public_key().public_bytes(ENCODING.DER, FORM.SubjectPublicKeyInfo),
    "OpenSSH": lambda key, pem: key.public_key().public_bytes(ENCODING.OpenSSH, FORM.OpenSSH),
    "JWK": lambda key, pem: json.dumps(jwk_of(key)).encode(),
    "JWK, sorted": lambda key, pem: json.dumps(jwk_of(key), separators=(",", ":"), sort_keys=True).encode(),
    "its first number": lambda key, pem: (jwk_of(key).get("n") or jwk_of(key)["x"]).encode(),
    "its kid": lambda key, pem: kid_of(key).encode(),
}
GUESSES = {"empty": b"", "NUL": b"\0", "32 NUL": b"\0" * 32, "null": b"null", "braces": b"{}"}
GUESSES |= {word: word.encode() for word in ("secret", "changeme", "password", "your-256-bit-secret", "shop", "idp")}


def hmac_token(mint: Mint, bits: int, secret: bytes, alg: str = "ES256", /, **header: str) -> str:
    """A token that an HMAC with this secret proves."""
    fields = mint.header(alg, **{"alg": f"HS{bits}", **header})
    message = ".".join(b64url(json.dumps(part).encode()) for part in (fields, mint.claims()))
    return f"{message}.{b64url(hmac.new(secret, message.encode(), f'sha{bits}').digest())}"


def with_public_key(form: str, alg: str, bits: int, /, **header: str) -> Recipe:
    """The public key for a secret."""

    def forge(mint: Mint) -> str:
        key = mint.keys[alg]
        pem = key.public_key().public_bytes(ENCODING.PEM, FORM.SubjectPublicKeyInfo)
        return hmac_token(mint, bits, FORMS[form](key, pem), alg, **header)

    return forge


def guessed(secret: bytes) -> Recipe:
    """A secret that anybody would try."""
    return lambda mint: hmac_token(mint, 256, secret)


def misused(alg: str) -> Recipe:
    """The issuer's RSA key, used by another algorithm than its own."""
    return lambda mint: mint.sign(mint.header("RS256", alg=alg), mint.claims(), alg)


RECIPES: dict[str, Recipe] = {
    f"HS{bits} with the {alg} key as {form}": with_public_key(form, alg, bits)
    for form in FORMS
    for alg in ("ES256", "RS256")
    for bits in ((256, 384, 512) if form == "PEM" else (256,))
}
RECIPES |= {f"HMAC said to be {alg}": with_public_key("PEM", alg, 256, alg=alg) for alg in ("ES256", "RS256")}
RECIPES |= {f"HS256 with a guessed secret, {name}": guessed(secret) for name, secret in GUESSES.items()}
RECIPES |= {f"the RSA key used for {alg}": misused(alg) for alg in ("RS384", "RS512", "PS256", "PS384", "PS512")}
RECIPES |= {
    "ES256 signed, RS256 said": lambda mint: mint.token({"alg": "RS256"}),
    "ES256 signed under the other key's name": lambda mint: mint.token({"kid": kid_of(mint.keys["RS256"])}),
    "RS256 signed under the other key's name": lambda mint: mint.token({"kid": kid_of(mint.keys["ES256"])}, "RS256"),
    "ES256 signed, all said as of the other": lambda mint: mint.sign(mint.header("RS256"), mint.claims(), "ES256"),
}
RECIPES |= {
    f"alg {alg!r}": heading(alg=alg) for alg in ("es256", "ES256 ", " ES256", "ES256\0", "ES256K", "ES", "EdDSA", "dir")
}
CASES = tokens(RECIPES)
