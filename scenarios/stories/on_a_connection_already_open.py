"""Mallory is connected to billing as orders when the certificate of orders is revoked; she stays on the line.

She waits until a new connection is refused, so that there is no doubt that the revocation has arrived.  Then she
charges alice on the connection that she has kept open.  A certificate is looked at when a connection begins, and not
again.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from typing import Any

from scenarios import kept_open, verdict
from scenarios.levers import eventually, insist, passed_along, revoked
from scenarios.shopper import Shopper
from scenarios.verdict import UNISSUED, Answer, Expect, Verdict
from scenarios.world import World

GROUP = "life cycle"
EXPECTED = {
    "perimeter": Expect(Verdict.UNISSUED, "the services have no certificates, so there is nothing to take back"),
    "basic": Expect(Verdict.UNISSUED, "no certificate is asked for, so taking one back ends nothing"),
    "subsystem": Expect(Verdict.UNISSUED, "no certificate is asked for, so taking one back ends nothing"),
    "mtls": Expect(Verdict.SERVED, "what is open stays open, for a minute at most: then billing hangs up"),
    "oauth2": Expect(Verdict.UNISSUED, "no certificate is asked for, so taking one back ends nothing"),
    "jwt": Expect(Verdict.UNISSUED, "no certificate is asked for, so taking one back ends nothing"),
    "zerotrust": Expect(Verdict.SERVED, "what is open stays open, for a minute at most, and so does a token in hand"),
}
REFERENCES = ("RFC 5280 §6.3", "RFC 8446 §4.6.1", "RFC 9112 §9.6", "CWE-299")
CATALOGUE = ("MTLS-21",)
PROGRAM = Path(kept_open.__file__).read_text(encoding="utf-8")


def attempt(world: World) -> Answer:
    """Charge alice twice on one connection: before and after."""
    if world.pattern not in {"mtls", "zerotrust"}:
        return UNISSUED
    trace = token_hex(16)
    bodies = [json.dumps({"order": token_hex(16), "amount": 1}) for _ in range(2)]
    headers = {**what_she_shows(world), "traceparent": f"00-{trace}-{token_hex(8)}-01"}
    wanted = {"url": f"{world.address('billing')}/charges", "headers": headers, "bodies": bodies, "patience": 20}
    argument = json.dumps({**wanted, **world.certificate_of("orders")})
    with ThreadPoolExecutor(1) as elsewhere:
        held = elsewhere.submit(world.shop.run, "orders", ["python", "-c", PROGRAM, argument])
        eventually(lambda: held.done() or trace in world.shop.logs("billing"), "the connection is open")
        with revoked(world, "orders"):
            ran = held.result()
    insist(ran.returncode == 0, f"the connection does not come about: {ran.stderr[-300:]}")
    came: dict[str, Any] = json.loads(ran.stdout)
    insist(came["before"]["status"] == 201 and came["new"], f"not open before, or not refused after: {came}")
    after = came["after"]
    if "refused" in after:
        return verdict.refused(after["refused"])
    return verdict.answer(after["status"], after["headers"], after["body"])


def what_she_shows(world: World) -> dict[str, str]:
    """The headers that orders shows billing for alice."""
    if world.pattern == "mtls":
        return {"X-User": "alice"}
    token = passed_along(world, Shopper(world.shop, "alice").token(), "gateway", "orders", "billing")
    return {"Authorization": f"Bearer {token}"}
