"""Changing each kind of credential, as somebody who runs the shop has to do it today.

Each is told as the same few things, so that one can be held against another: what to do, how to see that the new one is
in force at every service, and whether the old one still opens a door.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from compose.topology import CALLERS, CUSTOMER
from scenarios import secret_files
from scenarios.browser import Browser
from scenarios.levers import FORM, insist
from scenarios.newcomer import basic
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Verdict
from scenarios.world import World
from services import tls
from services.users import HASHER

# Whoever connects is shown the leaf before being asked for one, so this tells of every listener.
SHOWN = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2]))))"


@dataclass(frozen=True)
class Rotation:
    """One credential to change, and how."""

    what: str
    turn: Callable[[], object]
    in_force: Callable[[], bool]
    """Whether the new one works, at every service that it is for."""
    old_refused: Callable[[], bool | None]
    """None when nobody can be asked."""
    restart: tuple[str, ...] = ()
    """Who does not take the new one by itself."""
    shown: dict[str, str] = field(default_factory=dict)
    """What customers show meanwhile, if it is not alice's."""
    asks_for_keys: bool = False
    """Whether the services must fetch keys for it, which they do only so often."""
    note: str = ""


def rotations(world: World) -> list[Rotation]:
    """Those of the kinds that the pattern uses; the ones that stop a process come last."""
    kinds: dict[str, tuple[Callable[[World], Rotation], ...]] = {
        "perimeter": (users_password,),
        "basic": (users_password, certificate),
        "subsystem": (users_password, certificate, service_password),
        "mtls": (users_password, certificate),
        "oauth2": (certificate, secret_of_orders, signing_key, secret_of_the_gateway),
        "jwt": (certificate, signing_key, secret_of_the_gateway),
        "zerotrust": (certificate, signing_key),
    }
    return [make(world) for make in kinds[world.pattern]]


def buys(world: World) -> bool:
    """Whether alice can buy a book, which takes every service."""
    return world.shopper("alice").order("book").status_code == 201


def users_password(world: World) -> Rotation:
    """A person's own password, in the one user store; the person then types the new one."""
    who, old, new = f"guest-{secrets.token_hex(6)}", secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    world.manager.add_person(who, old, CUSTOMER)
    before, after = ({"Authorization": basic(who, word)} for word in (old, new))
    shown = dict(before)

    def turn() -> None:
        world.manager.set_password(who, new)
        shown.update(after)

    def served(headers: dict[str, str]) -> bool:
        return world.outside("GET", "/api/orders", headers).verdict is Verdict.SERVED

    return Rotation("user's password", turn, lambda: served(after), lambda: not served(before), shown=shown)


def certificate(world: World) -> Rotation:
    """The certificate of orders, by which it proves itself as a server and, where that is asked for, as a client."""
    tls_dir, address = world.shop.tls_dir("orders"), urlsplit(world.address("orders"))
    old = {name: (tls_dir / name).read_text() for name in ("leaf.pem", "key.pem")}

    def in_force() -> bool:
        where = [str(address.hostname), str(address.port)]
        shown = world.shop.run("gateway", ["python", "-c", SHOWN, *where]).stdout.strip()
        return shown.startswith("-----BEGIN") and shown not in old["leaf.pem"] and buys(world)

    return Rotation(
        "service certificate",
        lambda: _done(world, "ca", "-m", "certs", "issue", "orders"),
        in_force,
        lambda: not believed(world.shop.tls_dir("gateway"), "orders", old["leaf.pem"] + old["key.pem"]),
        note="until it runs out or is revoked",
    )


def believed(tls_dir: Path, name: str, pem: str) -> bool:
    """Whether the service that has `tls_dir` would take a server with this certificate and key for `name`."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        theirs.load_cert_chain(file.name)
    ours = tls.client_context(tls_dir / "bundle.pem", None)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(back, there, server_hostname=name)
    server = theirs.wrap_bio(there, back, server_side=True)
    for end in (client, server, client):  # ClientHello; the server's whole flight; what the client makes of it
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True


def service_password(world: World) -> Rotation:
    """The password of orders: whoever it calls learns the new hash, then orders the new password."""
    callees = [callee for callee, callers in CALLERS.items() if "orders" in callers]
    new, old = secrets.token_urlsafe(32), world.own_credential_of("orders", "alice")

    def turn() -> None:
        known = secret_files.kept(world, *((callee, "callers.json") for callee in callees))
        hashed = {file: json.dumps({**json.loads(text), "orders": HASHER.hash(new)}) for file, text in known.items()}
        secret_files.write(world, {**hashed, ("orders", "password"): new})

    def old_refused() -> bool:
        charge = {"order": secrets.token_hex(16), "amount": 1}
        return world.inside("billing", "POST", "/charges", old, charge).verdict is Verdict.UNAUTHENTICATED

    return Rotation("service password", turn, lambda: buys(world), old_refused)


def secret_of_orders(world: World) -> Rotation:
    """The client secret with which orders asks the identity provider about tokens."""
    return _client_secret(world, "orders", lambda: buys(world), ())


def secret_of_the_gateway(world: World) -> Rotation:
    """The client secret with which the gateway logs people in, and under `oauth2` asks about tokens."""
    return _client_secret(world, "gateway", lambda: logs_in(world) and buys(world), ("gateway",))


def logs_in(world: World) -> bool:
    """Whether a browser gets from the gateway to the identity provider and back, logged in."""
    alice = Shopper(world.shop, "alice")
    try:
        return Browser(world.shop).log_in(alice.who, alice.password).url.endswith("/shelf")
    except KeyError:
        return False  # no form where there should be one


def _client_secret(world: World, client: str, works: Callable[[], bool], restart: tuple[str, ...]) -> Rotation:
    new, registered = secrets.token_urlsafe(32), ("idp", "clients.json")
    old = world.secret_of(client, "client_secret") or ""

    def turn() -> None:
        clients = json.loads(secret_files.kept(world, registered)[registered])
        for each in clients:
            if each["client_id"] == client:
                each["secret_sha256"] = hashlib.sha256(new.encode()).hexdigest()
        secret_files.write(world, {registered: json.dumps(clients, indent=2) + "\n", (client, "client_secret"): new})

    def accepted(secret: str) -> Answer:
        shown = FORM | {"Authorization": basic(client, secret)}
        return world.inside("idp", "POST", "/revoke", shown, "token=none")

    return Rotation(
        f"client secret of {client}",
        turn,
        lambda: accepted(new).verdict is Verdict.SERVED and works(),
        lambda: accepted(old).verdict is Verdict.UNAUTHENTICATED,
        restart,
    )


def signing_key(world: World) -> Rotation:
    """The key that the identity provider signs with; the old one stays published, for what it has signed."""
    old = world.credential_of("alice") if world.pattern != "oauth2" else {}

    def in_force() -> bool:
        if world.pattern == "oauth2":
            return logs_in(world)
        token = Shopper(world.shop, "alice").token()
        answer = world.outside("POST", "/api/orders", {**_bearing(token), **_key()}, {"sku": "book", "quantity": 1})
        return answer.verdict is Verdict.SERVED

    def old_refused() -> bool | None:
        return world.outside("GET", "/api/orders", old).verdict is not Verdict.SERVED if old else None

    note = "until it is withdrawn"
    if world.pattern == "oauth2":
        note = "for it signs ID tokens, and only the gateway reads those"
    return Rotation(
        "signing key",
        lambda: world.manager.rotate_keys(overlap=True),
        in_force,
        old_refused,
        asks_for_keys=True,
        note=note,
    )


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(16)}


def _done(world: World, where: str, *command: str) -> None:
    ran = world.shop.run(where, ["python", *command])
    insist(ran.returncode == 0, f"{' '.join(command)}: {ran.stderr[-300:]}")
