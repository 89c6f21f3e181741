"""What still works, and until when, with the identity provider down, and with the CA down.

Alice has logged in and ordered; then the process is killed.  While it is gone somebody logs in anew, alice orders with
the credential that she has, reads her orders, and orders once more after inventory was restarted, which has forgotten
whatever it had learnt.  Then the process comes back, and every order finds its end.

Until when an order works is not waited for but read from the shop, from what ends first: the token that was just
issued, the keys that the services keep, the list of revoked certificates, the certificates themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any

import requests
from cryptography import x509

from compose.topology import INSIDE, TOKEN_PATTERNS
from scenarios import verdict
from scenarios.browser import Browser
from scenarios.evidence import Figure, Measured
from scenarios.levers import dark, insist
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Verdict
from scenarios.world import World
from services import access_token, keys

TITLE = "Outages"
REFERENCES = ("RFC 7662 §4", "RFC 7517 §5", "RFC 5280 §5.1.2.5", "RFC 5280 §6.3", "NIST SP 800-207 §5.2")

NAMES = {"idp": "the IdP", "ca": "the CA"}
LOG_IN, ORDER, READ = "a new log-in", "an order with the credential at hand", "reading one's orders"
COLD = "an order through a service restarted meanwhile"
Limits = Mapping[str, float]
"""Seconds from now until something ends, by what it is; empty when nothing does."""


def measure(world: World) -> Measured:
    """Do without the one, then without the other."""
    alice = Shopper(world.shop, "alice")
    insist(alice.order("book").status_code == 201, "alice cannot order to begin with")
    limits = {"idp": limits_of_the_idp(world, alice), "ca": limits_of_the_ca(world)}
    rows = [row for name in NAMES for row in _without(world, name, alice)]
    figures = {}
    for name, called in NAMES.items():
        mine = [row for row in rows if row["dark"] == name]
        figures[f"works with {called} down"] = share(mine)
        figures[f"seconds until it ends with {called} down"] = until(mine, limits[name])
    return Measured(figures=figures, rows=tuple(rows))


def share(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Of what was tried, how much worked."""
    working = [row["what"] for row in rows if row["works"]]
    return Figure(value=len(working) / len(rows), unit="share of what was tried", note=", ".join(working))


def until(rows: Sequence[Mapping[str, Any]], limits: Limits) -> Figure:
    """How long alice's credential still buys something: not at all, until the first of `limits`, or without end."""
    if not any(row["works"] for row in rows if row["what"] == ORDER):
        return Figure(value=0.0, unit="s", note="nothing can be ordered from the first moment on")
    if not limits:
        return Figure(value=None, unit="s", note="without end: nothing that it takes runs out")
    told = ", ".join(f"{what}: {seconds:.0f} s" for what, seconds in sorted(limits.items(), key=lambda each: each[1]))
    return Figure(value=round(min(limits.values())), unit="s", note=told)


def limits_of_the_idp(world: World, alice: Shopper) -> Limits:
    """What comes from the identity provider and runs out; passwords are checked against a file."""
    if world.pattern not in TOKEN_PATTERNS:
        return {}
    life = {"an access token just issued": alice.tokens()["expires_in"] + float(access_token.LEEWAY)}
    if world.pattern == "oauth2":
        return life
    return life | {"the identity provider's keys, at least": keys.STALE - keys.LIFETIME}


def limits_of_the_ca(world: World) -> Limits:
    """What the CA has signed for those who take part in an order; only who speaks TLS inside looks into the list."""
    speak_tls = INSIDE if world.shop.variant.inner_scheme == "https" else ()
    homes = [world.shop.tls_dir(name) for name in ("gateway", *speak_tls)]
    leaves = [x509.load_pem_x509_certificate((home / "leaf.pem").read_bytes()) for home in homes]
    limits = {"the first certificate": min(leaf.not_valid_after_utc.timestamp() for leaf in leaves) - time.time()}
    if not speak_tls:
        return limits
    lists = [x509.load_pem_x509_crl((home / "crl.pem").read_bytes()) for home in homes]
    ends = [each.next_update_utc.timestamp() for each in lists if each.next_update_utc]
    return limits | {"the first list of revoked certificates": min(ends) - time.time()}


def _without(world: World, name: str, alice: Shopper) -> list[dict[str, Any]]:
    """What alice, and somebody new, get while process `name` is gone; afterwards every order has found its end."""
    warm, cold = token_hex(16), token_hex(16)
    tries: dict[str, Callable[[], Answer]] = {
        LOG_IN: lambda: log_in(world, "bob"),
        ORDER: lambda: answered(alice.order("book", key=warm)),
        READ: lambda: answered(alice.call("GET", "/api/orders")),
        COLD: lambda: _restarted(world, lambda: answered(alice.order("book", key=cold))),
    }
    with dark(world, name):
        answers = {what: attempt() for what, attempt in tries.items()}
    for key in (warm, cold):
        insist(alice.order("book", key=key).status_code == 201, f"an order does not find its end after {name} is back")
    return [told(name, what, answer) for what, answer in answers.items()]


def told(name: str, what: str, answer: Answer) -> dict[str, Any]:
    """One row."""
    return {"dark": name, "what": what, "works": answer.verdict is Verdict.SERVED, "status": answer.status}


def log_in(world: World, who: str) -> Answer:
    """What comes of it when somebody logs in with a browser, wherever the shop has them do it."""
    browser, person = Browser(world.shop), Shopper(world.shop, who)
    try:
        if browser.open("/login").ok:
            browser.submit("", username=who, password=person.password)
    except requests.ConnectionError as error:
        return verdict.refused(type(error).__name__)
    insist(not browser.page.ok or browser.page.url.endswith("/shelf"), f"{who} logs in and is at {browser.page.url}")
    return answered(browser.page)


def _restarted(world: World, ask: Callable[[], Answer]) -> Answer:
    world.shop.kill("inventory")
    world.shop.start("inventory")
    return ask()
