"""The three patterns of bearer tokens behind one contract: what they take, what they refuse, what they pass on."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs import CA
from certs.forge import forge
from services import tls
from services.app import create_app, identity, requires
from services.identity import (
    Certificate,
    Forbidden,
    Identity,
    Malformed,
    NoCredentials,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from services.keys import Keys
from services.patterns.jwt import Jwt
from services.patterns.oauth2 import OAuth2
from services.patterns.zerotrust import ZeroTrust
from services.settings import PatternName, ServiceName
from tests.support import (
    ISSUER,
    Issuer,
    ShownCertificate,
    b64url,
    basic,
    bearer,
    leaf_of,
    request,
    settings,
    thumbprint,
)

PATTERNS: dict[PatternName, type[OAuth2 | Jwt | ZeroTrust]] = {"oauth2": OAuth2, "jwt": Jwt, "zerotrust": ZeroTrust}


@dataclass(frozen=True)
class Place:
    """A shop's files: a CA with leaves for two callers, and the IdP's signing key."""

    directory: Path
    ca: CA
    issuer: Issuer

    def certificate(self, service: str) -> bytes:
        """The leaf that a service shows."""
        return leaf_of(self.directory / service / "tls")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("shop")
    ca = CA.create(directory / "ca")
    for name in ("gateway", "orders", "inventory"):
        ca.issue(name, into=directory / name / "tls")
    return Place(directory, ca, Issuer())


class Guarded:
    """`orders` under one pattern, with an IdP that answers without a network, and a gateway that calls it."""

    def __init__(self, place: Place, name: PatternName, service: ServiceName = "orders", **more: Any) -> None:
        self.place, self.name = place, name
        self.settings = settings(place.directory, service, name, **more)
        self.pattern = PATTERNS[name](self.settings)
        self.active: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.exchanged: list[tuple[str, str]] = []
        self.shown_to_the_idp: Certificate | None = None
        self.pattern.idp.keys = Keys(place.issuer.jwks)
        self.pattern.idp.introspect = self._introspect  # type: ignore[method-assign]
        self.pattern.idp.exchange = self._exchange  # type: ignore[method-assign]

    def _introspect(self, token: str) -> dict[str, Any]:
        self.asked.append(token)
        return self.active.get(token, {"active": False})

    def _exchange(self, token: str, audience: str, certificate: Certificate) -> str:
        self.exchanged.append((token, audience))
        self.shown_to_the_idp = certificate
        return f"for-{audience}"

    @property
    def caller(self) -> str:
        """Whom a good token names as its client."""
        return "gateway" if self.name == "zerotrust" else "cli"

    def token(self, **changes: Any) -> str:
        """A token that is good under this pattern, but for the changes; the IdP knows it."""
        bound: dict[str, Any] = {}
        if self.name == "zerotrust":
            bound = {"act": {"sub": "gateway"}, "cnf": {"x5t#S256": thumbprint(self.place.certificate("gateway"))}}
        claims = {"client_id": self.caller} | bound | changes
        if self.name != "oauth2":
            return self.place.issuer.token(**claims)
        opaque = f"opaque-token-number-{len(self.active)}"
        self.active[opaque] = self.place.issuer.claims(**claims) | {"active": True, "token_type": "Bearer"}
        return opaque

    def connection(self, service: str = "gateway") -> ShownCertificate:
        """A connection at whose other end that service has proven itself, where the pattern asks for it."""
        return ShownCertificate(self.place.certificate(service) if self.name == "zerotrust" else None)

    def shown(
        self, headers: dict[str, str] | list[tuple[str, str]], path: str = "/orders", service: str = "gateway"
    ) -> Identity:
        """Whom `orders` takes the sender of these headers for."""
        return self.pattern.authenticate(request(headers, path, self.connection(service)))

    def refusal(self, *args: Any, **kwargs: Any) -> Refusal:
        """Why `orders` refuses them."""
        with pytest.raises(Refusal) as caught:
            self.shown(*args, **kwargs)
        return caught.value


@pytest.fixture(params=PATTERNS)
def orders(request: pytest.FixtureRequest, place: Place) -> Guarded:
    return Guarded(place, request.param)


@pytest.fixture
def zerotrust(place: Place) -> Guarded:
    return Guarded(place, "zerotrust")


def invalid_token(refusal: Refusal) -> bool:
    """Whether it is a 401 that says `invalid_token`."""
    return (type(refusal), refusal.error) == (Unauthenticated, "invalid_token")


class TestGoodTokens:
    def test_a_good_token_proves_the_user(self, orders: Guarded) -> None:
        token = orders.token()
        found = orders.shown(bearer(token))
        assert (found.caller, found.user, found.user_proven) == (orders.caller, "alice", True)
        assert found.scopes == {"orders:read", "orders:write"}
        assert found.credential == token
        assert "aud holds orders" in found.checked

    def test_only_a_certificate_proves_the_caller(self, orders: Guarded) -> None:
        assert orders.shown(bearer(orders.token())).caller_proven is (orders.name == "zerotrust")

    def test_the_audit_line_knows_who_vouched(self, orders: Guarded) -> None:
        vouched = {"oauth2": "idp", "jwt": "signature", "zerotrust": "signature"}
        assert orders.shown(bearer(orders.token())).vouched_by == vouched[orders.name]

    @pytest.mark.parametrize(("seconds", "words"), [(0, "introspection: a"), (5, "introspection up to 5 s ago: a")])
    def test_the_audit_line_knows_how_old_an_answer_may_be(self, place: Place, seconds: float, words: str) -> None:
        orders = Guarded(place, "oauth2", cache_seconds=seconds)
        assert orders.shown(bearer(orders.token())).checked.startswith(words)

    def test_an_identity_hides_its_token(self, orders: Guarded) -> None:
        token = orders.token()
        found = orders.shown(bearer(token))
        assert token not in f"{found!r} {found}"

    def test_a_scheme_in_lower_case_is_the_same_scheme(self, orders: Guarded) -> None:
        assert orders.shown({"Authorization": f"bearer {orders.token()}"}).user == "alice"

    def test_a_clients_own_token_is_about_no_user(self, orders: Guarded) -> None:
        found = orders.shown(bearer(orders.token(sub=orders.caller)))
        assert (found.caller, found.user) == (orders.caller, None)

    def test_a_token_that_allows_nothing_allows_nothing(self, orders: Guarded) -> None:
        assert orders.shown(bearer(orders.token(scope=""))).scopes == frozenset()

    def test_whatever_is_asserted_beside_the_token_changes_nothing(self, orders: Guarded) -> None:
        headers = {"X-User": "carol", "X-Forwarded-User": "carol", "X-Scopes": "orders:refund", "X-Client-Id": "x"}
        assert orders.shown(bearer(orders.token()) | headers).user == "alice"


class TestCredentialsShown:
    def test_no_credential_is_a_challenge_without_an_error(self, orders: Guarded) -> None:
        found = orders.refusal({})
        assert (type(found), found.error) == (Unauthenticated, "")

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer a b", "Bearer  a", "Bearer =", "Bearer a:b"])
    def test_a_malformed_token_is_invalid(self, orders: Guarded, value: str) -> None:
        assert invalid_token(orders.refusal({"Authorization": value}))

    @pytest.mark.parametrize("scheme", ["DPoP", "Basic", "Token", "JWT", "Negotiate", "Digest"])
    def test_a_good_token_under_another_scheme_is_none(self, orders: Guarded, scheme: str) -> None:
        found = orders.refusal({"Authorization": f"{scheme} {orders.token()}"})
        assert (type(found), "not Bearer" in found.reason) == (Unauthenticated, True)

    def test_a_token_as_a_password_is_none(self, orders: Guarded) -> None:
        assert type(orders.refusal(basic("x", orders.token()))) is Unauthenticated

    def test_a_token_in_the_query_is_refused_even_beside_a_good_one(self, orders: Guarded) -> None:
        token = orders.token()
        for headers in ({}, bearer(token)):
            found = orders.refusal(headers, f"/orders?access_token={token}")
            assert (type(found), found.error) == (Malformed, "invalid_request")
            assert token not in found.reason
        assert orders.asked == []

    def test_two_credentials_are_nobodys(self, orders: Guarded) -> None:
        good = ("Authorization", f"Bearer {orders.token()}")
        for second in (good, ("Authorization", "Bearer x"), ("Authorization", "Basic YTpi"), ("Authorization", "")):
            for both in ([good, second], [second, good]):
                assert type(orders.refusal(both)) is Malformed
        assert orders.asked == []

    @pytest.mark.parametrize("header", ["X-Forwarded-Authorization", "Proxy-Authorization", "X-Access-Token", "Cookie"])
    def test_a_good_token_anywhere_else_is_none(self, orders: Guarded, header: str) -> None:
        assert orders.refusal({header: f"Bearer {orders.token()}"}).reason == "no credential was shown"

    def test_a_huge_token_is_refused_before_anybody_is_asked(self, orders: Guarded) -> None:
        for length in (4097, 60_000):
            assert invalid_token(orders.refusal(bearer("A" * length)))
        assert orders.asked == []


def _unsigned(good: Issuer, alg: str) -> str:
    payload = b64url(json.dumps(good.claims()).encode())
    return f"{b64url(json.dumps({'alg': alg, 'kid': good.kid, 'typ': 'at+jwt'}).encode())}.{payload}.AAAA"


FORGED: dict[str, Callable[[Issuer], str]] = {
    "no signature": lambda good: good.token().rpartition(".")[0] + ".",
    "alg none": lambda good: _unsigned(good, "none"),
    "alg NoNe": lambda good: _unsigned(good, "NoNe"),
    "alg HS256": lambda good: _unsigned(good, "HS256"),
    "another key, same kid": lambda good: Issuer(kid=good.kid).token(),
    "another key, another kid": lambda good: Issuer(kid="mallory").token(),
    "own key inside": lambda good: good.token({"jwk": good.jwks()["keys"][0]}),
    "critical extension": lambda good: good.token({"crit": ["x"], "x": 1}),
    "an ID token": lambda good: good.token({"typ": "JWT"}),
    "another issuer": lambda good: good.token(iss="https://evil.test"),
    "another audience": lambda good: good.token(aud="billing"),
    "expired": lambda good: good.token(exp=1, iat=0),
    "no expiry": lambda good: good.token(exp=None),
    "expiry as text": lambda good: good.token(exp="9999999999"),
    "not valid yet": lambda good: good.token(nbf=2**40),
    "no user": lambda good: good.token(sub=None),
    "said twice": lambda good: good.sign(json.dumps(good.claims())[:-1].encode() + b',"sub":"carol"}'),
    "not JSON": lambda good: good.sign(b"alice"),
    "not a token": lambda good: "a-token-of-no-kind",
    "a refresh token": lambda good: "refresh-0123456789abcdef",
}


class TestBadTokens:
    @pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
    def test_a_forged_token_is_refused_under_every_pattern(
        self, orders: Guarded, forge: Callable[[Issuer], str]
    ) -> None:
        token = forge(orders.place.issuer)
        found = orders.refusal(bearer(token))
        assert invalid_token(found)
        assert token not in found.reason

    @pytest.mark.parametrize("aud", ["billing", ["billing", "inventory"], "gateway", "order", ["Orders"], []], ids=str)
    def test_a_token_for_somebody_else_is_refused(self, orders: Guarded, aud: Any) -> None:
        found = orders.refusal(bearer(orders.token(aud=aud)))
        assert invalid_token(found)
        assert "meant for" in found.reason

    def test_an_expired_token_is_refused(self, orders: Guarded) -> None:
        found = orders.refusal(bearer(orders.token(exp=1_000_000_000, iat=999_999_000)))
        assert invalid_token(found)
        assert "expired" in found.reason

    @pytest.mark.parametrize("sub", ["", " ", "carol\r\n", "carol\0", "саrol", "c" * 300, 7, ["carol"]], ids=repr)
    def test_a_token_about_somebody_unspeakable_is_refused(self, orders: Guarded, sub: Any) -> None:
        found = orders.refusal(bearer(orders.token(sub=sub)))
        assert invalid_token(found) if orders.name != "oauth2" else type(found) is Unavailable
        assert "carol" not in found.reason

    def test_a_revoked_token_is_refused_where_the_idp_is_asked_each_time(self, place: Place) -> None:
        orders = Guarded(place, "oauth2")
        token = orders.token()
        assert orders.shown(bearer(token)).user == "alice"
        orders.active.clear()
        assert invalid_token(orders.refusal(bearer(token)))
        assert orders.asked == [token, token]

    def test_the_idp_is_asked_about_no_token_that_proves_itself(self, orders: Guarded) -> None:
        orders.shown(bearer(orders.token()))
        assert bool(orders.asked) is (orders.name == "oauth2")

    @pytest.mark.parametrize("name", ["jwt", "zerotrust"])
    def test_without_the_idps_keys_nobody_is_believed(self, place: Place, name: PatternName) -> None:
        orders = Guarded(place, name)

        def down() -> dict[str, Any]:
            raise Unavailable("the IdP does not answer")

        orders.pattern.idp.keys = Keys(down)
        assert type(orders.refusal(bearer(orders.token()))) is Unavailable

    def test_a_token_stolen_from_its_client_works_for_a_thief_unless_it_is_bound(self, orders: Guarded) -> None:
        token = orders.token()
        if orders.name == "zerotrust":
            assert invalid_token(orders.refusal(bearer(token), service="inventory"))
        else:
            assert orders.shown(bearer(token), service="inventory").user == "alice"

    def test_a_bound_token_is_refused_where_binding_is_not_checked(self, place: Place) -> None:
        orders = Guarded(place, "jwt")
        for service in ("gateway", "inventory"):
            bound = orders.token(cnf={"x5t#S256": thumbprint(place.certificate(service))})
            found = orders.refusal(bearer(bound))
            assert invalid_token(found)
            assert "bound" in found.reason


class TestZeroTrust:
    @pytest.mark.parametrize("der", [None, b""], ids=["none", "empty"])
    def test_without_a_certificate_nobody_is_heard(self, zerotrust: Guarded, der: bytes | None) -> None:
        with pytest.raises(Forbidden, match="nobody"):
            zerotrust.pattern.authenticate(request(bearer(zerotrust.token()), connection=ShownCertificate(der)))

    def test_without_tls_nobody_is_heard(self, zerotrust: Guarded) -> None:
        with pytest.raises(Forbidden, match="nobody"):
            zerotrust.pattern.authenticate(request(bearer(zerotrust.token())))

    def test_a_certificate_that_may_not_name_anyone_is_nobodys(
        self, zerotrust: Guarded, place: Place, tmp_path: Path
    ) -> None:
        two = forge(place.ca, "gateway", into=tmp_path / "two", two_names=True)
        server = forge(place.ca, "gateway", into=tmp_path / "server", server_only=True)
        foreign = forge(place.ca, "gateway", into=tmp_path / "foreign", look_alike_other_domain=True)
        for der in (place.ca.root.public_bytes(Encoding.DER), two.der, server.der, foreign.der):
            token = zerotrust.token(cnf={"x5t#S256": thumbprint(der)})
            with pytest.raises(Forbidden, match="certificate"):
                zerotrust.pattern.authenticate(request(bearer(token), connection=ShownCertificate(der)))

    def test_a_certificate_alone_is_no_user(self, zerotrust: Guarded) -> None:
        found = zerotrust.refusal({})
        assert (type(found), found.error) == (Unauthenticated, "")

    def test_a_token_bound_to_nothing_is_refused(self, zerotrust: Guarded) -> None:
        found = zerotrust.refusal(bearer(zerotrust.token(cnf=None)))
        assert invalid_token(found)
        assert "not bound" in found.reason

    @pytest.mark.parametrize("bound", ["inventory", "orders"])
    def test_a_token_bound_to_another_certificate_is_refused(
        self, zerotrust: Guarded, place: Place, bound: str
    ) -> None:
        found = zerotrust.refusal(bearer(zerotrust.token(cnf={"x5t#S256": thumbprint(place.certificate(bound))})))
        assert invalid_token(found)
        assert "not bound" in found.reason

    def test_a_thief_with_a_certificate_of_its_own_is_refused(self, zerotrust: Guarded) -> None:
        found = zerotrust.refusal(bearer(zerotrust.token()), service="inventory")
        assert invalid_token(found)
        assert "not bound" in found.reason

    def test_another_leaf_of_the_same_service_is_another_certificate(
        self, zerotrust: Guarded, place: Place, tmp_path: Path
    ) -> None:
        place.ca.issue("gateway", into=tmp_path)
        renewed = ShownCertificate(leaf_of(tmp_path))
        with pytest.raises(Unauthenticated, match="not bound"):
            zerotrust.pattern.authenticate(request(bearer(zerotrust.token()), connection=renewed))

    @pytest.mark.parametrize(
        "cnf", [{"jkt": "A" * 43}, {"x5t#S256": "A" * 43}, {"x5t#S256": ""}, {}, {"jwk": {}}, "gateway"], ids=str
    )
    def test_any_other_binding_is_refused(self, zerotrust: Guarded, cnf: Any) -> None:
        assert invalid_token(zerotrust.refusal(bearer(zerotrust.token(cnf=cnf))))

    def test_the_thumbprint_is_not_taken_as_a_prefix_or_in_another_case(self, zerotrust: Guarded, place: Place) -> None:
        good = thumbprint(place.certificate("gateway"))
        for other in (good[:-1], good + "A", good.swapcase(), good + "=", good[::-1], thumbprint(b"")):
            assert invalid_token(zerotrust.refusal(bearer(zerotrust.token(cnf={"x5t#S256": other}))))

    ACTORS: tuple[Any, ...] = (
        *(None, {}, {"sub": "inventory"}, {"sub": "cli"}, {"sub": "alice"}, {"sub": ""}, {"sub": "Gateway"}),
        *({"sub": None}, {"sub": ["gateway"]}, {"sub": {"sub": "gateway"}}, {"sub": True}, {"client_id": "gateway"}),
        *({"act": {"sub": "gateway"}}, {"sub": "inventory", "act": {"sub": "gateway"}}, {"SUB": "gateway"}),
        *({"sub": "spiffe://shop.test/gateway"}, {"sub": "gateway "}, {"iss": ISSUER}),
    )

    @pytest.mark.parametrize("act", ACTORS, ids=str)
    def test_a_token_that_names_another_actor_is_refused(self, zerotrust: Guarded, act: Any) -> None:
        found = zerotrust.refusal(bearer(zerotrust.token(act=act)))
        assert invalid_token(found)
        assert "another actor" in found.reason

    @pytest.mark.parametrize(
        "client_id", ["cli", "inventory", "orders", "Gateway", "alice", "spiffe://shop.test/gateway"]
    )
    def test_a_token_that_was_issued_to_another_client_is_refused(self, zerotrust: Guarded, client_id: str) -> None:
        found = zerotrust.refusal(bearer(zerotrust.token(client_id=client_id)))
        assert invalid_token(found)
        assert "another actor" in found.reason

    def test_who_acted_before_may_be_anybody(self, zerotrust: Guarded) -> None:
        act = {"sub": "gateway", "act": {"sub": "cli", "act": {"sub": "x"}}}
        assert zerotrust.shown(bearer(zerotrust.token(act=act))).caller == "gateway"

    def test_the_caller_is_whoever_the_certificate_names(self, zerotrust: Guarded, place: Place) -> None:
        bound = {"x5t#S256": thumbprint(place.certificate("inventory"))}
        token = zerotrust.token(client_id="inventory", act={"sub": "inventory"}, cnf=bound)
        assert zerotrust.shown(bearer(token), service="inventory").caller == "inventory"
        assert invalid_token(zerotrust.refusal(bearer(token), service="gateway"))


class TestPassingOn:
    @pytest.mark.parametrize("name", ["oauth2", "jwt"])
    def test_the_users_token_serves_every_hop(self, place: Place, name: PatternName) -> None:
        orders = Guarded(place, name)
        token = orders.token()
        found = orders.shown(bearer(token))
        for audience in ("billing", "inventory"):
            assert orders.pattern.credentials_for(audience, found) == {
                "headers": {"Authorization": f"Bearer {token}"},
                "verify": orders.settings.bundle,
            }

    def test_under_zero_trust_each_hop_gets_a_token_of_its_own(self, zerotrust: Guarded) -> None:
        token = zerotrust.token()
        found = zerotrust.shown(bearer(token))
        for audience in ("billing", "inventory"):
            assert zerotrust.pattern.credentials_for(audience, found) == {
                "headers": {"Authorization": f"Bearer for-{audience}"},
                "cert": tls.client_context(Path(zerotrust.settings.bundle), zerotrust.settings.leaf),
                "verify": zerotrust.settings.bundle,
            }
        assert zerotrust.exchanged == [(token, "billing"), (token, "inventory")]

    def test_the_next_service_is_shown_the_certificate_that_the_token_was_bound_to(
        self, zerotrust: Guarded, place: Place
    ) -> None:
        """RFC 8705 §3: a leaf that is renewed between the exchange and the call does not come between the two."""

        def exchange(token: str, audience: str, certificate: Certificate) -> str:
            place.ca.issue("orders", place.directory / "orders" / "tls")
            return zerotrust._exchange(token, audience, certificate)

        zerotrust.pattern.idp.exchange = exchange  # type: ignore[method-assign]
        found = zerotrust.shown(bearer(zerotrust.token()))
        for _ in range(2):
            presented = zerotrust.pattern.credentials_for("billing", found)
            assert isinstance(presented["cert"], ssl.SSLContext)
            assert presented["cert"] is zerotrust.shown_to_the_idp

    def test_without_a_certificate_of_our_own_there_is_nothing_to_pass_on(
        self, zerotrust: Guarded, tmp_path: Path
    ) -> None:
        found = zerotrust.shown(bearer(zerotrust.token()))
        zerotrust.pattern.settings = settings(tmp_path, "orders", "zerotrust")
        with pytest.raises(NoCredentials, match="no certificate"):
            zerotrust.pattern.credentials_for("billing", found)

    @pytest.mark.parametrize("refusal", [Unavailable("the IdP does not answer"), Unauthenticated("it is revoked")])
    def test_an_exchange_that_fails_is_not_papered_over(self, zerotrust: Guarded, refusal: Refusal) -> None:
        found = zerotrust.shown(bearer(zerotrust.token()))

        def exchange(token: str, audience: str, certificate: Certificate) -> str:
            raise refusal

        zerotrust.pattern.idp.exchange = exchange  # type: ignore[method-assign]
        with pytest.raises(type(refusal)):
            zerotrust.pattern.credentials_for("billing", found)

    def test_without_a_token_there_is_nothing_to_pass_on(self, orders: Guarded) -> None:
        nobody = Identity("gateway", "alice", frozenset(), "network", "nothing")
        with pytest.raises(NoCredentials, match="nobody gave us a token"):
            orders.pattern.credentials_for("billing", nobody)
        assert orders.exchanged == []

    def test_what_is_passed_on_is_not_shared_between_calls(self, orders: Guarded) -> None:
        found = orders.shown(bearer(orders.token()))
        first = orders.pattern.credentials_for("billing", found)
        first["headers"]["Authorization"] = "changed"
        assert orders.pattern.credentials_for("billing", found)["headers"]["Authorization"] != "changed"


class TestDoor:
    def test_only_zero_trust_asks_a_connection_for_a_certificate(self, orders: Guarded) -> None:
        asked = {"oauth2": ssl.CERT_NONE, "jwt": ssl.CERT_NONE, "zerotrust": ssl.CERT_REQUIRED}
        assert orders.pattern.listener().verify_mode is asked[orders.name]


@pytest.fixture
def ask(orders: Guarded, place: Place) -> Callable[..., Any]:
    """Ask the guarded service over HTTP, in this process."""
    views = flask.Blueprint("orders", __name__)

    @views.get("/orders")
    @requires("orders:read")
    def show() -> dict[str, str | None]:
        return {"user": identity().user}

    app = create_app(orders.settings, views, lambda: None, orders.pattern.authenticate, orders.pattern.challenge)
    client = app.test_client()

    def asked(headers: Any = None, path: str = "/orders") -> Any:
        connection = {"gunicorn.socket": orders.connection()}
        return client.get(path, headers=headers, base_url="https://orders", environ_overrides=connection)

    return asked


class TestChallenge:
    """What the caller learns: which kind of no it was, and no more (RFC 6750 §3)."""

    def test_a_good_token_is_served(self, orders: Guarded, ask: Callable[..., Any]) -> None:
        assert ask(bearer(orders.token())).json == {"user": "alice"}

    def test_a_missing_credential_is_asked_for_without_an_error_code(self, ask: Callable[..., Any]) -> None:
        answer = ask()
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="shop"')

    def test_a_bad_token_is_called_invalid(self, ask: Callable[..., Any]) -> None:
        answer = ask(bearer("forged"))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop", error="invalid_token"'

    def test_a_token_in_the_query_or_twice_is_a_bad_request(self, orders: Guarded, ask: Callable[..., Any]) -> None:
        assert ask(path=f"/orders?access_token={orders.token()}").status_code == 400
        assert ask([*bearer(orders.token()).items()] * 2).status_code == 400

    @pytest.mark.parametrize(
        "scope", ["", "orders:write", "xorders:readx", "orders:rea", "ORDERS:READ", "orders:*", "*", "orders:read,a"]
    )
    def test_a_good_token_without_the_scope_is_called_insufficient(
        self, orders: Guarded, ask: Callable[..., Any], scope: str
    ) -> None:
        answer = ask(bearer(orders.token(scope=scope)))
        assert answer.status_code == 403
        offered = 'Bearer realm="shop", error="insufficient_scope", scope="orders:read"'
        assert answer.headers["WWW-Authenticate"] == offered

    def test_no_answer_and_no_log_line_holds_a_token(
        self, orders: Guarded, ask: Callable[..., Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        tokens = [orders.token(), orders.token(aud="billing"), orders.token(scope=""), "a-forged-token", "A" * 5000]
        answers = [ask(bearer(token)) for token in tokens]
        answers += [ask(path=f"/orders?access_token={token}") for token in tokens]
        answers += [ask({"Authorization": f"Basic {token}"}) for token in tokens]
        written = capsys.readouterr()
        for text in (written.out, written.err, *(f"{answer.headers} {answer.text}" for answer in answers)):
            assert not any(token in text for token in tokens)
        assert len(written.out.splitlines()) == len(answers)
