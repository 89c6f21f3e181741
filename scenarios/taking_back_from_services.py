"""Taking back what a service proves itself by: its certificate, or its password.

The certificate is a copy in the name of orders, shown to billing on new connections and on one that was open before;
the password is the one of orders, which billing knows by its hash.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from compose.ports import free
from compose.processes import whole_lines
from scenarios import brief_connections, copied_leaves, kept_open, levers, secret_files
from scenarios.copied_leaves import Copy
from scenarios.endurance import Lasted, lasting
from scenarios.levers import eventually, insist
from scenarios.taking_back import Observed
from scenarios.verdict import Answer, Verdict
from scenarios.world import World
from services import passwords
from services.server import MAX_CONNECTION_AGE_SECONDS

BRIEF = Path(brief_connections.__file__).read_text(encoding="utf-8")
KEPT = Path(kept_open.__file__).read_text(encoding="utf-8")
END = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGTERM)"
AGE, PATIENCE = 8, 30
"""How old a connection to billing's double may get, and how long the double stays at most, in seconds."""
ARRIVES_WITHIN = 20.0
CERTIFICATE, PASSWORD = "service certificate", "service password"


@dataclass(frozen=True)
class Stolen:
    """A copied certificate, and the headers that billing wants to see beside it."""

    copy: Copy
    headers: dict[str, str]


def prepared(world: World, trials: int) -> list[Stolen]:
    """Copies of the certificate of orders for so many trials and one more, each with what orders would show for alice.

    None where nobody asks for certificates.  From here on nothing is asked of the identity provider.
    """
    if world.pattern not in {"mtls", "zerotrust"}:
        return []
    made = copied_leaves.copies(world, "orders", trials + 1)
    if world.pattern == "mtls":
        return [Stolen(copy, {"X-User": "alice"}) for copy in made]
    token = levers.passed_along(world, world.shopper("alice").token(), "gateway", "orders")
    return [Stolen(copy, {"Authorization": f"Bearer {_bound(world, token, copy)}"}) for copy in made]


def _bound(world: World, token: str, copy: Copy) -> str:
    """A token for billing that is bound to this copy (RFC 8693 §2, RFC 8705 §3)."""
    form = {"grant_type": levers.TOKEN_EXCHANGE, "client_id": "orders", "audience": "billing"}
    form |= {"subject_token": token, "subject_token_type": levers.ACCESS_TOKEN}
    answer = world.inside("idp", "POST", "/token", levers.FORM, urlencode(form), **copy.pair)
    insist(answer.verdict is Verdict.SERVED, f"nothing to show billing: {answer.body[:200]}")
    return str(answer.json()["access_token"])


def taken_back(world: World, things: list[Stolen], trials: int) -> list[Observed]:
    """Take back what services have under this pattern, one after the other."""
    if world.pattern == "subsystem":
        return [password_changed(world) for _ in range(trials)]
    return [on_new_connections(world, each) for each in things[1:]] + [
        on_an_open_connection(world, each) for each in things[:1]
    ]


def on_new_connections(world: World, thing: Stolen) -> Observed:
    """Revoke the copy, and connect with it again and again."""
    charge = {"order": secrets.token_hex(16), "amount": 1}

    def ask() -> Answer:
        return world.inside("billing", "POST", "/charges", thing.headers, charge, **thing.copy.pair)

    insist(ask().verdict is Verdict.SERVED, "the copy is not accepted to begin with")
    copied_leaves.revoke(world, thing.copy)
    return Observed(CERTIFICATE, "revoked, new connection", "billing", lasting(ask, ARRIVES_WITHIN))


def on_an_open_connection(world: World, thing: Stolen) -> Observed:
    """Revoke the copy while a connection with it is open, and stay on that until billing's double closes it."""
    trace, body = secrets.token_hex(16), json.dumps({"order": secrets.token_hex(16), "amount": 1})
    with _double(world) as url, ThreadPoolExecutor(1) as elsewhere:
        wanted = {"url": f"{url}/charges", "bodies": [body, body], "patience": PATIENCE, "until_closed": True}
        wanted |= {"headers": {**thing.headers, "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}}
        argument = json.dumps({**wanted, **thing.copy.pair})
        held = elsewhere.submit(world.shop.run, "orders", ["python", "-c", KEPT, argument])
        eventually(lambda: held.done() or trace in world.shop.logs("billing"), "the connection is open")
        copied_leaves.revoke(world, thing.copy)
        ran = held.result()
    insist(ran.returncode == 0, f"the connection does not come about: {ran.stderr[-300:]}")
    came = json.loads(ran.stdout)
    insist(came["before"]["status"] == 201 and came["new"], f"not open before, or not refused after: {came}")
    insist(came["closed"] is not None, "the connection stays open")
    lasted = Lasted(came["served"], came["closed"], "closed at its age")
    return Observed(CERTIFICATE, "revoked, open connection", "billing", lasted, MAX_CONNECTION_AGE_SECONDS, AGE)


@contextmanager
def _double(world: World) -> Iterator[str]:
    """Another billing beside billing, with briefer connections; where it answers."""
    port, address = free().billing, world.address("billing").rpartition(":")[0]
    wanted = json.dumps({"service": "billing", "port": port, "seconds": AGE, "patience": PATIENCE})
    with ThreadPoolExecutor(1) as beside:
        served = beside.submit(world.shop.run, "billing", ["python", "-c", BRIEF, wanted])

        def pid() -> str:
            insist(not served.done(), "billing's double has ended")
            told = [line for line in whole_lines(world.shop.logs("billing")) if f'"double": {port}' in line]
            return str(json.loads(told[-1])["pid"]) if told else ""

        ident = eventually(pid, "billing's double is on its way")
        try:
            eventually(lambda: f":{port}" in world.shop.logs("billing"), "billing's double listens")
            yield f"{address}:{port}"
        finally:
            world.shop.run("billing", ["python", "-c", END, ident])


def password_changed(world: World) -> Observed:
    """Give billing another hash for orders, and show it the old password; then all is as it was."""
    before = secret_files.kept(world, ("billing", "callers.json"))
    shown, charge = world.own_credential_of("orders", "alice"), {"order": secrets.token_hex(16), "amount": 1}

    def ask() -> Answer:
        return world.inside("billing", "POST", "/charges", shown, charge)

    insist(ask().verdict is Verdict.SERVED, "the password is not accepted to begin with")
    [(file, content)] = before.items()
    changed = {**json.loads(content), "orders": passwords.HASHER.hash(secrets.token_urlsafe(32))}
    try:
        secret_files.write(world, {file: json.dumps(changed)})
        lasted = lasting(ask, ARRIVES_WITHIN)
    finally:
        secret_files.write(world, before)
    return Observed(PASSWORD, "changed", "billing", lasted)
