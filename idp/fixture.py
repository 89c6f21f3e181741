"""The identity provider for somebody else's tests: `with idp.running() as issuer:`.

A process of its own, on a free port of loopback, with a CA, a person and two clients that are good for nothing else,
and with the management door open.  It is gone when the block ends, or the test run, however that ends.

    issuer.url, issuer.ca_file    what your service is told, and whom it trusts for it
    issuer.token("alice")         an access token by the real way: log-in page, authorization code, PKCE
    issuer.manage                 people, clients, faults, keys, clock, journal (`idp.manage.client`)
"""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import certs
from idp.manage.client import Manager, to

if TYPE_CHECKING:
    from idp.visit import Tokens

REPO = Path(__file__).resolve().parent.parent
WITHIN = 30.0
"""Seconds until it must answer: far more than it takes, even where all processors are busy."""
REDIRECT_URI = "https://app.test/callback"
PERSONAL = ("openid", "profile", "email", "offline_access")


class CannotStart(Exception):
    """The identity provider did not come up; the message is what it said."""


@dataclass(frozen=True)
class Issuer:
    """An identity provider that runs, and what there is to know about it."""

    url: str
    """The issuer identifier; the discovery document is below it (OpenID Connect Discovery 1.0 §4)."""
    ca_file: Path
    """Whom to trust for it: `verify=` of requests, `cafile=` of ssl, NODE_EXTRA_CA_CERTS."""
    redirect_uri: str
    passwords: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    """The client secrets of `app`, which logs people in, and of `api`, which may ask what a token means."""
    scopes: tuple[str, ...]
    manage: Manager = field(repr=False)

    def __str__(self) -> str:
        return self.url

    def tokens(self, who: str = "alice", scope: str | None = None) -> Tokens:
        """What `app` gets when that person logs in; by default for all scopes that there are."""
        from idp import visit  # brings `requests`, which not every test needs

        return visit.tokens(self, who, " ".join((*PERSONAL, *self.scopes)) if scope is None else scope)

    def token(self, who: str = "alice", scope: str | None = None) -> str:
        """An access token of that person's."""
        return self.tokens(who, scope).access_token


@contextmanager
def running(
    *,
    people: Mapping[str, str] | None = None,
    scopes: Sequence[str] = ("read", "write"),
    audience: str = "api",
    token_format: Literal["jwt", "opaque"] = "jwt",
    signing_alg: Literal["ES256", "RS256"] = "ES256",
    redirect_uri: str = REDIRECT_URI,
) -> Iterator[Issuer]:
    """An identity provider inside the block: there `people`, by name and password, have all of `scopes`.

    `app` is a confidential client with the code, refresh and client credentials grants; what it gets is for `audience`.
    `api` may introspect it, if that is its audience.  Raises `CannotStart`.
    """
    known = dict({"alice": "wonderland"} if people is None else people)
    hidden = {name: secrets.token_urlsafe(32) for name in ("app", "api")}
    clients = [
        _client(
            "app",
            hidden,
            grant_types=["authorization_code", "refresh_token", "client_credentials"],
            redirect_uris=[redirect_uri],
            scopes=[*PERSONAL, *scopes],
            audience=[audience],
            token_format=token_format,
            signing_alg=signing_alg,
        ),
        _client("api", hidden, audience=[audience], introspect=True),
    ]
    with tempfile.TemporaryDirectory(prefix="idp-") as name, _process(shop := Path(name)) as process:
        _furnish(shop, clients)
        there = [_person(name, password, scopes) for name, password in known.items()]
        with _two_ports() as (port, manage_port):
            url, door = f"https://localhost:{port}", f"http://127.0.0.1:{manage_port}"
            issuer = Issuer(url, shop / "ca.pem", redirect_uri, known, hidden, tuple(scopes), Manager(to(door)))
            _tell(process, {"issuer": url, "port": port, "manage_port": manage_port, "workers": 1, "people": there})
            _await(process, port, issuer)
        yield issuer


def _client(client_id: str, hidden: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """One registration, as `idp.clients` reads it."""
    nothing: dict[str, Any] = {"grant_types": [], "scopes": [], "token_format": "jwt"}
    digest = hashlib.sha256(hidden[client_id].encode()).hexdigest()
    who = {"client_id": client_id, "name": client_id, "auth_method": "client_secret_basic", "secret_sha256": digest}
    return nothing | who | more


def _person(name: str, password: str, scopes: Sequence[str]) -> dict[str, Any]:
    """Somebody, as `services.users.UserStore` adds them."""
    called = {"name": name, "full_name": name.capitalize(), "email": f"{name}@idp.test"}
    return called | {"password": password, "scopes": list(scopes)}


@contextmanager
def _process(shop: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process that will serve; it loads what it needs while we make what it shall find."""
    with open(shop / "log", "wb") as log:
        command = [sys.executable, "-m", "idp", "lent", str(shop)]
        process = subprocess.Popen(
            command, cwd=REPO, env={}, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, umask=0o077
        )
    with process:  # closes its standard input at last, which ends it, and waits
        try:
            yield process
        finally:
            process.terminate()


def _furnish(shop: Path, clients: Sequence[Mapping[str, Any]]) -> None:
    """Make what it reads from files; not the store, which it makes better: it has loaded what that takes."""
    from idp import key_files  # here, while the process loads: at the top, its start would wait for this

    (shop / "idp" / "secrets").mkdir(parents=True)
    (shop / "idp" / "secrets" / "cookie_key").write_text(secrets.token_urlsafe(32))
    (shop / "idp" / "secrets" / "clients.json").write_text(json.dumps(clients))
    (shop / "users").mkdir()
    key_files.create(shop / "idp" / "data")
    authority = certs.CA.create(shop / "ca", name="An identity provider for tests")
    authority.issue("idp", shop / "idp" / "tls", ("localhost",))
    (shop / "ca.pem").write_bytes((shop / "idp" / "tls" / "bundle.pem").read_bytes())


@contextmanager
def _two_ports() -> Iterator[tuple[int, int]]:
    """Two ports that nobody listens on, and that inside the block nobody else is given.

    Who is bound to a port and does not listen keeps it for whoever asks for it by number: so Linux has it, where both
    set SO_REUSEADDR.  Elsewhere they are only free at this moment.
    """
    with ExitStack() as held:
        keeping = [held.enter_context(socket.socket()) for _ in range(2)]
        for each in keeping:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        one, other = (each.getsockname()[1] for each in keeping)
        if sys.platform != "linux":
            held.close()
        yield one, other


def _tell(process: subprocess.Popen[bytes], what: Mapping[str, Any]) -> None:
    """Say what it waits for; the pipe stays open, for its end is the process's end."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(what).encode() + b"\n")
    process.stdin.flush()


def _await(process: subprocess.Popen[bytes], port: int, issuer: Issuer) -> None:
    """Return when the discovery document has been read."""
    deadline = time.monotonic() + WITHIN
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart((issuer.ca_file.parent / "log").read_text() or "it says nothing")
        time.sleep(0.005)  # nobody tells when a port is bound: there is nothing to wait on but the next look
    context = ssl.create_default_context(cafile=str(issuer.ca_file))
    connection = http.client.HTTPSConnection("localhost", port, timeout=WITHIN, context=context)
    try:
        connection.request("GET", "/.well-known/openid-configuration")
        found = json.load(connection.getresponse())
    finally:
        connection.close()
    if found["issuer"] != issuer.url:
        raise CannotStart(f"{found['issuer']} answers at {issuer.url}")


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
