"""How long an access token lives, how many services take it, and whether the identity provider says whose it is.

Alice logs in by the real code flow and looks at her orders with the one token that she gets.  What each service was
shown is read from the audit lines, where a token appears as a fingerprint: as many services as show the same one took
the same one.  Then the identity provider is asked at its userinfo endpoint who she is (OpenID Connect Core §5.3).
"""

from __future__ import annotations

from typing import Any

from compose.topology import INSIDE, TOKEN_PATTERNS
from scenarios import hops
from scenarios.evidence import Figure, Hop, Measured
from scenarios.levers import insist
from scenarios.shopper import Shopper
from scenarios.world import World
from services.audit import fingerprint

TITLE = "What a token is good for"
REFERENCES = ("RFC 6749 §1.4", "RFC 6750 §5.3", "RFC 9068 §2.2", "RFC 8693 §1.1", "OIDC Core §5.3")
LIFE, HOPS, NAMED = "seconds that an access token lives", "services that take the same token", "userinfo names the user"


def measure(world: World) -> Measured:
    """Log in, order, and ask; without tokens there is nothing to measure."""
    if world.pattern not in TOKEN_PATTERNS:
        nothing = Figure(value=None, unit="", note="this pattern has no tokens")
        return Measured(figures={LIFE: nothing, HOPS: nothing, NAMED: nothing})
    alice = Shopper(world.shop, "alice")
    token, life = alice.token(), alice.tokens()["expires_in"]
    placed = alice.order("book")
    insist(placed.status_code == 201, f"alice cannot order: {placed.status_code}")
    told = hops.story(world.shop, placed.headers["traceresponse"].split("-")[1])
    rows = tuple(taken(told, fingerprint(token)))
    took = [row["service"] for row in rows if row["same"]]
    figures = {
        LIFE: Figure(value=life, unit="s"),
        HOPS: Figure(value=len(took), unit=f"of {len(INSIDE) + 1} services", note=", ".join(took)),
        NAMED: Figure(value=int(named(alice, token) == "alice"), unit="of 1 question"),
    }
    return Measured(figures=figures, rows=rows)


def taken(told: list[Hop], mark: str) -> list[dict[str, Any]]:
    """For each service, whether what it was shown bears `mark`."""
    services = ("gateway", *INSIDE)
    shown = {hop.service: hop.presented for hop in told}
    return [{"service": name, "same": any(mark in each for each in shown.get(name, ()))} for name in services]


def named(shopper: Shopper, token: str) -> str:
    """Whom the identity provider says that the token is about."""
    url = f"{shopper.shop.issuer}/userinfo"
    answer = shopper.session.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=15)
    insist(answer.status_code == 200, f"userinfo answers {answer.status_code}")
    return str(answer.json()["sub"])
