"""Mallory guesses a password, a dozen times in a row.

She has a list of the usual ones and tries them on one account, as fast as she can: at the API where people show their
password to the shop, at the identity provider's log-in page where they show it only there.  Slow hashes make each guess
dear; counting makes the dozenth one no guess at all.  And alice, from the same address, is not made to suffer for it.
"""

import base64
import secrets

from compose.topology import TOKEN_PATTERNS
from scenarios.browser import Browser
from scenarios.levers import insist
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict, answer
from scenarios.world import World

GROUP = "from outside"
GATEWAY = Expect(
    Verdict.INVALID, "429: after ten failures the gateway no longer looks at what she guesses, for a minute"
)
IDP = Expect(
    Verdict.INVALID, "429: the identity provider, the only one who asks for it, no longer looks at what she guesses"
)
EXPECTED = {
    "perimeter": GATEWAY,
    "basic": GATEWAY,
    "subsystem": GATEWAY,
    "mtls": GATEWAY,
    "oauth2": IDP,
    "jwt": IDP,
    "zerotrust": IDP,
}
REFERENCES = ("OWASP ASVS 6.3.1", "NIST SP 800-63B §5.2.2", "RFC 6585 §4", "CWE-307")
CATALOGUE = ("BAS-08", "OAS-30")
GUESSES = 12
"""More than the gateway forgives one name (10), and than both workers of the identity provider do together (2 × 5)."""


def attempt(world: World) -> Answer:
    """Guess; the last answer counts, but no guess may have worked, and alice must still get in."""
    name = f"guessed-{secrets.token_hex(4)}"  # of its own, so that nobody else is slowed down
    guess = _at_the_idp if world.pattern in TOKEN_PATTERNS else _at_the_api
    told = [guess(world, name, f"password{number}") for number in range(GUESSES)]
    lucky = [each for each in told if each.verdict is Verdict.SERVED]
    if lucky:
        return lucky[0]
    slowed = told[-1]
    wait = int(slowed.headers.get("retry-after", 0))
    insist(slowed.status != 429 or 0 < wait <= 60, f"429 without a Retry-After of a minute at most: {wait}")
    alice = Shopper(world.shop, "alice").call("GET", "/api/me")  # a log-in of her own, from the same address
    insist(alice.ok, f"alice is made to suffer for what was guessed about another: {alice.status_code}")
    return slowed


def _at_the_api(world: World, name: str, password: str) -> Answer:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return world.outside("GET", "/api/me", {"Authorization": f"Basic {pair}"})


def _at_the_idp(world: World, name: str, password: str) -> Answer:
    """Walk to the log-in page as a browser does, and fill it in; who gets in is led back to the shop."""
    browser = Browser(world.shop)
    page = browser.log_in(name, password)
    insist(not page.url.startswith(world.shop.edge), f"{name} is somebody after all: {page.url}")
    return answer(page.status_code, {k.lower(): v for k, v in page.headers.items()}, page.text)
