"""Mallory's token brings its own key along, or says where to get it.

The header of a token has room for a key, for an address of keys, and for a name by which to look one up in a file or a
database.  She uses them all.  Whatever the token points at, nobody must go there: she listens.
"""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from scenarios.forge import Mint, Recipe, b64url, heading, jwk_of, kid_of, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(
        Verdict.UNAUTHENTICATED, "a header says which key, algorithm and kind, and nothing else is taken from it"
    ),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "a header says which key, algorithm and kind, and nothing else is taken from it"
    ),
}
REFERENCES = (
    "RFC 8725 §2.9, §3.10",
    "RFC 7515 §4.1.3, §4.1.11",
    "RFC 7797 §6",
    "OWASP ASVS 9.1.3",
    "OWASP API7:2023",
    "CVE-2018-0114",
)
CATALOGUE = ("JWT-06", "JWT-07", "JWT-08", "JWT-17")

MEMBERS: dict[str, dict[str, Any]] = {
    "crit unknown": {"crit": ["http://x/y"]},
    "crit empty": {"crit": []},
    "crit not a list": {"crit": "alg"},
    "crit an object": {"crit": {}},
    "crit null": {"crit": None},
    "crit names alg": {"crit": ["alg"]},
    "crit names exp": {"crit": ["exp"], "exp": 2_000_000_000},
    "b64 false": {"b64": False},
    "b64 true": {"b64": True},
    "b64 false and critical": {"crit": ["b64"], "b64": False},
    "zip": {"zip": "DEF"},
    "x5c empty": {"x5c": []},
    "x5t": {"x5t": "AAAA"},
    "nonce": {"nonce": "x"},
    "claims in the header": {"iss": "x", "sub": "carol", "aud": "orders"},
    "Alg": {"Alg": "none"},
    "ALG": {"ALG": "ES256"},
    "alg with a space": {"alg ": "ES256"},
    "an empty name": {"": ""},
    "__proto__": {"__proto__": {"alg": "none"}},
}
"""Members that change the rules, in a header that the issuer itself signed."""
KIDS: dict[str, Any] = {
    "path": "../../../../dev/null",
    "absolute path": "/etc/passwd",
    "file URL": "file:///etc/passwd",
    "Windows path": "C:\\Windows\\win.ini",
    "SQL": "' UNION SELECT 'secret' --",
    "SQL, always true": "' OR '1'='1",
    "LDAP": "*)(uid=*))(|(uid=*",
    "shell": "$(id)",
    "shell, backquotes": "`id`",
    "shell, pipe": "|id",
    "CRLF": "x\r\nSet-Cookie: a=b",
    "NUL": "x\0.pem",
    "lookup": "${jndi:ldap://127.0.0.1/a}",
    "template": "{{7*7}}",
    "percent": "%2e%2e%2f",
    "lone surrogate": "\ud800",
    "wildcard": "*",
    "prototype": "__proto__",
    "600 characters": "x" * 600,
    "5 kB": "x" * 5000,
    "list": [],
    "object": {},
    "number": 0,
    "true": True,
    "null": None,
}


def pointing(member: str, path: str) -> Recipe:
    """A header member that says where Mallory's key is to be had."""
    return lambda mint: mint.token(
        {member: mint.tripwire.url + path, "kid": kid_of(mint.own["ES256"])}, key=mint.own["ES256"]
    )


def named(url: str) -> Recipe:
    """A header that says that the key is at this address."""
    return lambda mint: mint.token({"jku": url}, key=mint.own["ES256"])


def carrying(kid: str) -> Recipe:
    """A header that carries Mallory's key, called `kid`, or as the issuer's is called."""

    def forge(mint: Mint) -> str:
        name = kid or kid_of(mint.keys["ES256"])
        jwk = {**jwk_of(mint.own["ES256"]), "kid": name, "alg": "ES256", "use": "sig"}
        return mint.token({"jwk": jwk, "kid": name}, key=mint.own["ES256"])

    return forge


def carrying_a_certificate(mint: Mint) -> str:
    """A header that carries Mallory's key in a certificate that it signed itself."""
    key, name = mint.own["ES256"], x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.now(UTC)
    dated = x509.CertificateBuilder().not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    named = dated.subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    der = named.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return mint.token({"x5c": [base64.b64encode(der).decode()], "kid": kid_of(key)}, key=key)


def emptied(kid: Any) -> Recipe:
    """A key that a file or a query would yield: the empty HMAC secret, under a name that leads there."""

    def forge(mint: Mint) -> str:
        header = mint.header(alg="HS256", kid=kid)
        message = ".".join(b64url(json.dumps(part).encode()) for part in (header, mint.claims()))
        return f"{message}.{b64url(hmac.new(b'', message.encode(), 'sha256').digest())}"

    return forge


RECIPES: dict[str, Recipe] = {
    f"{member} to {path}": pointing(member, path)
    for member in ("jku", "x5u", "kid", "iss", "url", "jwk")
    for path in ("/jwks.json",)
}
RECIPES |= {
    f"jku {where}": named(url)
    for where, url in {
        "to a file": "file:///etc/passwd",
        "to the cloud's metadata": "http://169.254.169.254/latest/meta-data/",
        "to where the issuer's are": "https://localhost:9443/jwks",
    }.items()
}
RECIPES |= {"jwk under the issuer's name": carrying(""), "jwk under a name of its own": carrying("mallory")}
RECIPES |= {"x5c of her own": carrying_a_certificate}
RECIPES |= {f"signed by the issuer, {name}": heading(**more) for name, more in MEMBERS.items()}
RECIPES |= {f"kid {name}": heading(kid=kid) for name, kid in KIDS.items()}
RECIPES |= {f"kid {name}, empty secret": emptied(KIDS[name]) for name in ("path", "absolute path", "SQL", "list")}
CASES = tokens(RECIPES)
