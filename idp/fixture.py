"""The identity provider for somebody else's tests: `with idp.running() as issuer:`.

A process of its own, on a free port of loopback, with a CA, a person and two clients that are good for nothing else,
and with the management door open.  It is gone when the block ends, or the test run, however that ends.  The process is
`lending`'s; what it finds is made here.

    issuer.url, issuer.ca_file    what your service is told, and whom it trusts for it
    issuer.token("alice")         an access token by the real way: log-in page, authorization code, PKCE
    issuer.manage                 people, clients, faults, keys, clock, journal (`idp.manage.client`)
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import certs
from idp import lending
from idp.manage.client import Manager, to

if TYPE_CHECKING:
    from idp.visit import Tokens

REDIRECT_URI = "https://app.test/callback"
PERSONAL = ("openid", "profile", "email", "offline_access")


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
    `api` may introspect it, if that is its audience.  Raises `idp.CannotStart`.
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
    with lending.borrowed() as lent:
        _furnish(lent.dir, clients)
        there = [_person(name, password, scopes) for name, password in known.items()]
        with lending.two_ports() as (port, manage_port):
            url, door, ca_file = f"https://localhost:{port}", f"http://127.0.0.1:{manage_port}", lent.dir / "ca.pem"
            lent.tell({"issuer": url, "port": port, "manage_port": manage_port, "workers": 1, "people": there})
            lent.await_answer(port, url, ca_file)
        yield Issuer(url, ca_file, redirect_uri, known, hidden, tuple(scopes), Manager(to(door)))


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
