"""The seam: what every pattern promises, whichever it is, and that what one service presents the next accepts."""

from __future__ import annotations

import ast
import importlib
import inspect
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import flask
import jwt as pyjwt
import pytest
import requests

import certs
from services import passwords, policy, tls
from services.identity import Certificate, Credentials, Identity, NoCredentials, Refusal
from services.keys import Keys
from services.patterns import PATTERNS, Pattern, pattern
from services.settings import PatternName, ServiceName
from services.users import UserStore
from tests import support
from tests.loopback import NoHandshake, handshake
from tests.support import Issuer, basic, bearer, request, thumbprint

pytestmark = pytest.mark.usefixtures("quick_hashes")

NAMES: list[PatternName] = list(PATTERNS)
SERVICES: list[ServiceName] = ["gateway", "orders", "inventory", "billing"]
BY_CERTIFICATE = {"mtls", "zerotrust"}
BY_TOKEN = {"oauth2", "jwt", "zerotrust"}
SCOPES = ["orders:read", "orders:write"]


@dataclass
class Idp:
    """An identity provider in a few lines: one signing key, and whatever it is asked."""

    issuer: Issuer = field(default_factory=Issuer)
    fingerprints: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        """The key set of a service that has just asked for it."""
        return Keys(self.issuer.jwks)

    def introspect(self, token: str) -> Mapping[str, Any]:
        """What a token means (RFC 7662 §2.2)."""
        unchecked = {"verify_aud": False}
        try:
            claims = pyjwt.decode(token, self.issuer.key.public_key(), ["ES256"], options=unchecked)  # type: ignore[arg-type]
        except pyjwt.PyJWTError:
            return {"active": False}
        return {"active": True, "token_type": "Bearer"} | claims

    def of(self, service: str) -> _IdpOf:
        """The IdP as `service` sees it."""
        return _IdpOf(self, service)


@dataclass
class _IdpOf:
    idp: Idp
    service: str

    @property
    def keys(self) -> Keys:
        return self.idp.keys

    def introspect(self, token: str) -> Mapping[str, Any]:
        return self.idp.introspect(token)

    def exchange(self, token: str, audience: str, _: Certificate) -> str:
        """A token for `audience` alone, bound to the certificate of whoever asks (RFC 8693, RFC 8705)."""
        before = pyjwt.decode(token, options={"verify_signature": False})
        assert self.service in before["aud"]
        act = {"sub": self.service} | ({"act": before["act"]} if "act" in before else {})
        bound = {"x5t#S256": self.idp.fingerprints[self.service]}
        changes = {"sub": before["sub"], "scope": before["scope"], "client_id": self.service}
        return self.idp.issuer.token(**changes, aud=audience, act=act, cnf=bound)


@dataclass
class Town:
    """Four services that guard themselves by one pattern, each with what that pattern gives it."""

    name: PatternName
    guards: dict[str, Pattern]
    idp: Idp

    def __getitem__(self, service: str) -> Pattern:
        return self.guards[service]

    def alice(self) -> Identity:
        """Alice, as the gateway has come to know her."""
        proof = {"basic": "wonderland"} | dict.fromkeys(BY_TOKEN, self.idp.issuer.token(aud=SERVICES))
        voucher: Any = {"basic": "password", "oauth2": "idp", "jwt": "signature", "zerotrust": "signature"}
        known: Any = voucher.get(self.name, "password")
        return Identity("cli", "alice", frozenset(SCOPES), known, "", proof.get(self.name))

    @contextmanager
    def sent(self, presented: Credentials, to: str) -> Iterator[flask.Request]:
        """The request as `to` gets it, over the connection that carried it."""
        parts: dict[str, Any] = dict(presented)
        carried = requests.Request("GET", "https://x/orders", headers=parts.get("headers"), auth=parts.get("auth"))
        headers = {name: str(value) for name, value in carried.prepare().headers.items()}
        context = self[to].listener()
        if context is None:
            assert not {"cert", "verify"} & set(parts)
            yield request(headers)
            return
        cert = parts.get("cert")
        ours_now = cert if isinstance(cert, ssl.SSLContext) else tls.client_context(Path(parts["verify"]), cert)
        with handshake(context, ours_now, to) as (ours, _):
            yield request(headers, connection=ours)


@pytest.fixture(scope="module", params=NAMES)
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town under each pattern in turn."""
    directory, name = tmp_path_factory.mktemp(request.param), request.param
    ca, idp = certs.CA.create(directory / "ca"), Idp()
    guards: dict[str, Pattern] = {}
    (directory / "users").mkdir()
    UserStore(directory / "users" / "users.db", writable=True).add("alice", "wonderland", SCOPES)
    known = {service: passwords.HASHER.hash(f"of {service}") for service in SERVICES}
    for service in SERVICES:
        told = support.settings(directory, service, name)
        ca.issue(service, told.tls_dir)
        idp.fingerprints[service] = thumbprint(support.leaf_of(told.tls_dir))
        secrets = directory / service / "secrets"
        (secrets / "password").write_text(f"of {service}")
        (secrets / "callers.json").write_text(str(known).replace("'", '"'))
        guards[service] = pattern(name, told)
        if name in BY_TOKEN:
            guards[service].idp = idp.of(service)  # type: ignore[attr-defined]  # the token patterns have one
    return Town(name, guards, idp)


def test_there_are_seven_and_settings_name_the_same() -> None:
    assert len(NAMES) == 7
    assert set(NAMES) == set(get_args(PatternName))


def test_what_a_pattern_says_of_itself(town: Town) -> None:
    basic, services = 'Basic realm="shop", charset="UTF-8"', 'Basic realm="shop services", charset="UTF-8"'
    bearer = 'Bearer realm="shop"'
    said = {
        "perimeter": ("basic", None),
        "basic": ("basic", basic),
        "subsystem": ("basic", services),
        "mtls": ("basic", None),
        "oauth2": ("oauth2", bearer),
        "jwt": ("jwt", bearer),
        "zerotrust": ("jwt", bearer),
    }
    assert (town["orders"].edge, town["orders"].challenge) == said[town.name]


def test_siblings_have_the_same_shape() -> None:
    """So that two can be diffed: the same three questions in the same order, and no inheritance."""
    for name, class_name in PATTERNS.items():
        module = importlib.import_module(f"services.patterns.{name}")
        chosen = getattr(module, class_name)
        assert chosen.__bases__ == (object,)
        public = [part for part in vars(chosen) if not part.startswith("_")]
        assert public == ["edge", "challenge", "listener", "authenticate", "credentials_for"]
        for question in ("authenticate", "credentials_for"):
            ours, promised = (inspect.signature(getattr(one, question)) for one in (chosen, Pattern))
            assert list(ours.parameters) == list(promised.parameters)
        table = [line.split()[0] for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
        assert table == ["trusts", "caller", "user", "scopes"]


def test_a_pattern_knows_no_sibling() -> None:
    for name in NAMES:
        module = importlib.import_module(f"services.patterns.{name}")
        imported = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ImportFrom)]
        assert not [node.module for node in imported if (node.module or "").startswith("services.patterns")]


def test_the_listener_asks_for_a_certificate_where_the_caller_proves_itself_by_one(town: Town) -> None:
    context = town["orders"].listener()
    if town.name == "perimeter":
        assert context is None
        return
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is (ssl.CERT_REQUIRED if town.name in BY_CERTIFICATE else ssl.CERT_NONE)
    assert town["orders"].listener() is context


def test_nobody_connects_without_a_certificate_where_one_is_asked_for(town: Town) -> None:
    if town.name not in BY_CERTIFICATE:
        return
    guard: Any = town["orders"]
    context = guard.listener()
    with pytest.raises(NoHandshake), handshake(context, tls.client_context(Path(guard.settings.bundle), None)):
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-User": "alice"},
        {"X-Forwarded-User": "alice", "X-Forwarded-Client-Cert": "URI=spiffe://shop.test/gateway"},
        basic("alice", "looking-glass"),
        basic("gateway", "of orders"),
        basic("gateway", ""),
        bearer("abc"),
        bearer("eyJhbGciOiJub25lIn0.e30."),
        {"Authorization": "Bearer"},
        {"Cookie": "session=abc"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("service", SERVICES[1:])
def test_whoever_shows_nothing_good_is_refused_except_where_the_network_is_trusted(
    town: Town, service: str, headers: dict[str, str]
) -> None:
    bare = request(headers)
    if town.name == "perimeter":
        found = town[service].authenticate(bare)
        assert (found.vouched_by, found.caller_proven, found.user_proven) == ("network", False, False)
        return
    with pytest.raises(Refusal) as refused:
        town[service].authenticate(bare)
    assert refused.value.status in {401, 403}


HOPS = [("gateway", "orders"), ("orders", "inventory"), ("orders", "billing")]


def hop(town: Town, caller: str, callee: str, identity: Identity) -> Identity:
    """`caller` acts for `identity` at `callee`, which says who that is."""
    with town.sent(town[caller].credentials_for(callee, identity), callee) as received:
        return town[callee].authenticate(received)


def test_what_one_service_presents_the_next_accepts_and_says_who_it_is(town: Town) -> None:
    at_orders = hop(town, "gateway", "orders", town.alice())
    at_billing = hop(town, "orders", "billing", at_orders)
    assert at_orders.user == at_billing.user == "alice"
    callers = {
        "perimeter": ("anyone inside", "anyone inside"),
        "basic": ("alice", "alice"),
        "oauth2": ("cli", "cli"),
        "jwt": ("cli", "cli"),
    }
    assert (at_orders.caller, at_billing.caller) == callers.get(town.name, ("gateway", "orders"))


def test_what_is_proven_on_the_way_is_what_the_pattern_claims(town: Town) -> None:
    found = hop(town, "gateway", "orders", town.alice())
    voucher = {"perimeter": "network", "basic": "password", "oauth2": "idp"}
    voucher |= {"jwt": "signature", "zerotrust": "signature"}
    assert found.vouched_by == voucher.get(town.name, "caller")
    assert found.caller_proven is (town.name in {"subsystem", "mtls", "zerotrust"})
    assert found.scopes == (frozenset(SCOPES) if town.name in {"basic", *BY_TOKEN} else frozenset())
    assert policy.authorize(found, "orders:write")


def test_only_who_needs_it_again_keeps_a_credential_and_nobody_prints_it(town: Town) -> None:
    found = hop(town, "gateway", "orders", town.alice())
    assert (found.credential is not None) is (town.name in {"basic", *BY_TOKEN})
    assert found.credential is None or found.credential not in repr(found)


@pytest.mark.parametrize(("caller", "callee"), HOPS)
def test_credentials_go_with_the_call_and_not_on_a_session(town: Town, caller: str, callee: str) -> None:
    presented = town[caller].credentials_for(callee, town.alice())
    assert set(presented) <= {"headers", "auth", "cert", "verify"}
    assert set(presented) <= set(inspect.signature(requests.Session.request).parameters)
    assert set(presented.get("headers", {})) <= {"Authorization", "X-User"}
    assert ("verify" in presented) is (town.name != "perimeter")
    assert ("cert" in presented) is (town.name in BY_CERTIFICATE)
    assert not any(isinstance(value, requests.Session) for value in vars(town[caller]).values())
    fresh = town[caller].credentials_for(callee, town.alice())
    assert fresh is not presented
    assert "headers" not in fresh or fresh["headers"] is not presented["headers"]


def test_each_user_is_presented_as_themselves(town: Town) -> None:
    """Nothing of an earlier user clings to the pattern."""
    alice, token = town.alice(), town.idp.issuer.token(aud=SERVICES, sub="bob")
    bob = Identity("cli", "bob", frozenset(), alice.vouched_by, "", token if town.name in BY_TOKEN else "builder")
    one, other, again = (town["gateway"].credentials_for("orders", who) for who in (alice, bob, alice))
    assert one != other
    if town.name != "zerotrust":  # where each exchange makes a new token
        assert one == again


def test_where_the_user_takes_a_credential_nothing_is_presented_without(town: Town) -> None:
    nobody = Identity("cli", None, frozenset(), "signature", "")
    if town.name in {"basic", *BY_TOKEN}:
        with pytest.raises(NoCredentials) as refused:
            town["gateway"].credentials_for("orders", nobody)
        assert refused.value.status == 502
    else:
        assert hop(town, "gateway", "orders", nobody).user is None


def test_what_was_meant_for_one_hop_is_of_no_use_on_another_where_the_pattern_says_so(town: Town) -> None:
    presented = town["gateway"].credentials_for("orders", town.alice())
    with town.sent(presented, "billing") as received:
        if town.name == "zerotrust":
            with pytest.raises(Refusal):
                town["billing"].authenticate(received)
        else:  # a password or token for all, or a service that is known everywhere: this is the weakness to be shown
            assert town["billing"].authenticate(received).user == "alice"
