"""Somebody else answers at the identity provider's address, and says that everything is fine.

The impostor declares every token active and mallory's, hands out keys of its own, and trades any token for another.
It speaks TLS, with a certificate that it made itself, or with a genuine one that was issued to another.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scenarios.families import together
from scenarios.levers import ACCESS_TOKEN, dark, eventually, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.stand_in import posted
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "basic": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "subsystem": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "mtls": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "oauth2": Expect(
        Verdict.UNAVAILABLE, "it does not prove that it is the identity provider, so nothing is asked of it"
    ),
    "jwt": Expect(Verdict.SERVED, "the keys are known already, so nobody asks for any"),
    "zerotrust": Expect(
        Verdict.UNAVAILABLE, "it does not prove that it is the identity provider: nothing is exchanged"
    ),
}
REFERENCES = ("RFC 7662 §4", "RFC 9525 §6", "RFC 8414 §6.2", "OWASP ASVS 12.3.2", "CWE-295")
CATALOGUE = ("OAS-36",)


def lies(world: World) -> dict[str, object]:
    """What the impostor answers, whatever it is asked."""
    aud = ["gateway", "orders", "inventory", "billing"]
    about = {"iss": world.shop.issuer, "sub": "mallory", "aud": aud, "client_id": "cli", "exp": 2**32}
    more = {"token_type": "Bearer", "scope": "items:read orders:read orders:write orders:refund"}
    traded = {"access_token": "a.b.c", "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer"}
    return {"/introspect": {"active": True, **about, **more}, "/jwks": {"keys": []}, "/token": traded}


def attempts(world: World) -> dict[str, Answer]:
    """One impostor after the other, while the identity provider itself is away."""
    alice = Shopper(world.shop, "alice")
    insist(alice.order("book").status_code == 201, "alice cannot order to begin with")
    certificates = {name: show(world) for name, show in SHOWN.items()}
    with dark(world, "idp"):
        return {name: told_lies(world, alice, shown) for name, shown in certificates.items()}


def told_lies(world: World, alice: Shopper, certificate: Mapping[str, str]) -> Answer:
    """What comes of alice's order behind an impostor with that certificate."""
    with posted(world, "idp", certificate, lies(world)) as impostor:
        answer = answered(alice.order("book"))
        if answer.verdict is not Verdict.SERVED:
            eventually(lambda: impostor.heard("hung up") or impostor.heard("request"), "somebody comes to that door")
        told = impostor.heard("request")
    insist(not told, f"somebody asked the impostor: {[each['path'] for each in told]}")
    return answer


def of_another(world: World) -> Mapping[str, str]:
    """A genuine certificate, of a service that is not the identity provider."""
    return world.certificate_of("inventory") or world.certificate_of("gateway")


def home_made(world: World) -> Mapping[str, str]:
    """A certificate with all the right names, signed by nobody but itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    names = [x509.DNSName(each) for each in ("idp", "idp.localhost", "localhost")]
    uri = x509.UniformResourceIdentifier("spiffe://shop.test/idp")
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    signed = built.add_extension(x509.SubjectAlternativeName([*names, uri]), critical=False).sign(key, hashes.SHA256())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return {"cert": signed.public_bytes(pem).decode(), "key": key.private_bytes(pem, form, plain).decode()}


SHOWN = {"a certificate of its own making": home_made, "a certificate of another service": of_another}
CASES = together(SHOWN, attempts)
