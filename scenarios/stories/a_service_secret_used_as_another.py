"""Mallory has broken into the gateway, which may not charge anybody, and shows its secret under the name of orders.

Orders may charge people; the gateway may not.  She has the gateway's own secret in her hands, whatever the pattern
made of it, and hopes that a secret is a secret: that whoever checks it does not look whose it is.
"""

from secrets import token_hex

from scenarios.levers import TOKEN_EXCHANGE, asked_of_the_idp
from scenarios.newcomer import basic
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "services have no secrets, since nobody asks for any"),
    "basic": Expect(Verdict.UNISSUED, "services have no secrets, only those of the people who pass through"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "each service's password is checked against its own name's hash"),
    "mtls": Expect(Verdict.FORBIDDEN, "the name is in the certificate: whatever else she says, she is the gateway"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "the identity provider checks a client's secret against that client"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "the identity provider knows no client called orders at all"),
    "zerotrust": Expect(Verdict.UNAUTHENTICATED, "the certificate that proves the client names the gateway"),
}
REFERENCES = ("RFC 6749 §2.3", "RFC 7617 §2", "RFC 8705 §2.1.2", "OWASP ASVS 13.2.1", "CWE-287")
CATALOGUE = ("BAS-15",)


def attempt(world: World) -> Answer:
    """Be orders, with the gateway's secret: to billing if that checks secrets itself, else to the identity provider."""
    if world.pattern in {"perimeter", "basic"}:
        return UNISSUED
    if world.pattern in {"subsystem", "mtls"}:
        password = world.secret_of("gateway", "password")
        shown = {"X-User": "alice", "X-Caller": "orders", "X-Forwarded-Client-Cert": "URI=spiffe://shop.test/orders"}
        shown |= {"Authorization": basic("orders", password)} if password else {}
        body = {"order": token_hex(16), "amount": 1}
        return world.breached("gateway", "billing", "POST", "/charges", shown, body)
    secret = world.secret_of("gateway", "client_secret")
    proof = {"Authorization": basic("orders", secret)} if secret else {}
    form = {"grant_type": TOKEN_EXCHANGE, "client_id": "orders", "audience": "billing", "subject_token": "any"}
    path = "/introspect" if world.pattern == "oauth2" else "/token"
    return asked_of_the_idp(world, "gateway", path, {**form, "token": "any"}, **proof)
