"""Mallory logs in as herself, and says in a header that she is alice.

Now the door opens, since her own credential is good.  But what does the gateway tell the services behind it?  In
three patterns it names the user in X-User, and whoever could add a second X-User, or spell it so that one process reads
it and the next does not, would read alice's order.
"""

from scenarios.families import together
from scenarios.stories.forged_identity_headers import SPELLINGS
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "the gateway makes its own calls, and no header of hers goes on; whom she names, nobody reads"
EXPECTED = {
    "perimeter": Expect(Verdict.FORBIDDEN, REASON),
    "basic": Expect(Verdict.FORBIDDEN, "the user is whose password it is, at the edge and behind it"),
    "subsystem": Expect(Verdict.FORBIDDEN, REASON),
    "mtls": Expect(Verdict.FORBIDDEN, REASON),
    "oauth2": Expect(Verdict.FORBIDDEN, "the user is whom the identity provider names, at the edge and behind it"),
    "jwt": Expect(Verdict.FORBIDDEN, "the user is whom the token names, at the edge and behind it"),
    "zerotrust": Expect(Verdict.FORBIDDEN, "the user is whom the token names, at the edge and behind it"),
}
REFERENCES = ("OWASP ASVS 4.1.3", "RFC 9110 §7.6.1", "CWE-290", "CWE-441")
CATALOGUE = ("PER-01", "MTLS-19")


def attempts(world: World) -> dict[str, Answer]:
    """Each spelling beside mallory's own credential: she stays mallory, and alice's order is none of hers."""
    order = world.as_person("alice", "POST", "/api/orders", {"sku": "book", "quantity": 1}).json()["id"]
    shown = [[*world.credential_of("mallory").items(), *forged] for forged in SPELLINGS.values()]
    who = world.outside_many([{"method": "GET", "path": "/api/me", "headers": each} for each in shown])
    found = world.outside_many([{"method": "GET", "path": f"/api/orders/{order}", "headers": each} for each in shown])
    last = [read if me.json()["user"] == "mallory" else me for me, read in zip(who, found, strict=True)]
    return dict(zip(SPELLINGS, last, strict=True))


CASES = together(SPELLINGS, attempts)
