"""Alice lets a program look at her orders, and nothing else; the program orders a book all the same.

Somebody wrote it who is curious, or careless, or not who they seemed.  Where alice can hand out a credential that is
good for less than all she may do, it gets no further than she meant it to.  A password is good for everything.
"""

from secrets import token_hex

from compose.topology import TOKEN_PATTERNS
from scenarios.levers import insist
from scenarios.shopper import Shopper
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
ALL_OR_NOTHING = Expect(Verdict.UNISSUED, "there is no such credential: her password is good for all that she may do")
LESS = Expect(Verdict.FORBIDDEN, "she allowed it to read, and its token says so (403, insufficient_scope)")
EXPECTED = {
    "perimeter": ALL_OR_NOTHING,
    "basic": ALL_OR_NOTHING,
    "subsystem": ALL_OR_NOTHING,
    "mtls": ALL_OR_NOTHING,
    "oauth2": LESS,
    "jwt": LESS,
    "zerotrust": LESS,
}
REFERENCES = ("RFC 6749 §3.3", "RFC 6750 §3.1", "RFC 9700 §2.3", "OWASP ASVS 10.3.2")
CATALOGUE = ("BRR-09", "BAS-11")


def attempt(world: World) -> Answer:
    """Read, which is allowed, and order, which is not."""
    if world.pattern not in TOKEN_PATTERNS:
        return UNISSUED
    token = Shopper(world.shop, "alice").tokens("openid items:read orders:read")["access_token"]
    shown = {"Authorization": f"Bearer {token}"}
    insist(world.outside("GET", "/api/orders", shown).verdict is Verdict.SERVED, "it may not even read")
    wanted, key = {"sku": "book", "quantity": 1}, {"Idempotency-Key": token_hex(16)}
    answer = world.outside("POST", "/api/orders", shown | key, wanted)
    lacks = 'error="insufficient_scope", scope="orders:write"'
    insist(lacks in answer.headers.get("www-authenticate", ""), f"it is not told what it lacks: {answer.headers}")
    return answer
