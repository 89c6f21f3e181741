"""Mallory has broken into inventory, which has no business calling anybody, and calls billing and orders from there.

She holds what inventory holds: its certificate, its secrets, its client at the identity provider.  Nobody's password
or token passes through while she is there.  How far does the least important service reach?
"""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

from compose.topology import TOKEN_PATTERNS
from scenarios.levers import issued_to
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside, everybody may ask everybody for everything"),
    "basic": Expect(Verdict.UNISSUED, "it has no password: those it sees are other people's, and none is passing"),
    "subsystem": Expect(Verdict.UNISSUED, "a service that has nobody to call was given no password to call with"),
    "mtls": Expect(Verdict.FORBIDDEN, "its certificate is genuine, and no operation is granted to inventory"),
    "oauth2": Expect(Verdict.UNISSUED, "with its client secret it may ask about tokens, and get none"),
    "jwt": Expect(Verdict.UNISSUED, "it holds no secret at all, only the identity provider's public keys"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "its certificate opens the connection, and a token it cannot get"),
}
REFERENCES = ("OWASP API5:2023", "OWASP ASVS 13.2.2", "NIST SP 800-204A", "RFC 6749 §4.4")
CATALOGUE = ("PER-11", "MTLS-08")


def what_it_can_show(world: World) -> Mapping[str, str] | None:
    """The headers that inventory can make from what it holds, after asking the identity provider for more."""
    if world.pattern not in TOKEN_PATTERNS:
        return world.own_credential_of("inventory", user="alice")
    if token := issued_to(world, "inventory"):
        return {"Authorization": f"Bearer {token}"}
    return {} if world.pattern == "zerotrust" else None  # there the certificate goes with every request


def reach(service: str, method: str, path: str, body: Callable[[], Any] = lambda: None) -> Callable[[World], Answer]:
    """One call that inventory has no business making."""

    def attempt(world: World) -> Answer:
        shown = what_it_can_show(world)
        return UNISSUED if shown is None else world.breached("inventory", service, method, path, shown, body())

    return attempt


CASES = {
    "read alice's charges": reach("billing", "GET", "/charges"),
    "charge alice": reach("billing", "POST", "/charges", lambda: {"order": token_hex(16), "amount": 1}),
    "read alice's orders": reach("orders", "GET", "/orders"),
}
