"""Mallory signs a token properly, with a key of her own, and calls it by the issuer's name.

The name of the issuer's key is public, and nothing keeps her from using it.  A signature is only worth as much as the
way in which the key was come by.
"""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from scenarios.forge import Mint, Recipe, kid_of, tokens
from scenarios.verdict import Expect, Verdict

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody reads a token: to say that one is carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: carol's own password is"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "a token is no credential here: a calling service's password is"),
    "mtls": Expect(Verdict.REFUSED, "a token opens no connection: a certificate does"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "to the identity provider it is just a string that it never issued"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "her key is not among those that the issuer publishes"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "her key is not among those that the issuer publishes"),
}
REFERENCES = ("RFC 8725 §3.8", "RFC 7515 §10", "OWASP ASVS 9.1.3")
CATALOGUE = ("JWT-05",)

OTHERS: dict[str, Callable[[], Any]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
}


def own(alg: str, said: str = "ES256", /, **header: Any) -> Recipe:
    """Signed with her own key, under the name of the issuer's key for `said`."""

    def forge(mint: Mint) -> str:
        key = mint.own["RS256" if alg[0] in "RP" else "ES256"] if alg not in OTHERS else OTHERS[alg]()
        return mint.sign(mint.header(said, **{"alg": alg, **header}), mint.claims(), alg, key)

    return forge


def own_name(mint: Mint) -> str:
    """Under her own key's name."""
    return mint.token({"kid": kid_of(mint.own["ES256"])}, key=mint.own["ES256"])


RECIPES: dict[str, Recipe] = {
    f"{alg} under the {said} key's name": own(alg, said)
    for alg in ("ES256", "RS256", "PS256", "RS512", *OTHERS)
    for said in ("ES256", "RS256")
}
RECIPES |= {
    "EdDSA said to be ES256": own("EdDSA", alg="ES256"),
    "RS256 said to be ES256": own("RS256", alg="ES256"),
    "under her own key's name": own_name,
    "without a key's name": own("ES256", kid=...),
    "with an empty name": own("ES256", kid=""),
    "as another issuer": lambda mint: mint.token(key=mint.own["ES256"], iss="https://idp.mallory.test"),
}
CASES = tokens(RECIPES)
