"""Mallory answers in billing's place, and waits to be told things.

Billing is down for a moment, and she has taken its address on the inner network.  Alice orders a book, and orders calls
billing: does it tell her anything before it has seen proof that she is billing?  She shows a certificate with all the
right names, signed by herself; and, in the second case, one that the shop's own CA has signed, but for inventory.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scenarios.families import together
from scenarios.levers import dark, eventually, insist
from scenarios.shopper import Shopper
from scenarios.stand_in import posted
from scenarios.verdict import Answer, Expect, Verdict, refused
from scenarios.world import World

GROUP = "inside with nothing"
CHECKED = Expect(Verdict.REFUSED, "orders hangs up during the handshake: billing is who the shop's CA says, by name")
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the network says who billing is: whoever has its address is told everything"),
    "basic": CHECKED,
    "subsystem": CHECKED,
    "mtls": CHECKED,
    "oauth2": CHECKED,
    "jwt": CHECKED,
    "zerotrust": CHECKED,
}
REFERENCES = ("RFC 9525 §6", "RFC 5280 §6", "OWASP ASVS 12.3.2", "CWE-295", "CWE-300")
CATALOGUE = ("MTLS-23", "PER-04")


def signed_by_herself(_: World) -> Mapping[str, str]:
    """A certificate with billing's names that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "billing")])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName("billing")]
    names.append(x509.UniformResourceIdentifier("spiffe://shop.test/billing"))
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(both, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"cert": certificate.public_bytes(serialization.Encoding.PEM).decode(), "key": private.decode()}


def anothers(world: World) -> Mapping[str, str]:
    """Inventory's own certificate and key, genuine in all but the name."""
    return world.certificate_of("inventory")


def attempts(world: World) -> dict[str, Answer]:
    """Stand in billing's place with one certificate after the other; under `perimeter` nobody asks for one."""
    alice, key = Shopper(world.shop, "alice"), secrets.token_hex(16)
    certificates = {name: {} if world.pattern == "perimeter" else show(world) for name, show in SHOWN.items()}
    with dark(world, "billing"):
        answers = {name: told(world, shown, alice, key) for name, shown in certificates.items()}
    insist(alice.order("book", key=key).status_code == 201, "the order that was cut off does not find its end")
    return answers


def told(world: World, certificate: Mapping[str, str], alice: Shopper, key: str) -> Answer:
    """What Mallory is told when alice orders."""
    with posted(world, "billing", certificate) as there:
        cut_off = alice.order("book", key=key)
        insist(cut_off.status_code == 503, f"without billing, an order comes to {cut_off.status_code}")
        eventually(lambda: there.heard("request") or there.heard("hung up"), "orders calls billing")
        heard = there.heard("request")
    if heard:
        return Answer(Verdict.SERVED, body=heard[0]["body"], detail=f"she was told {heard[0]['headers']}")
    return refused("orders hung up before it said a word")


SHOWN = {"signed by herself": signed_by_herself, "another service's": anothers}
CASES = together(SHOWN, attempts)
