"""The metadata is complete and true: what it names works, and of what others know the rest is refused.

Each list is held against all the values that its registry has (IANA's OAuth Parameters, OpenID Connect): one that is
named has to work, one that is not has to be refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt as pyjwt
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from werkzeug.test import TestResponse

from idp import serve
from idp.clients import Client
from idp.metadata import GRANTS
from services import server
from tests.idp_support import (
    CALLBACK,
    CHALLENGE,
    CUSTOMER,
    EXCHANGE,
    ISSUER,
    NATIVE,
    PERSON,
    VERIFIER,
    Idp,
    a_client,
    a_service,
    basic,
    claims_of,
    header_of,
    refusal,
    secret_of,
)

pytest_plugins = ("tests.idp_fixtures",)
Document = dict[str, Any]

SPECIFIED = {
    "RFC 8414 §2": (
        "issuer authorization_endpoint token_endpoint jwks_uri scopes_supported response_types_supported"
        " response_modes_supported grant_types_supported token_endpoint_auth_methods_supported ui_locales_supported"
        " revocation_endpoint revocation_endpoint_auth_methods_supported introspection_endpoint"
        " introspection_endpoint_auth_methods_supported code_challenge_methods_supported"
    ),
    "OpenID Connect Discovery 1.0 §3": (
        "userinfo_endpoint subject_types_supported id_token_signing_alg_values_supported display_values_supported"
        " claim_types_supported claims_supported claims_parameter_supported request_parameter_supported"
        " request_uri_parameter_supported"
    ),
    "OpenID Connect RP-Initiated Logout 1.0 §2.1": "end_session_endpoint",
    "Initiating User Registration via OpenID Connect 1.0 §4.1": "prompt_values_supported",
    "RFC 8705 §3.3": "tls_client_certificate_bound_access_tokens",
    "RFC 9207 §3": "authorization_response_iss_parameter_supported",
}
TOKEN_TYPE = "urn:ietf:params:oauth:grant-type:"
GRANT_TYPES = [
    *GRANTS,
    "implicit",
    "password",
    f"{TOKEN_TYPE}jwt-bearer",
    f"{TOKEN_TYPE}saml2-bearer",
    f"{TOKEN_TYPE}device_code",
    f"{TOKEN_TYPE}uma-ticket",
    f"{TOKEN_TYPE}pre-authorized_code",
    "urn:openid:params:grant-type:ciba",
]
RESPONSE_TYPES = [
    *("code", "token", "id_token", "none", "id_token token"),
    *("code id_token", "code token", "code id_token token", "code code"),
]
RESPONSE_MODES = ["query", "fragment", "form_post", "web_message", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]
PROMPTS = ["none", "login", "consent", "select_account", "create", "none login", "login consent"]
ALGORITHMS = ["ES256", "RS256"]
OTHER_ALGORITHMS = [
    *("none", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES384", "ES512", "ES256K", "EdDSA", "Ed25519"),
]
METHODS = [
    *("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth"),
    "self_signed_tls_client_auth",
]
OURS_ALONE = {"/login", "/static/<path:filename>", "/healthz", "/readyz"}
"""Addresses that are for the person's browser, or for who keeps us running; no client needs to know them."""


@pytest.fixture(scope="module")
def document(shared: Idp) -> Document:
    return dict(shared.get("/.well-known/openid-configuration").get_json())


class TestComplete:
    """Nothing is missing, nothing is misspelt."""

    @pytest.mark.parametrize("specification", SPECIFIED)
    def test_what_a_specification_names_is_there(self, document: Document, specification: str) -> None:
        assert set(SPECIFIED[specification].split()) <= document.keys()

    def test_nothing_else_is_there(self, document: Document) -> None:
        assert sorted(document) == sorted(" ".join(SPECIFIED.values()).split())

    def test_no_list_is_empty(self, document: Document) -> None:
        """RFC 8414 §3.2."""
        assert all(value != [] for value in document.values())

    def test_it_is_well_formed(self, document: Document) -> None:
        AuthorizationServerMetadata(document).validate()
        OpenIDProviderMetadata(document).validate()

    def test_both_addresses_say_the_same(self, shared: Idp, document: Document) -> None:
        assert shared.get("/.well-known/oauth-authorization-server").get_json() == document

    @pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
    def test_it_is_json_under_the_name_of_the_issuer(self, shared: Idp, name: str) -> None:
        response = shared.get(f"/.well-known/{name}")
        assert (response.status_code, response.mimetype) == (200, "application/json")
        assert response.get_json()["issuer"] == ISSUER

    def test_it_has_what_every_provider_must_have(self, document: Document) -> None:
        """OpenID Connect Discovery §3, and Core §15.1: RS256, the scope openid, public subjects."""
        assert "RS256" in document["id_token_signing_alg_values_supported"]
        assert "openid" in document["scopes_supported"]
        assert "code" in document["response_types_supported"]


class TestOfThoseWhoAreRegistered:
    """A grant or a proof that no client is registered for does not work, so it is not named."""

    @staticmethod
    def told(idp: Idp, *clients: dict[str, Any]) -> Document:
        idp.register(*clients)
        return dict(idp.get("/.well-known/openid-configuration").get_json())

    def test_without_a_client_that_has_a_certificate_none_is_of_use(self, idp: Idp) -> None:
        """Nor does the listener ask for one."""
        found = self.told(idp, a_client("gateway"))
        for endpoint in ("token", "revocation", "introspection"):
            assert found[f"{endpoint}_endpoint_auth_methods_supported"] == ["client_secret_basic"]
        assert found["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
        assert found["tls_client_certificate_bound_access_tokens"] is False

    def test_what_is_named_works(self, idp: Idp) -> None:
        found = self.told(idp, a_client("gateway"))
        for grant in found["grant_types_supported"]:
            assert TestGrants.ask(idp, grant).status_code == 200
        assert idp.introspect(idp.own_token()["access_token"])["active"]

    def test_with_one_it_is_named_at_once(self, idp: Idp) -> None:
        assert EXCHANGE not in self.told(idp, a_client("gateway"))["grant_types_supported"]
        found = self.told(idp, a_client("gateway"), a_service("orders", "billing"))
        assert EXCHANGE in found["grant_types_supported"]
        assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "tls_client_auth"]
        assert found["tls_client_certificate_bound_access_tokens"] is True

    def test_a_list_that_would_be_empty_is_left_out(self, idp: Idp) -> None:
        """RFC 8414 §3.2."""
        public = {"auth_method": "none", "introspect": False, "grant_types": ["authorization_code"]}
        found = self.told(idp, a_client("cli", **public))
        assert found["token_endpoint_auth_methods_supported"] == ["none"]
        assert "introspection_endpoint_auth_methods_supported" not in found
        assert [] not in found.values()


class TestEndpoints:
    """Each is there, does its work, and there are no others."""

    def test_every_address_is_named_or_nobodys_business(self, shared: Idp, document: Document) -> None:
        named = {value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
        assert all(url.startswith(f"{ISSUER}/") for url in named)
        routed = {rule.rule for rule in shared.app.url_map.iter_rules() if not rule.rule.startswith("/.well-known/")}
        assert {url.removeprefix(ISSUER) for url in named} | OURS_ALONE == routed

    def test_each_of_them_works(self, shared: Idp, document: Document) -> None:
        browser = shared.browser()
        at = {name: url.removeprefix(ISSUER) for name, url in document.items() if name.endswith(("_endpoint", "_uri"))}
        front = shared.request().replace("/authorize", at.pop("authorization_endpoint"))
        moved = shared.log_in(shared.get(front, browser).location, browser, "alice").location
        code = shared.get(moved, browser).location.partition("code=")[2].partition("&")[0]
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code}
        tokens = shared.post(at.pop("token_endpoint"), "gateway", **form).get_json()
        signed_by = header_of(tokens["id_token"])["kid"]
        assert signed_by in {key["kid"] for key in shared.get(at.pop("jwks_uri")).get_json()["keys"]}
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert shared.get(at.pop("userinfo_endpoint"), headers=bearer).get_json()["sub"] == "alice"
        introspect = at.pop("introspection_endpoint")
        assert shared.post(introspect, token=tokens["access_token"]).get_json()["active"]
        assert shared.post(at.pop("revocation_endpoint"), token=tokens["access_token"]).status_code == 200
        assert not shared.post(introspect, token=tokens["access_token"]).get_json()["active"]
        left = shared.get(f"{at.pop('end_session_endpoint')}?id_token_hint={tokens['id_token']}", browser)
        assert left.status_code == 200
        assert at == {}
        assert shared.get(front, browser).location.startswith("/login?")

    @pytest.mark.parametrize("path", ["/register", "/par", "/device_authorization", "/bc-authorize"])
    def test_what_others_have_is_not_here(self, shared: Idp, path: str) -> None:
        assert shared.get(path).status_code == 404
        assert shared.post(path, "gateway").status_code == 404


class TestGrants:
    """`grant_types_supported`."""

    @pytest.mark.parametrize("grant", GRANT_TYPES)
    def test_what_is_named_is_granted_and_nothing_else(self, shared: Idp, document: Document, grant: str) -> None:
        response = self.ask(shared, grant)
        if grant in document["grant_types_supported"]:
            assert response.status_code == 200
        else:
            assert refusal(response) == (400, "unsupported_grant_type")

    @staticmethod
    def ask(idp: Idp, grant: str) -> TestResponse:
        if grant == EXCHANGE:
            return idp.exchange(idp.tokens()["access_token"], "edge", "orders")
        forms: dict[str, Callable[[], dict[str, str]]] = {
            "authorization_code": lambda: {
                "code": idp.authorize().parameters["code"],
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            },
            "refresh_token": lambda: {"refresh_token": idp.tokens()["refresh_token"]},
            "password": lambda: {"username": "alice", "password": "wonderland"},
            f"{TOKEN_TYPE}jwt-bearer": lambda: {"assertion": idp.tokens(client="portal")["access_token"]},
            f"{TOKEN_TYPE}device_code": lambda: {"device_code": idp.authorize().parameters["code"]},
        }
        shown = forms[grant]() if grant in forms else {}
        return idp.post("/token", "gateway", grant_type=grant, **shown)


class TestFrontChannel:
    """What may be asked for at the authorization endpoint, list by list."""

    @pytest.mark.parametrize("value", RESPONSE_TYPES)
    def test_response_types(self, shared: Idp, document: Document, value: str) -> None:
        found = shared.authorize(response_type=value, nonce="n").parameters
        if value in document["response_types_supported"]:
            assert set(found) == {"code", "state", "iss"}
        else:
            assert found["error"] == "unsupported_response_type"

    @pytest.mark.parametrize("value", RESPONSE_MODES)
    def test_response_modes(self, shared: Idp, document: Document, value: str) -> None:
        found = shared.authorize(response_mode=value).parameters
        assert ("code" in found) == (value in document["response_modes_supported"])
        assert found.get("error") == (None if "code" in found else "invalid_request")

    @pytest.mark.parametrize("value", ["S256", "plain", "s256", "S512"])
    def test_code_challenge_methods(self, shared: Idp, document: Document, value: str) -> None:
        challenge = VERIFIER if value == "plain" else CHALLENGE
        found = shared.authorize(code_challenge_method=value, code_challenge=challenge).parameters
        assert ("code" in found) == (value in document["code_challenge_methods_supported"])
        assert found.get("error") == (None if "code" in found else "invalid_request")

    @pytest.mark.parametrize("value", PROMPTS)
    def test_prompts(self, shared: Idp, document: Document, value: str) -> None:
        """A value that is not declared is an invalid request (Initiating User Registration §4.1)."""
        browser = shared.browser()
        shared.authorize(browser=browser)
        answer = shared.authorize("alice", browser, prompt=value)
        named = value in document["prompt_values_supported"]
        assert answer.parameters.get("error") == (None if named else "invalid_request")
        assert ("code" in answer.parameters) == named

    @pytest.mark.parametrize("scope", [*PERSON, *CUSTOMER, "orders:refund", "address", "phone", "orders:read:any"])
    def test_scopes(self, shared: Idp, document: Document, scope: str) -> None:
        found = shared.authorize("carol", scope=f"openid {scope}").parameters
        assert ("code" in found) == (scope in document["scopes_supported"])
        assert found.get("error") == (None if "code" in found else "invalid_scope")

    def test_every_scope_that_is_named_can_be_had(self, shared: Idp, document: Document) -> None:
        tokens = shared.tokens("carol", scope=" ".join(document["scopes_supported"]))
        assert set(tokens["scope"].split()) == set(document["scopes_supported"])

    @pytest.mark.parametrize("name", ["request", "request_uri"])
    def test_request_objects(self, shared: Idp, document: Document, name: str) -> None:
        assert document[f"{name}_parameter_supported"] is False
        wanted: dict[str, Any] = {name: f"{ISSUER}/r"}
        assert shared.authorize(**wanted).parameters["error"] == f"{name}_not_supported"

    def test_the_claims_parameter_asks_in_vain(self, shared: Idp, document: Document) -> None:
        """It is no error (OpenID Connect Core §5.5): the client gets what it would get without."""
        assert document["claims_parameter_supported"] is False
        wanted = '{"userinfo": {"email": {"essential": true}}, "id_token": {"email": null, "acr": null}}'
        tokens = shared.tokens(scope="openid", claims=wanted)
        assert not {"email", "acr"} & claims_of(tokens["id_token"]).keys()
        assert shared.userinfo(tokens["access_token"]).get_json() == {"sub": "alice"}

    @pytest.mark.parametrize(
        "extra",
        [
            {"acr_values": "1 2"},
            {"login_hint": "bob"},
            {"claims_locales": "se"},
            {"extra": "foobar"},
            *({"display": value} for value in ("page", "popup", "touch", "wap")),
            *({"ui_locales": value} for value in ("en", "de", "se fr")),
        ],
        ids=str,
    )
    def test_what_may_be_ignored_is_no_error(self, shared: Idp, extra: dict[str, Any]) -> None:
        """OpenID Connect Core §3.1.2.1, §15.1: these ask for nothing that must be refused; unknown ones are ignored."""
        assert "code" in shared.authorize(**extra).parameters

    def test_every_answer_names_the_issuer(self, shared: Idp, document: Document) -> None:
        assert document["authorization_response_iss_parameter_supported"] is True
        for answer in (shared.authorize(), shared.authorize(scope="nothing")):
            assert answer.parameters["iss"] == document["issuer"]

    def test_pages_are_in_the_language_and_form_that_are_named(self, shared: Idp, document: Document) -> None:
        assert (document["ui_locales_supported"], document["display_values_supported"]) == (["en"], ["page"])
        page = shared.get(shared.get(shared.request()).location)
        assert '<html lang="en">' in page.text


class TestWithoutValue:
    """A parameter without a value is as good as left out (RFC 6749 §3.1, §3.2)."""

    OPTIONAL = "prompt max_age response_mode nonce request request_uri id_token_hint resource ui_locales"

    def test_what_is_optional_may_be_empty(self, shared: Idp) -> None:
        empty: dict[str, Any] = dict.fromkeys(self.OPTIONAL.split(), "")
        found = shared.authorize(**empty, state="").parameters
        assert set(found) == {"code", "iss"}
        answer = shared.redeem(found["code"], client_id="", scope="", resource="", client_secret="")
        assert "nonce" not in claims_of(answer.get_json()["id_token"])

    @pytest.mark.parametrize("name", ["response_type", "code_challenge", "code_challenge_method"])
    def test_what_a_code_needs_is_missing(self, shared: Idp, name: str) -> None:
        wanted: dict[str, Any] = {name: ""}
        assert shared.authorize(**wanted).parameters["error"] == "invalid_request"

    @pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
    def test_what_a_client_has_to_say_is_missing(self, shared: Idp, path: str) -> None:
        assert refusal(shared.post(path, grant_type="", token="")) == (400, "invalid_request")

    def test_beside_another_of_its_name_it_counts(self, shared: Idp) -> None:
        """Or it would hide that a parameter comes twice."""
        assert shared.authorize(prompt=["login", ""]).parameters["error"] == "invalid_request"
        assert shared.authorize(resource=["spiffe://shop.test/gateway", ""]).parameters["error"] == "invalid_target"

    def test_an_empty_redirect_uri_leads_nowhere(self, shared: Idp) -> None:
        assert shared.authorize(redirect_uri="").status == 400


class TestClientAuthentication:
    """`…_endpoint_auth_methods_supported`, at each of the three."""

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
    def test_what_is_named_is_accepted_and_nothing_else(
        self, shared: Idp, document: Document, endpoint: str, method: str
    ) -> None:
        path = document[f"{endpoint}_endpoint"].removeprefix(ISSUER)
        form = {"token": "x"}
        if endpoint == "token":
            form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": NATIVE, "code_verifier": VERIFIER}
        more, headers, connection = self.prove(shared, method)
        response = shared.browser().post(
            path, base_url=ISSUER, data=form | more, headers=headers, environ_overrides=connection
        )
        if method not in document[f"{endpoint}_endpoint_auth_methods_supported"]:
            assert refusal(response) == (401, "invalid_client")
        elif endpoint == "token":  # whoever it is has been believed; the code is wrong, or not for a service
            assert refusal(response) in [(400, "invalid_grant"), (400, "unauthorized_client")]
        else:
            assert response.status_code == 200

    @staticmethod
    def prove(idp: Idp, method: str) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """Form, headers and connection of a client that proves itself by this method."""
        about = {"iss": "gateway", "sub": "gateway", "aud": ISSUER, "exp": int(idp.clock()) + 60, "jti": "1"}
        by_jwt = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}

        def asserted(key: Any, algorithm: str) -> dict[str, str]:
            return by_jwt | {"client_id": "gateway", "client_assertion": pyjwt.encode(about, key, algorithm)}

        made: dict[str, Callable[[], tuple[dict[str, str], dict[str, str], dict[str, Any]]]] = {
            "none": lambda: ({"client_id": "cli"}, {}, {}),
            "client_secret_basic": lambda: ({}, basic("gateway"), {}),
            "client_secret_post": lambda: ({"client_id": "gateway", "client_secret": secret_of("gateway")}, {}, {}),
            "client_secret_jwt": lambda: (asserted(secret_of("gateway").ljust(32, "."), "HS256"), {}, {}),
            "private_key_jwt": lambda: (asserted(ec.generate_private_key(ec.SECP256R1()), "ES256"), {}, {}),
            "tls_client_auth": lambda: ({"client_id": "orders"}, {}, idp.connection_of("orders")),
            # a certificate of one's own making never gets through the handshake: the request is one without
            "self_signed_tls_client_auth": lambda: ({"client_id": "orders"}, {}, {}),
        }
        return made[method]()

    def test_a_token_is_bound_to_the_certificate(self, shared: Idp, document: Document) -> None:
        assert document["tls_client_certificate_bound_access_tokens"] is True
        assert claims_of(shared.own_token("orders")["access_token"])["cnf"]["x5t#S256"]

    def test_a_certificate_is_asked_for_as_soon_as_a_client_is_registered_for_one(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served: dict[str, Any] = {}
        monkeypatch.setattr(server, "serve", lambda _, **arguments: served.update(arguments))
        idp.register(a_client("gateway"))
        serve.serve(idp.settings)
        assert served["tls"]().verify_mode.name == "CERT_NONE"
        idp.register(a_client("gateway"), a_service("orders"))
        assert served["tls"]().verify_mode.name == "CERT_OPTIONAL"


class TestSigning:
    """`id_token_signing_alg_values_supported`, and the keys that are published."""

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_what_is_named_is_signed_with(self, shared: Idp, document: Document, algorithm: str) -> None:
        assert algorithm in document["id_token_signing_alg_values_supported"]
        client = {"ES256": "gateway", "RS256": "portal"}[algorithm]
        token = shared.tokens(client=client)["id_token"]
        keys = pyjwt.PyJWKSet.from_dict(shared.get("/jwks").get_json())
        options: Any = {"verify_exp": False, "verify_iat": False}  # the clock of the workbench is its own
        key = keys[header_of(token)["kid"]]
        assert pyjwt.decode(token, key, [algorithm], audience=client, issuer=ISSUER, options=options)["sub"] == "alice"

    @pytest.mark.parametrize("algorithm", OTHER_ALGORITHMS)
    def test_nothing_else_can_be_registered(self, document: Document, algorithm: str) -> None:
        assert algorithm not in document["id_token_signing_alg_values_supported"]
        with pytest.raises(ValidationError, match="signing_alg"):
            Client.model_validate_json(json.dumps(a_client("web", signing_alg=algorithm)))

    def test_a_key_is_published_for_each_and_for_nothing_else(self, shared: Idp, document: Document) -> None:
        published = [key["alg"] for key in shared.get("/jwks").get_json()["keys"]]
        assert sorted(published) == sorted(document["id_token_signing_alg_values_supported"])


class TestClaims:
    """`claims_supported`, `claim_types_supported`, `subject_types_supported`."""

    def test_each_that_is_named_can_be_had_and_no_other(self, shared: Idp, document: Document) -> None:
        tokens = shared.tokens(scope="openid profile email", nonce="n")
        had = claims_of(tokens["id_token"]).keys() | shared.userinfo(tokens["access_token"]).get_json().keys()
        assert had == set(document["claims_supported"])

    def test_they_are_simply_there(self, shared: Idp, document: Document) -> None:
        """Normal claims (OpenID Connect Core §5.6): neither aggregated nor distributed."""
        assert document["claim_types_supported"] == ["normal"]
        found = shared.userinfo(shared.tokens()["access_token"]).get_json()
        assert not {"_claim_names", "_claim_sources"} & found.keys()

    def test_a_person_has_one_name_for_all_clients(self, shared: Idp, document: Document) -> None:
        assert document["subject_types_supported"] == ["public"]
        tokens = [shared.tokens(client=client) for client in ("gateway", "portal", "cli")]
        assert {claims_of(each["id_token"])["sub"] for each in tokens} == {"alice"}
