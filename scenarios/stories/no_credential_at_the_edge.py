"""Mallory asks the shop's front door for things, and shows nothing.

Not a forged credential, none at all: she calls the API as a program would, and opens the pages as a browser would.
What is open to everybody (alive, able to serve) she may have; of all else she gets nothing.
"""

from scenarios.doorstep import at_the_door
from scenarios.levers import insist
from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
PASSWORD = Expect(
    Verdict.UNAUTHENTICATED, "people prove themselves at the edge, by a password, whatever happens inside"
)
TOKEN = Expect(Verdict.UNAUTHENTICATED, "people prove themselves at the edge, by a token")
EXPECTED = {
    "perimeter": PASSWORD,
    "basic": PASSWORD,
    "subsystem": PASSWORD,
    "mtls": PASSWORD,
    "oauth2": TOKEN,
    "jwt": TOKEN,
    "zerotrust": TOKEN,
}
REFERENCES = ("RFC 9110 §11.6.1", "RFC 6750 §3.1", "RFC 7617 §2", "OWASP API2:2023")
CATALOGUE = ("BRR-01", "BAS-01", "XC-16")
ORDER = "0" * 31 + "1"


def ask(method: str, path: str, **headers: str) -> Attempt:
    """One question to the API, as a case of the family; a 401 has to say what would do (RFC 9110 §15.5.2)."""

    def attempt(world: World) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = at_the_door(world.outside(method, path, named))
        challenged = answer.status != 401 or "www-authenticate" in answer.headers
        insist(challenged, f"a 401 without a challenge: {answer.headers}")
        return answer

    return attempt


CASES = {
    "who am I": ask("GET", "/api/me"),
    "the shelf": ask("GET", "/api/items"),
    "one thing": ask("GET", "/api/items/book"),
    "orders": ask("GET", "/api/orders"),
    "one order": ask("GET", f"/api/orders/{ORDER}"),
    "place an order": ask("POST", "/api/orders", Idempotency_Key=ORDER),
    "a refund": ask("POST", f"/api/orders/{ORDER}/refund"),
    "what the API allows": ask("OPTIONS", "/api/orders"),
    "what does not exist": ask("GET", "/api/metrics"),
    "an empty credential": ask("GET", "/api/me", Authorization=""),
    "a scheme alone, Basic": ask("GET", "/api/me", Authorization="Basic"),
    "a scheme alone, Bearer": ask("GET", "/api/me", Authorization="Bearer"),
    "a made-up cookie": ask("GET", "/orders", Cookie="session=eyJpZCI6ImFsaWNlIn0.aaaaaa.bbbbbb"),
    "pages: orders": ask("GET", "/orders"),
    "pages: the debugger": ask("GET", "/console"),
    "pages: metrics": ask("GET", "/metrics"),
    "pages: documentation": ask("GET", "/openapi.json"),
    "pages: the repository": ask("GET", "/.git/config"),
}
