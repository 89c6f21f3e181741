"""What a caller shows to each lock, rightly and wrongly: the same seven modules, seen from outside."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from scenarios.bench.ground import PASSWORD, Ground
from scenarios.bench.knocking import NO_HTTP, Headers, Wrong
from services import tls as service_tls

FOR_ALICE: Headers = {"X-User": "alice"}


@dataclass(frozen=True)
class Shown:
    """How to come as somebody whom a lock admits, and as whom it must not."""

    tls: ssl.SSLContext | None
    again: Callable[[int], list[Headers]]
    """Headers for so many requests, each with the same credential."""
    wrong: tuple[Wrong, ...]


def bearer(token: str) -> Headers:
    """RFC 6750 §2.1."""
    return {"Authorization": f"Bearer {token}"}


def basic(name: str, password: str) -> Headers:
    """RFC 7617 §2."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def nothing(count: int) -> list[Headers]:
    """No credential at all."""
    return [{}] * count


def shown(pattern: str, ground: Ground) -> Shown:
    """What to show under `pattern`."""
    return {
        "perimeter": _perimeter,
        "basic": _basic,
        "subsystem": _subsystem,
        "mtls": _mtls,
        "oauth2": _oauth2,
        "jwt": _jwt,
        "zerotrust": _zerotrust,
    }[pattern](ground)


def _perimeter(ground: Ground) -> Shown:
    """Nothing is wrong here: that is the pattern."""
    return Shown(None, lambda count: [FOR_ALICE] * count, ())


def _basic(ground: Ground) -> Shown:
    over = ground.client(None)
    wrong = (Wrong("nobody", {}, over), Wrong("a wrong password", basic("alice", "not it"), over))
    right = basic("alice", PASSWORD)
    return Shown(over, lambda count: [right] * count, wrong)


def _subsystem(ground: Ground) -> Shown:
    over = ground.client(None)
    wrong = (Wrong("nobody", {}, over), Wrong("a wrong password", basic("gateway", "not it"), over))
    right = {**basic("gateway", ground.password), **FOR_ALICE}
    return Shown(over, lambda count: [right] * count, wrong)


def _certificates(ground: Ground) -> tuple[Wrong, ...]:
    """Who cannot even connect, where a certificate is asked for."""
    return (
        Wrong("no certificate", FOR_ALICE, ground.client(None), frozenset({NO_HTTP})),
        Wrong("a certificate of another CA", FOR_ALICE, ground.rogue(), frozenset({NO_HTTP})),
    )


def _mtls(ground: Ground) -> Shown:
    not_granted = Wrong("the certificate of another service", FOR_ALICE, ground.client("billing"), frozenset({403}))
    wrong = (*_certificates(ground), not_granted)
    return Shown(ground.client("gateway"), lambda count: [FOR_ALICE] * count, wrong)


def _oauth2(ground: Ground) -> Shown:
    over = ground.client(None)
    wrong = (Wrong("nobody", {}, over), Wrong("a token that nobody issued", bearer("a" * 43), over))
    return Shown(over, lambda count: [bearer(ground.shopper.token())] * count, wrong)


def _jwt(ground: Ground) -> Shown:
    over = ground.client(None)
    wrong = (
        Wrong("nobody", {}, over),
        Wrong("a forged signature", bearer(forged(ground.jwt())), over),
        Wrong("a token for another audience", bearer(ground.jwt(aud=["billing"])), over),
        Wrong("an expired token", bearer(ground.jwt(exp=1)), over),
    )
    right = bearer(ground.jwt())
    return Shown(over, lambda count: [right] * count, wrong)


def _zerotrust(ground: Ground) -> Shown:
    over = ground.client("gateway")
    certificate = service_tls.peer_of(ssl.PEM_cert_to_DER_cert(_leaf_pem(ground)))
    bound = {"cnf": {"x5t#S256": certificate.thumbprint}, "act": {"sub": "gateway"}}
    right = bearer(ground.jwt(**bound))
    wrong = (
        *_certificates(ground),
        Wrong("nobody", {}, over),
        Wrong("a token bound to nothing", bearer(ground.jwt()), over),
        Wrong("a token bound to another certificate", right, ground.client("billing")),
    )
    return Shown(over, lambda count: [right] * count, wrong)


def _leaf_pem(ground: Ground) -> str:
    """The gateway's certificate without what is sent along."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = (ground.shop.tls_dir("gateway") / "leaf.pem").read_text()
    return begin + text.split(begin, 1)[1].split(end, 1)[0] + end + "\n"


def forged(token: str) -> str:
    """`token` with another payload under the same signature."""
    header, payload, signature = token.split(".")
    octets = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"alice", b"carol")
    return ".".join((header, base64.urlsafe_b64encode(octets).rstrip(b"=").decode(), signature))
