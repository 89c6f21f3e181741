"""Mallory speaks a TLS that is no longer safe, and asks to be answered in it.

An attacker between two ends makes them agree on the oldest words they share.  Our ends share none but TLS 1.3: there
is nothing to step down to, nothing to renegotiate and nothing to resume.
"""

import base64
from contextlib import nullcontext

from scenarios.families import Recipe, Request, family
from scenarios.rogue import refused_by_the_other_end
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "basic": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "subsystem": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "mtls": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "oauth2": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "jwt": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
    "zerotrust": Expect(Verdict.REFUSED, "only TLS 1.3 is spoken: there is nothing to step down to"),
}
REFERENCES = ("RFC 8996", "RFC 9325 §3.1, §3.5, §4", "OWASP ASVS 12.1.1, 12.1.2", "CVE-2009-3555")
CATALOGUE = ("MTLS-18", "MTLS-20")
ANY, NULL, ANONYMOUS = "ALL:@SECLEVEL=0", "NULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0"
SPOKEN: dict[str, dict[str, str]] = {
    "TLS 1.0": {"tls": "TLSv1", "ciphers": ANY},
    "TLS 1.1": {"tls": "TLSv1_1", "ciphers": ANY},
    "TLS 1.2": {"tls": "TLSv1_2", "ciphers": ANY},
    "TLS 1.2 without encryption": {"tls": "TLSv1_2", "ciphers": NULL},
    "TLS 1.2 without certificates": {"tls": "TLSv1_2", "ciphers": ANONYMOUS},
    "TLS 1.2 with CBC": {"tls": "TLSv1_2", "ciphers": "AES128-SHA:@SECLEVEL=0"},
}
SSL2_HELLO = bytes.fromhex("802e0100020015000000100100800200800600400400800700c0030080") + b"\0" * 20
SSL3_HELLO = bytes.fromhex("160300002f0100002b0300") + b"\0" * 32 + bytes.fromhex("000004000a00050100")
WRITTEN = {"SSL 2": SSL2_HELLO, "SSL 3": SSL3_HELLO, "a heartbeat first": bytes.fromhex("180303000301ffff")}


def spoken(how: dict[str, str]) -> Recipe[World]:
    """At the gateway, and at orders where that speaks TLS."""

    def requests(world: World) -> list[Request]:
        outside = Request("gateway", [], "/api/me", more=how)
        return [outside] if world.pattern == "perimeter" else [outside, Request("orders", more=how)]

    return requests


def written(hello: bytes) -> Recipe[World]:
    """The same, in octets that no library writes any more."""

    def requests(world: World) -> list[Request]:
        raw = base64.b64encode(hello).decode()
        outside = {"raw": raw, "url": world.shop.edge.replace("https:", "http:")}
        inside = {"raw": raw, "url": world.address("orders").replace("https:", "http:")}
        at_the_edge = Request("gateway", more=outside)
        return [at_the_edge] if world.pattern == "perimeter" else [at_the_edge, Request("orders", more=inside)]

    return requests


RECIPES = {name: spoken(how) for name, how in SPOKEN.items()}
RECIPES |= {name: written(hello) for name, hello in WRITTEN.items()}
CASES = family(RECIPES, nullcontext, refused_by_the_other_end)
