"""Mallory finds a token in a log that somebody has left on the inner network, and reads what it says.

She has no use for it as a credential: she wants to know things.  Who was it, what may they do, at which service, who
passed it on?  A self-contained token tells it to everybody who sees it, for its signature keeps nobody from reading.
One that means nothing by itself has to be asked about, and she has nothing to ask with.
"""

import base64
import binascii
import json
from urllib.parse import urlencode

from compose.topology import TOKEN_PATTERNS
from scenarios.families import together
from scenarios.levers import FORM, insist
from scenarios.stand_in import Overheard
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "inside with nothing"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "there are no tokens: only a name comes by"),
    "basic": Expect(Verdict.UNISSUED, "there are no tokens: worse, alice's own password comes by"),
    "subsystem": Expect(Verdict.UNISSUED, "there are no tokens: a name comes by, and a service's password"),
    "mtls": Expect(Verdict.UNISSUED, "there are no tokens: only a name comes by"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "it is a random string; what it means, the provider tells only services"),
    "jwt": Expect(Verdict.SERVED, "signed is not encrypted: name, scopes and audience are there for all to read"),
    "zerotrust": Expect(Verdict.SERVED, "signed is not encrypted: it even names the services that it passed through"),
}
REFERENCES = ("RFC 9068 §6", "RFC 7519 §12", "RFC 7662 §2.1", "OWASP ASVS 14.2.4", "CWE-200")
CATALOGUE = ("JWT-35",)


def attempts(world: World) -> dict[str, Answer]:
    """Read what passed on the first hop, and on the last."""
    if world.pattern not in TOKEN_PATTERNS:
        return {FIRST: UNISSUED, LAST: UNISSUED}
    passed = {FIRST: world.credential_of("alice"), LAST: Overheard.by_billing(world)}
    return {hop: read(world, shown["Authorization"].removeprefix("Bearer ")) for hop, shown in passed.items()}


def read(world: World, token: str) -> Answer:
    """What the token says by itself; if that is nothing, what the identity provider says of it to a stranger."""
    said = payload(token)
    if said is None:
        return world.inside("idp", "POST", "/introspect", FORM, urlencode({"token": token}))
    who, what = said["sub"], str(said["scope"])
    insist(who == "alice" and "orders:write" in what, f"that is not what alice's token says: {said}")
    return Answer(Verdict.SERVED, detail=f"{who} may {what} at {said['aud']}, through {said.get('act')}")


def payload(token: str) -> dict[str, object] | None:
    """What stands in a self-contained token (RFC 7519 §3); None for any other."""
    parts = token.split(".")
    try:
        found: dict[str, object] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (IndexError, binascii.Error, ValueError):
        return None
    return found


FIRST, LAST = "on the first hop", "on the last hop"
CASES = together((FIRST, LAST), attempts)
