"""Somebody changes their password, since a thief may know it; the thief goes on with what was got by the old one.

The account is a new one, so that nobody else is harmed.  Where the thief has the password itself, it has just ended.
Where the thief has a token that was issued for it, or sits before a browser that was logged in by it, the identity
provider takes that for revoked; but it helps only where somebody asks.
"""

from secrets import token_urlsafe

from scenarios.browser import Browser
from scenarios.door import TIMEOUT_SECONDS
from scenarios.doorstep import at_the_door
from scenarios.families import together
from scenarios.levers import insist
from scenarios.newcomer import newcomer
from scenarios.sending import answered
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "every service checks each password anew"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "mtls": Expect(Verdict.UNAUTHENTICATED, "the gateway checks each password anew"),
    "oauth2": Expect(
        Verdict.UNAUTHENTICATED, "the identity provider is asked each time, and a new password ends what the old began"
    ),
    "jwt": Expect(Verdict.SERVED, "nobody asks anybody: the token works until it expires, five minutes at most"),
    "zerotrust": Expect(
        Verdict.UNAUTHENTICATED, "the gateway sees no harm in it, but the identity provider exchanges it for nothing"
    ),
}
REFERENCES = ("OWASP ASVS 7.4.3", "RFC 9700 §2.4", "CWE-613")
CATALOGUE = ("BAS-14",)


def attempts(world: World) -> dict[str, Answer]:
    """Look at the shelf with the credential from before, and in the browser that was logged in before."""
    with newcomer(world) as guest:
        browser = Browser(world.shop)
        shelf = browser.log_in(guest.shopper.who, guest.shopper.password).url
        insist(shelf.endswith("/shelf"), f"the newcomer does not get to the shelf: {shelf}")
        guest.changed("set_password", token_urlsafe(16))
        seen = answered(browser.session.get(shelf, timeout=TIMEOUT_SECONDS, allow_redirects=False))
        insist(browser.open("/").ok, "and then the browser is led in circles")
        return {PROGRAM: guest.shows("GET", "/api/items"), BROWSER: at_the_door(seen)}


PROGRAM, BROWSER = "by a program", "in a browser"
CASES = together((PROGRAM, BROWSER), attempts)
