"""The identity provider on a workbench: an application in a directory of its own, with people, clients and a clock."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import shutil
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

import certs
from certs.names import HOSTS
from idp import keys, provider
from idp.app import create_app
from idp.prepare import prepare
from idp.sessions import Sessions
from idp.settings import Settings
from services import passwords
from services.users import UserStore
from tests.support import QUICK

ISSUER = "https://localhost:9443"
CALLBACK = "https://localhost:8443/callback"
NATIVE = "http://127.0.0.1:51004/callback"
AFTER_LOGOUT = "https://localhost:8443/"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PASSWORDS = {"alice": "wonderland", "bob": "builder", "carol": "christmas"}
CUSTOMER = ["items:read", "orders:read", "orders:write"]
PERSON = ["openid", "profile", "email", "offline_access"]
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def secret_of(client_id: str) -> str:
    return f"the-secret-of-{client_id}"


def a_client(client_id: str, **changes: Any) -> dict[str, Any]:
    """A confidential web application, but for `changes`."""
    client = {
        "client_id": client_id,
        "name": f"The {client_id}",
        "auth_method": "client_secret_basic",
        "secret_sha256": hashlib.sha256(secret_of(client_id).encode()).hexdigest(),
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [AFTER_LOGOUT],
        "scopes": [*PERSON, *CUSTOMER, "orders:refund"],
        "audience": ["gateway"],
        "token_format": "opaque",
        "signing_alg": "ES256",
        "introspect": True,
        "exchange_audiences": [],
    }
    if changes.get("auth_method", "client_secret_basic") != "client_secret_basic":
        client["secret_sha256"] = None
    return {**client, **changes}


def a_service(client_id: str, *audiences: str) -> dict[str, Any]:
    """A service that proves itself by its certificate and may exchange tokens for `audiences`."""
    return a_client(
        client_id,
        auth_method="tls_client_auth",
        grant_types=[EXCHANGE, "client_credentials"],
        redirect_uris=[],
        audience=[client_id],
        token_format="jwt",
        exchange_audiences=list(audiences),
    )


CLIENTS = [
    a_client("gateway", audience=["gateway", "edge"]),
    a_client("portal", token_format="jwt", signing_alg="RS256", introspect=False),
    a_client(
        "cli",
        auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        redirect_uris=["http://127.0.0.1/callback"],
        introspect=False,
    ),
    a_service("edge", "orders", "inventory") | {"audience": ["gateway"]},
    a_service("orders", "inventory", "billing"),
    a_service("inventory"),
]


def _kit(factory: pytest.TempPathFactory) -> Path:
    """What is slow to make and the same for all: keys, password hashes, certificates; made once a session."""
    kit = factory.getbasetemp() / "idp-kit"
    if kit.exists():
        return kit
    for name in ("idp/secrets", "idp/data", "users"):
        (kit / name).mkdir(parents=True)
    (kit / "idp/secrets/cookie_key").write_text("a key for tests alone")
    (kit / "idp/secrets/clients.json").write_text(json.dumps(CLIENTS))
    prepare(settings_for(kit))
    users = UserStore(kit / "users/users.db", writable=True)
    with mock.patch.object(passwords, "HASHER", QUICK):  # a hash says itself how slow it is to check
        for name, password in PASSWORDS.items():
            scopes = [*CUSTOMER, "orders:read:any", "orders:refund"] if name == "carol" else CUSTOMER
            users.add(name, password, scopes, full_name=name.title(), email=f"{name}@shop.test")
    authority = certs.CA.create(kit / "ca", hosts=[*HOSTS, "edge"])
    authority.issue("idp", kit / "idp/tls", ["idp", "idp.localhost", "localhost"])
    for name in ("edge", "orders", "inventory", "billing"):
        authority.issue(name, kit / name / "tls")
    authority.publish()
    return kit


@functools.cache
def _read_once(real: Callable[[Path], keys.Keys], kit: Path) -> keys.Keys:
    """The signing keys, read from their files once a session: checking an RSA key takes 36 ms."""
    return real(kit / "idp/data")


def settings_for(directory: Path, **changes: Any) -> Settings:
    return Settings(**{"dir": directory, "issuer": ISSUER, "port": 9443, **changes})


class Clock:
    """The time of day, until it is told another."""

    def __init__(self) -> None:
        self.now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Shown(ssl.SSLSocket):
    """A TLS connection, as far as the application looks at one: the certificate that its peer has shown."""

    def __init__(self, leaf: Path) -> None:
        self._der = ssl.PEM_cert_to_DER_cert(leaf.read_text().partition("-----END")[0] + "-----END CERTIFICATE-----\n")

    def getpeercert(self, binary_form: bool = False) -> Any:
        return self._der


@dataclass
class Answer:
    """Where an authorization request ended: the parameters at the redirect URI, or a page."""

    response: TestResponse
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return self.response.status_code


class Idp:
    """An identity provider to ask things of, by its public door."""

    def __init__(self, factory: pytest.TempPathFactory, database_url: str | None = None) -> None:
        self.directory = directory = factory.mktemp("idp")
        shutil.copytree(_kit(factory), directory, dirs_exist_ok=True)
        self.settings = settings_for(directory, DATABASE_URL=database_url)
        if database_url:
            prepare(self.settings)
        self.clock = Clock()
        with mock.patch.object(keys, "Keys", lambda _, real=keys.Keys: _read_once(real, _kit(factory))):
            self.app = create_app(self.settings, self.clock)
        self.provider: provider.Provider = self.app.extensions["idp"]
        self.users = self.provider.users

    def __enter__(self) -> Idp:
        return self

    def __exit__(self, *_: object) -> None:
        self.provider.store.close()

    def register(self, *clients: dict[str, Any]) -> None:
        """Replace the file of clients, as a rotation does, and have it count at once."""
        path = self.directory / "idp/secrets/clients.json"
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(clients))
        draft.replace(path)
        self.provider.clients.refresh()

    def reregister(self, client_id: str, **changes: Any) -> None:
        """Change the registration of one client, as it was at first but for `changes`."""
        self.register(*(client | changes if client["client_id"] == client_id else client for client in CLIENTS))

    # -- as a browser ------------------------------------------------------------------------------------------------

    def browser(self) -> Browser:
        """A browser that has never been here."""
        return Browser(self.app)

    def get(self, path: str, browser: Browser | None = None, **arguments: Any) -> TestResponse:
        return (browser or self.browser()).get(path, base_url=ISSUER, **arguments)

    def session(self, cookie: str) -> dict[str, str]:
        """What the log-in page's cookie holds: nothing, once it has been taken away."""
        serializer = Sessions().get_signing_serializer(self.app)
        assert serializer is not None
        held: dict[str, str] = serializer.loads(cookie) if cookie else {}
        return held

    def log_in(self, page: str, browser: Browser, who: str, password: str | None = None) -> TestResponse:
        """Fill in the form on the log-in page at `page` and send it."""
        form = {"username": who, "password": password or PASSWORDS[who], "csrf": csrf(self.get(page, browser))}
        return browser.post(page, base_url=ISSUER, data=form)

    def authorize(
        self, who: str | None = "alice", browser: Browser | None = None, client: str = "gateway", **changes: Any
    ) -> Answer:
        """Ask for a code in a browser, logging in as `who` where a log-in is asked for."""
        browser = browser or self.browser()
        response = self.get(self.request(client, **changes), browser)
        if response.status_code == 303 and who is not None:
            response = self.log_in(response.location, browser, who)
            assert response.status_code == 303, response.text
            response = self.get(response.location, browser)
        query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        return Answer(response, {name: values[0] for name, values in query.items()})

    @staticmethod
    def request(client: str = "gateway", **changes: Any) -> str:
        """An authorization request that is right in all but `changes`; None leaves a parameter out."""
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": NATIVE if client == "cli" else CALLBACK,
            "scope": "openid profile items:read orders:read",
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return "/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None}, True)

    # -- as a client -------------------------------------------------------------------------------------------------

    def post(self, path: str, client: str | None = "gateway", /, **form: Any) -> TestResponse:
        """Send a form as `client`, which proves itself the way it is registered for; None leaves values out."""
        data = {name: value for name, value in form.items() if value is not None}
        arguments: dict[str, Any] = {}
        method = next((one["auth_method"] for one in CLIENTS if one["client_id"] == client), None)
        if method in ("none", "tls_client_auth"):
            data.setdefault("client_id", client)
        if method == "tls_client_auth":
            arguments["environ_overrides"] = self.connection_of(client or "")
        if method == "client_secret_basic":
            arguments["headers"] = basic(client or "")
        return self.browser().post(path, base_url=ISSUER, data=data, **arguments)

    def connection_of(self, name: str) -> dict[str, Any]:
        """The environment of a request over a connection on which `name` has shown its certificate."""
        return {"gunicorn.socket": Shown(self.directory / name / "tls/leaf.pem")}

    def redeem(self, code: str | None, client: str | None = "gateway", **changes: Any) -> TestResponse:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": NATIVE if client == "cli" else CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.post("/token", client, **form)

    def tokens(self, who: str = "alice", client: str = "gateway", **changes: Any) -> dict[str, Any]:
        """The tokens that `client` gets for `who` by the whole code flow."""
        response = self.redeem(self.authorize(who, client=client, **changes).parameters["code"], client)
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def refresh(self, refresh_token: str, client: str = "gateway", **changes: Any) -> TestResponse:
        return self.post("/token", client, grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def own_token(self, client: str = "gateway", **changes: Any) -> dict[str, Any]:
        """The token that `client` gets for itself."""
        response = self.post("/token", client, grant_type="client_credentials", **changes)
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def exchange(self, token: str, client: str, audience: str | None, **changes: Any) -> TestResponse:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            **changes,
        }
        return self.post("/token", client, **form)

    def introspect(self, token: str, client: str = "gateway") -> dict[str, Any]:
        response = self.post("/introspect", client, token=token)
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def userinfo(self, token: str, **arguments: Any) -> TestResponse:
        return self.get("/userinfo", headers={"Authorization": f"Bearer {token}"}, **arguments)


def basic(client_id: str, secret: str | None = None) -> dict[str, str]:
    """The header by which a client proves itself."""
    pair = f"{client_id}:{secret_of(client_id) if secret is None else secret}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def csrf(page: TestResponse) -> str:
    """The hidden value in a page's form."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def refusal(response: TestResponse) -> tuple[int, str]:
    """Status and error code of a refusal (RFC 6749 §5.2)."""
    return response.status_code, response.get_json()["error"]


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a signed token, believed as they stand."""
    return dict(_part(token, 1))


def header_of(token: str) -> Mapping[str, Any]:
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    part = token.split(".")[number]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
