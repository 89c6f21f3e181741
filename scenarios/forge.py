"""Access tokens of any shape: forged with keys of Mallory's own, or bent although the issuer's own key signs them.

She has been at the identity provider's disk for the latter, so that what refuses such a token is the check in question
and not the signature.  Nothing here is used by the shop.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt as pyjwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from compose.refusals import CannotRun
from compose.topology import TOKEN_PATTERNS
from scenarios.families import Attempt, Request, WrongAnswer, borrowed, family, says
from scenarios.tripwire import Tripwire, tripwire
from scenarios.world import World

VICTIM = "carol"
SCOPE = "items:read orders:read orders:write orders:read:any orders:refund"
Claims = Mapping[str, Any]


def b64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def kid_of(key: Any) -> str:
    """The RFC 7638 thumbprint of a key's public half: what the issuer calls its keys."""
    jwk = jwk_of(key)
    needed = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    return b64url(hashlib.sha256(json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()).digest())


def jwk_of(key: Any) -> dict[str, str]:
    """The public half of a key as a JWK (RFC 7517)."""
    algorithm = pyjwt.get_algorithm_by_name(_algorithm_of(key))
    found: dict[str, str] = json.loads(algorithm.to_jwk(key.public_key()))
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _algorithm_of(key: Any) -> str:
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"


@functools.cache
def own_keys() -> dict[str, Any]:
    """Mallory's own keys, one for each algorithm that the issuer uses."""
    return {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }


def issuer_keys(world: World) -> dict[str, Any]:
    """The identity provider's private signing keys by algorithm, read off its own disk."""
    ran = world.shop.run("idp", ["sh", "-c", 'cat "$SHOP_DIR"/idp/data/signing-*.pem'])
    blocks = re.findall("-----BEGIN [^-]+-----[^-]+-----END [^-]+-----", ran.stdout)
    if ran.returncode or not blocks:
        raise CannotRun(f"the IdP's signing keys were not found: {ran.stderr[-200:]}", "make logs")
    return {_algorithm_of(key): key for key in map(_read, blocks)}


@functools.cache
def _read(block: str) -> Any:
    """A private key; each is read once, since checking an RSA key takes 36 ms."""
    return serialization.load_pem_private_key(block.encode(), password=None)


@dataclass(frozen=True)
class Mint:
    """Signs tokens for one door, with the issuer's keys unless told otherwise."""

    world: World
    door: str
    keys: Mapping[str, Any]
    tripwire: Tripwire
    own: Mapping[str, Any] = field(default_factory=own_keys)
    thumbprint: str = ""
    """Of the certificate that will be shown together with the token."""

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token for this door says of carol, with `changes`; a change to `...` leaves the claim out."""
        now = int(time.time())
        good: dict[str, Any] = {"iss": self.world.shop.issuer, "aud": [self.door], "sub": VICTIM, "client_id": "cli"}
        good |= {"iat": now, "exp": now + 300, "jti": "mallory-1", "scope": SCOPE}
        if self.thumbprint:
            good |= {"client_id": "gateway", "act": {"sub": "gateway"}, "cnf": {"x5t#S256": self.thumbprint}}
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def header(self, alg: str = "ES256", /, **changes: Any) -> dict[str, Any]:
        """The header that the issuer would write, with `changes`; a change to `...` leaves the member out."""
        fields = {"alg": alg, "kid": kid_of(self.keys[alg]), "typ": "at+jwt"} | changes
        return {name: value for name, value in fields.items() if value is not ...}

    def token(self, header: Claims | None = None, alg: str = "ES256", key: Any = None, **claims: Any) -> str:
        """A token that is good but for what is asked; `key` instead of the issuer's."""
        return self.sign(self.header(alg, **(header or {})), self.claims(**claims), alg, key)

    def sign(self, header: Claims | bytes, payload: Claims | bytes, alg: str = "ES256", key: Any = None) -> str:
        """Header and payload, as objects or as they are, signed by `alg` whatever the header says."""
        octets = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload))
        message = ".".join(map(b64url, octets))
        return f"{message}.{self.signature(message, alg, key)}"

    def signature(self, message: str, alg: str = "ES256", key: Any = None) -> str:
        """The signature of this text."""
        family = alg if alg in self.keys else "RS256"
        return b64url(pyjwt.get_algorithm_by_name(alg).sign(message.encode(), key or self.keys[family]))

    def parts(self, **claims: Any) -> list[str]:
        """Header, payload and signature of a good token."""
        return self.token(**claims).split(".")


Recipe = Callable[[Mint], str]


def claiming(**claims: Any) -> Recipe:
    """A token of the issuer's with these claims over a good one's."""
    return lambda mint: mint.token(**claims)


def heading(**members: Any) -> Recipe:
    """A token of the issuer's with these members over a good header's."""
    return lambda mint: mint.token(members)


@dataclass(frozen=True)
class Bench:
    """What Mallory works with: a mint for each door at which a token is looked at, and a line that nobody must call."""

    mints: list[Mint]
    certificate: Mapping[str, str]

    @classmethod
    @contextmanager
    def of(cls, world: World, doors: tuple[str, ...]) -> Iterator[Bench]:
        """The tools in this world; inside zero trust she borrows gateway's certificate, or no token were looked at.

        Raises `WrongAnswer` when somebody went where a token points.
        """
        keys, certificate = issuer_keys(world), borrowed(world)
        asked = doors if world.pattern in TOKEN_PATTERNS else ("orders",)  # elsewhere the gateway takes passwords only
        prints = {"orders": thumbprint(certificate)}
        with tripwire(world) as wire:
            yield cls([Mint(world, door, keys, wire, own_keys(), prints.get(door, "")) for door in asked], certificate)
            if called := wire.heard():
                raise WrongAnswer(f"somebody fetched what a token points at: {called}")

    def show(self, mint: Mint, authorization: str, path: str) -> Request:
        """The request that shows this at the mint's door; X-User tells the same lie to whoever asks for no token."""
        headers = [("Authorization", authorization), ("X-User", VICTIM)]
        if mint.door == "gateway":
            return Request("gateway", headers, f"/api{path}")
        return Request(mint.door, headers, path, more=self.certificate)


def thumbprint(certificate: Mapping[str, str]) -> str:
    """`x5t#S256` (RFC 8705 §3.1) of a certificate as `World.certificate_of` gives it; empty without one."""
    if not certificate:
        return ""
    der = x509.load_pem_x509_certificate(certificate["cert"].encode()).public_bytes(serialization.Encoding.DER)
    return b64url(hashlib.sha256(der).digest())


def tokens(
    recipes: Mapping[str, Recipe],
    error: str = "invalid_token",
    doors: tuple[str, ...] = ("gateway", "orders"),
    path: str = "/orders",
    scheme: str = "Bearer ",
    scope: str = "",
) -> dict[str, Attempt]:
    """The cases of a story about tokens: each recipe's token is shown at each of `doors`, and has to be refused there.

    Under patterns without tokens they are shown inside, where the pattern's own lock decides.  Every 401 of the others
    carries `error`, every 403 names the `scope` that is lacking, and nothing that a token points at is fetched.
    """

    def shown(recipe: Recipe) -> Callable[[Bench], list[Request]]:
        return lambda bench: [bench.show(mint, scheme + recipe(mint), path) for mint in bench.mints]

    shows = {name: shown(recipe) for name, recipe in recipes.items()}
    return family(shows, lambda world: Bench.of(world, doors), says(error, scope))
