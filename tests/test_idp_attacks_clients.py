"""What is tried as a client: under false colours, with odd requests, for other grants and for what is not one's own."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, ClassVar

import pytest

from tests.idp_support import (
    ACCESS_TOKEN,
    CALLBACK,
    EXCHANGE,
    ISSUER,
    VERIFIER,
    Idp,
    basic,
    claims_of,
    refusal,
    secret_of,
)

pytest_plugins = ("tests.idp_fixtures",)

INVALID_REQUEST = (400, "invalid_request")
INVALID_GRANT = (400, "invalid_grant")
INVALID_CLIENT = (401, "invalid_client")
FORM = "application/x-www-form-urlencoded"
SECRET = secret_of("gateway")
CLIENT_ENDPOINTS = ("/token", "/introspect", "/revoke")


@pytest.fixture(scope="module")
def idp(shared: Idp) -> Idp:
    """One for all: whoever attacks here spoils nothing but what was issued for the purpose."""
    return shared


def encoded(pair: str) -> dict[str, str]:
    """Basic credentials that say just this."""
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class TestFalseColours:
    """OAS-12: a client proves itself in one way, and that is the one it is registered for (RFC 6749 §2.3, §5.2)."""

    ASSERTION: ClassVar = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "e30.e30.",
    }
    SHOWN: ClassVar[dict[str, tuple[dict[str, str] | list[tuple[str, str]], dict[str, str], str]]] = {
        # what stands in the header, in the form, in the query
        "nothing at all": ({}, {}, ""),
        "only a name": ({}, {"client_id": "gateway"}, ""),
        "only a name, in the query": ({}, {}, "client_id=gateway"),
        "an empty name": ({}, {"client_id": ""}, ""),
        "somebody who is not there": (basic("nobody", SECRET), {}, ""),
        "a wrong secret": (basic("gateway", "wrong"), {}, ""),
        "an empty secret": (basic("gateway", ""), {}, ""),
        "another client's secret": (basic("gateway", secret_of("portal")), {}, ""),
        "the secret in capitals": (basic("gateway", SECRET.upper()), {}, ""),
        "the secret and a space": (basic("gateway", SECRET + " "), {}, ""),
        "the secret and a zero": (basic("gateway", SECRET + "\0"), {}, ""),
        "the secret and an encoded zero": (basic("gateway", SECRET + "%00"), {}, ""),
        "the secret, cut": (basic("gateway", SECRET[:-1]), {}, ""),
        "what is stored of the secret": (basic("gateway", hashlib.sha256(SECRET.encode()).hexdigest()), {}, ""),
        "the name in capitals": (encoded(f"GATEWAY:{SECRET}"), {}, ""),
        "the name and a space": (encoded(f"gateway :{SECRET}"), {}, ""),
        "the name and an encoded zero": (encoded(f"gateway%00:{SECRET}"), {}, ""),
        "two names": (encoded(f"gateway:portal:{SECRET}"), {}, ""),
        "a secret without a name": (encoded(f":{SECRET}"), {}, ""),
        "a secret without a name, and the name in the form": (encoded(f":{SECRET}"), {"client_id": "gateway"}, ""),
        "no colon": (encoded("gateway"), {}, ""),
        "another name in the form": (basic("gateway"), {"client_id": "portal"}, ""),
        "the secret in the form": ({}, {"client_id": "gateway", "client_secret": SECRET}, ""),
        "the secret in the query": ({}, {}, f"client_id=gateway&client_secret={SECRET}"),
        "the secret in header and form": (basic("gateway"), {"client_secret": SECRET}, ""),
        "the secret in header and query": (basic("gateway"), {}, f"client_secret={SECRET}"),
        "a wrong one in the header, the right one in the form": (
            basic("gateway", "wrong"),
            {"client_id": "gateway", "client_secret": SECRET},
            "",
        ),
        "an assertion": ({}, {"client_id": "gateway", **ASSERTION}, ""),
        "the secret and an assertion": (basic("gateway"), ASSERTION, ""),
        "two headers": ([*basic("gateway").items()] * 2, {}, ""),
        "two headers of two clients": ([*basic("gateway").items(), *basic("portal").items()], {}, ""),
        "the secret as a bearer": ({"Authorization": f"Bearer {SECRET}"}, {"client_id": "gateway"}, ""),
        "the pair under another scheme": (
            {"Authorization": basic("gateway")["Authorization"].replace("Basic", "Digest")},
            {},
            "",
        ),
        "the pair, not encoded": ({"Authorization": f"Basic gateway:{SECRET}"}, {}, ""),
        "the pair, encoded beyond ASCII": ({"Authorization": "Basic \xe9"}, {}, ""),
        "the pair, encoded twice": (encoded(basic("gateway")["Authorization"].partition(" ")[2]), {}, ""),
        "the pair at a proxy": ({"Proxy-Authorization": basic("gateway")["Authorization"]}, {}, ""),
        "a certificate's name in a header": (
            {"X-SSL-Client-S-DN": "CN=orders", "X-Client-Cert": "spiffe://shop.test/orders"},
            {"client_id": "orders"},
            "",
        ),
        "a forwarded certificate": (
            {"X-Forwarded-Client-Cert": "URI=spiffe://shop.test/orders", "X-SSL-Client-Verify": "SUCCESS"},
            {"client_id": "orders"},
            "",
        ),
        "a secret where a certificate is due": (basic("orders", ""), {}, ""),
        "a secret for a public client": (basic("cli", ""), {}, ""),
    }

    def ask(self, idp: Idp, path: str, shown: str, form: dict[str, str], **arguments: Any) -> Any:
        headers, more, query = self.SHOWN[shown]
        return idp.browser().post(
            f"{path}?{query}", base_url=ISSUER, headers=headers, data={**form, **more}, **arguments
        )

    @pytest.mark.parametrize("path", CLIENT_ENDPOINTS)
    @pytest.mark.parametrize("shown", SHOWN)
    def test_that_proves_no_client(self, idp: Idp, path: str, shown: str) -> None:
        answer = self.ask(idp, path, shown, {"grant_type": "client_credentials", "token": "x"})
        assert refusal(answer) == INVALID_CLIENT
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="idp", charset="UTF-8"'
        assert answer.get_json() == {"error": "invalid_client", "error_description": "Client authentication failed."}

    def test_none_of_it_opens_or_spoils_a_stolen_code(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": CALLBACK}
        for shown in self.SHOWN:
            assert refusal(self.ask(idp, "/token", shown, form)) == INVALID_CLIENT, shown
        assert idp.redeem(code).status_code == 200

    @pytest.mark.parametrize("name", ["gateway", "portal", "cli", "inventory"])
    def test_a_certificate_proves_nobody_but_whom_it_names(self, idp: Idp, name: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": name}
        environ = idp.connection_of("orders")
        answer = idp.browser().post("/token", base_url=ISSUER, data=form, environ_overrides=environ)
        assert refusal(answer) == INVALID_CLIENT

    def test_a_persons_session_proves_no_client(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        form = {"grant_type": "client_credentials", "client_id": "gateway"}
        assert refusal(browser.post("/token", base_url=ISSUER, data=form)) == INVALID_CLIENT

    @pytest.mark.parametrize("client", ["gateway", "portal", "orders"])
    def test_the_right_proof_is_taken(self, idp: Idp, client: str) -> None:
        assert idp.own_token(client)["access_token"]


class TestOddRequests:
    """OAS-13: a token request is a POST of one form, and nothing else is one (RFC 6749 §3.2)."""

    BODY = "grant_type=client_credentials&scope=items%3Aread&token=x"

    @pytest.mark.parametrize("path", CLIENT_ENDPOINTS)
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
    def test_no_other_method_is_answered(self, idp: Idp, path: str, method: str) -> None:
        arguments: dict[str, Any] = {"headers": basic("gateway") | {"X-HTTP-Method-Override": "POST"}}
        answer = idp.browser().open(f"{path}?{self.BODY}&_method=POST", method=method, base_url=ISSUER, **arguments)
        assert answer.status_code == 405
        assert "access_token" not in answer.text

    BODIES: ClassVar[dict[str, tuple[str, str | None]]] = {
        "JSON": ('{"grant_type": "client_credentials", "token": "x"}', "application/json"),
        "JSON said to be something else": ('{"grant_type": "client_credentials"}', "application/vnd.api+json"),
        "a form said to be JSON": (BODY, "application/json"),
        "a form said to be text": (BODY, "text/plain"),
        "a form said to be nothing": (BODY, None),
        "a form said to be two things": (BODY, f"application/json, {FORM}"),
        "a form of many parts": (
            '--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        "XML": ("<grant_type>client_credentials</grant_type>", "application/xml"),
    }

    @pytest.mark.parametrize("path", CLIENT_ENDPOINTS)
    @pytest.mark.parametrize("body", BODIES)
    def test_no_other_media_type_is_read(self, idp: Idp, path: str, body: str) -> None:
        data, media_type = self.BODIES[body]
        headers = basic("gateway")
        answer = idp.browser().post(path, base_url=ISSUER, headers=headers, data=data, content_type=media_type)
        assert (answer.status_code, answer.get_json()["error"]) == (415, "invalid_request")

    SPELLINGS: ClassVar[dict[str, str]] = {
        "in the query": "",
        "with semicolons": "grant_type=client_credentials;scope=admin",
        "as JSON in a form": '{"grant_type":"client_credentials"}',
        "in capitals": "GRANT_TYPE=client_credentials",
        "in an array": "grant_type[]=client_credentials",
        "with a space": "grant_type =client_credentials",
        "encoded twice": "grant%255Ftype=client_credentials",
        "with a byte order mark": "\ufeffgrant_type=client_credentials",
        "with a zero": "grant_type=client_credentials%00",
    }

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_a_grant_type_is_found_in_no_other_spelling(self, idp: Idp, spelling: str) -> None:
        path = "/token" if spelling != "in the query" else f"/token?{self.BODY}"
        data = self.SPELLINGS[spelling].encode()
        answer = idp.browser().post(path, base_url=ISSUER, headers=basic("gateway"), data=data, content_type=FORM)
        assert answer.status_code == 400
        assert answer.get_json()["error"] in {"invalid_request", "unsupported_grant_type"}


class TestParametersThatComeTwice:
    """OAS-06 at the endpoints for clients: two readers of one request must not see two (RFC 6749 §3.2, ASVS 15.3.7)."""

    FORMS: ClassVar[dict[str, tuple[str, str, dict[str, str]]]] = {
        "a code": (
            "/token",
            "gateway",
            {
                "grant_type": "authorization_code",
                "code": "",
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
                "client_id": "gateway",
            },
        ),
        "a refresh": (
            "/token",
            "gateway",
            {"grant_type": "refresh_token", "refresh_token": "", "scope": "items:read"},
        ),
        "client credentials": ("/token", "gateway", {"grant_type": "client_credentials", "scope": "items:read"}),
        "an exchange": (
            "/token",
            "edge",
            {
                "grant_type": EXCHANGE,
                "subject_token": "",
                "subject_token_type": ACCESS_TOKEN,
                "requested_token_type": ACCESS_TOKEN,
                "scope": "items:read",
                "client_id": "edge",
            },
        ),
        "an introspection": ("/introspect", "gateway", {"token": "x", "token_type_hint": "access_token"}),
        "a revocation": ("/revoke", "gateway", {"token": "x", "token_type_hint": "access_token"}),
    }
    CASES: ClassVar = [(form, name) for form, (_, _, fields) in FORMS.items() for name in [*fields, "unknown"]]

    @pytest.mark.parametrize("second", ["the same", "another"])
    @pytest.mark.parametrize(("form", "name"), CASES)
    def test_are_refused(self, idp: Idp, form: str, name: str, second: str) -> None:
        path, client, fields = self.FORMS[form]
        value = fields.get(name, "x")
        twice = {name: [value, value if second == "the same" else f"{value}x"]}
        answer = idp.post(path, client, **{**fields, **twice})
        assert refusal(answer) == INVALID_REQUEST

    def test_a_code_and_a_refresh_token_survive_it(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        assert refusal(idp.redeem(code, code_verifier=[VERIFIER, VERIFIER])) == INVALID_REQUEST
        tokens = idp.redeem(code).get_json()
        assert refusal(idp.refresh(tokens["refresh_token"], scope=["openid", "openid"])) == INVALID_REQUEST
        assert idp.refresh(tokens["refresh_token"]).status_code == 200

    @pytest.mark.parametrize("query", ["scope=orders:refund", "client_id=portal", "grant_type=password", "audience=x"])
    def test_what_stands_in_the_query_as_well_changes_nothing(self, idp: Idp, query: str) -> None:
        form = {"grant_type": "client_credentials", "scope": "items:read"}
        answer = idp.post(f"/token?{query}", "portal", **form).get_json()
        assert claims_of(answer["access_token"])["scope"] == "items:read"
        assert claims_of(answer["access_token"])["client_id"] == "portal"
        assert claims_of(answer["access_token"])["aud"] == ["gateway"]


class TestOtherGrants:
    """OAS-14: no password of a person's and no token by redirect is taken or given (RFC 9700 §2.1.2, §2.4)."""

    GRANTS = (
        *("password", "implicit", "token", "none", " ", "authorization_code ", "AUTHORIZATION_CODE", "code"),
        *("authorization_code,refresh_token", "client_credentials ", "Client_Credentials", "urn:ietf:params:oauth"),
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange ",
        "urn:openid:params:grant-type:ciba",
        "http://auth0.com/oauth/grant-type/password-realm",
        *('"', "é", "<script>", "x" * 10_000),
    )

    @pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant[:60])
    def test_are_not_offered(self, idp: Idp, grant: str) -> None:
        form = {"username": "alice", "password": "wonderland", "scope": "items:read", "assertion": "e30.e30."}
        answer = idp.post("/token", "gateway", grant_type=grant, **form)
        assert refusal(answer) == (400, "unsupported_grant_type")
        assert "<script>" not in answer.text

    @pytest.mark.parametrize(
        ("client", "grant", "error"),
        [
            ("cli", "client_credentials", INVALID_CLIENT),
            ("cli", EXCHANGE, INVALID_CLIENT),
            ("gateway", EXCHANGE, (400, "unauthorized_client")),
            ("orders", "authorization_code", (400, "unauthorized_client")),
            ("orders", "refresh_token", (400, "unauthorized_client")),
        ],
    )
    def test_nor_is_one_that_the_client_is_not_registered_for(
        self, idp: Idp, client: str, grant: str, error: tuple[int, str]
    ) -> None:
        tokens = idp.tokens()
        form = {"code": "x" * 43, "code_verifier": VERIFIER, "refresh_token": tokens["refresh_token"]}
        form |= {"subject_token": tokens["access_token"], "subject_token_type": ACCESS_TOKEN, "audience": "orders"}
        assert refusal(idp.post("/token", client, grant_type=grant, **form)) == error

    def test_the_metadata_offers_none_of_them(self, idp: Idp) -> None:
        offered = set(idp.get("/.well-known/openid-configuration").get_json()["grant_types_supported"])
        assert not offered & set(self.GRANTS)


class TestMoreThanOnesOwn:
    """OAS-18: scopes that a client was not registered with (RFC 6749 §3.3, §4.4, ASVS 10.4.11)."""

    SCOPES: ClassVar[dict[str, str]] = {
        "one more": "items:read admin",
        "only that": "admin",
        "of another client": "orders:read:any",
        "a star": "*",
        "a prefix": "orders",
        "an ending": "orders:read:any:more",
        "in capitals": "ITEMS:READ",
        "with commas": "items:read,orders:read",
        "with a plus": "items:read+orders:read",
        "with two spaces": "items:read  orders:read",
        "a space before": " items:read",
        "a space behind": "items:read ",
        "with a no-break space": "items:read\u00a0orders:read",
        "with a quotation mark": 'items:read"',
        "with a backslash": "items:read\\",
        "with a look-alike": "it\u0435ms:read",
        "very long": "items:read " * 3000 + "admin",
    }

    @pytest.mark.parametrize("scope", SCOPES)
    def test_a_client_gets_none_for_itself(self, idp: Idp, scope: str) -> None:
        answer = idp.post("/token", "gateway", grant_type="client_credentials", scope=self.SCOPES[scope])
        assert refusal(answer) == (400, "invalid_scope")

    @pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != "very long"])
    def test_nor_a_code_for_them(self, idp: Idp, scope: str) -> None:
        answer = idp.authorize(None, scope=self.SCOPES[scope])
        assert answer.parameters["error"] == "invalid_scope"
        assert "code" not in answer.parameters

    def test_a_person_gives_a_client_no_more_than_they_have(self, idp: Idp) -> None:
        tokens = idp.tokens("alice", scope="items:read orders:refund")
        assert tokens["scope"] == idp.introspect(tokens["access_token"])["scope"] == "items:read"
