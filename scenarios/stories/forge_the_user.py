"""Mallory owns the orders service, and tells billing that she acts for carol.

She stands where orders stands and has all that it holds: its certificate, its password, whatever the pattern gives it.
Nobody called carol is anywhere near.  Can she read carol's charges all the same?
"""

from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "in a breached service"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "the user is whoever the caller says"),
    "basic": Expect(Verdict.UNISSUED, "only carol's own password says that it is carol"),
    "subsystem": Expect(Verdict.SERVED, "the user is whoever the caller says"),
    "mtls": Expect(Verdict.SERVED, "the certificate proves the service; the user is whoever it says"),
    "oauth2": Expect(Verdict.UNISSUED, "only the identity provider issues tokens, and only for who is there"),
    "jwt": Expect(Verdict.UNISSUED, "only the identity provider signs tokens, and only for who is there"),
    "zerotrust": Expect(Verdict.UNISSUED, "a token is only exchanged for one that is held"),
}
REFERENCES = ("OWASP ASVS 8.3.3", "CWE-441", "RFC 8693 §1.1")
CATALOGUE = ("BAS-12", "MTLS-24", "PER-02")


def attempt(world: World) -> Answer:
    """Charge carol for something, from the place of orders."""
    shown = world.own_credential_of("orders", user="carol")
    if shown is None:
        return UNISSUED
    body = {"order": "0" * 31 + "1", "amount": 1}
    return world.breached("orders", "billing", "POST", "/charges", shown, body)
