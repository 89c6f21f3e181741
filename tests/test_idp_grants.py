"""The grants: from a request to a token, one class for each specification."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from idp import store as tables
from idp.code import CodeGrant
from idp.door import FORM
from tests.idp_support import (
    ACCESS_TOKEN,
    CALLBACK,
    EXCHANGE,
    ISSUER,
    NATIVE,
    VERIFIER,
    Idp,
    Shown,
    a_client,
    basic,
    claims_of,
    header_of,
    refusal,
    secret_of,
)

pytest_plugins = ("tests.idp_fixtures",)

INVALID_GRANT = (400, "invalid_grant")
INVALID_CLIENT = (401, "invalid_client")
INVALID_REQUEST = (400, "invalid_request")


class TestAuthorizationCode:
    """RFC 6749 §4.1, with RFC 9700 §2.1 and §4.5."""

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    def test_a_code_is_redeemed_for_tokens(self, idp: Idp, client: str) -> None:
        response = idp.redeem(idp.authorize(client=client).parameters["code"], client)
        answer = response.get_json()
        assert response.status_code == 200
        assert set(answer) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 300)
        assert response.headers["Cache-Control"] == "no-store"

    def test_a_code_works_once(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        assert idp.redeem(code).status_code == 200
        assert refusal(idp.redeem(code)) == INVALID_GRANT

    def test_a_replayed_code_takes_back_all_that_came_of_it(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        first = idp.redeem(code).get_json()
        second = idp.refresh(first["refresh_token"]).get_json()
        idp.redeem(code)
        assert not idp.introspect(first["access_token"])["active"]
        assert not idp.introspect(second["access_token"])["active"]
        assert refusal(idp.refresh(second["refresh_token"])) == INVALID_GRANT

    def test_a_replay_is_noticed_after_the_code_would_have_expired(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        tokens = idp.redeem(code).get_json()
        idp.clock.advance(120)
        idp.redeem(code)
        assert not idp.introspect(tokens["access_token"])["active"]

    def test_a_race_for_a_code_has_no_spoils(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        """The check before the step is passed by both, as two workers would; the step itself decides."""
        code = idp.authorize().parameters["code"]
        look_up = CodeGrant._look_up
        seen = []

        def both_look_first(grant: CodeGrant, digest: str) -> Any:
            found = look_up(grant, digest)
            seen.append(found)
            if len(seen) == 1:
                racer.append(idp.redeem(code))
            return found

        racer: list[Any] = []
        monkeypatch.setattr(CodeGrant, "_look_up", both_look_first)
        loser = idp.redeem(code)
        assert racer[0].status_code == 200
        assert refusal(loser) == INVALID_GRANT
        assert not idp.introspect(racer[0].get_json()["access_token"])["active"]

    def test_a_code_expires_after_a_minute(self, idp: Idp) -> None:
        early, late = idp.authorize().parameters["code"], idp.authorize().parameters["code"]
        idp.clock.advance(59)
        assert idp.redeem(early).status_code == 200
        idp.clock.advance(1)
        assert refusal(idp.redeem(late)) == INVALID_GRANT

    def test_a_code_is_bound_to_its_client(self, idp: Idp) -> None:
        code = idp.authorize(client="gateway").parameters["code"]
        assert refusal(idp.redeem(code, "portal")) == INVALID_GRANT
        assert idp.redeem(code, "gateway").status_code == 200

    @pytest.mark.parametrize("redirect_uri", ["https://localhost:8443/", "https://localhost:8443/callback/", None])
    def test_a_code_is_bound_to_its_redirect_uri(self, idp: Idp, redirect_uri: str | None) -> None:
        code = idp.authorize().parameters["code"]
        assert refusal(idp.redeem(code, redirect_uri=redirect_uri)) == INVALID_GRANT

    @pytest.mark.parametrize("code", ["", "x" * 43, "none\x7f"])
    def test_an_invented_code_is_refused(self, idp: Idp, code: str) -> None:
        assert idp.redeem(code).status_code == 400

    def test_a_missing_code_is_an_invalid_request(self, idp: Idp) -> None:
        assert refusal(idp.redeem(None)) == INVALID_REQUEST

    def test_a_code_from_before_the_logout_is_refused(self, idp: Idp) -> None:
        browser = idp.browser()
        first = idp.redeem(idp.authorize(browser=browser).parameters["code"]).get_json()
        code = idp.authorize(None, browser).parameters["code"]
        idp.get(f"/logout?id_token_hint={first['id_token']}", browser)
        assert refusal(idp.redeem(code)) == INVALID_GRANT

    def test_a_code_of_a_person_disabled_meanwhile_is_refused(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        idp.users.disable("alice")
        assert refusal(idp.redeem(code)) == INVALID_GRANT

    def test_a_code_from_before_a_new_password_is_refused(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        idp.users.set_password("alice", "looking-glass")
        assert refusal(idp.redeem(code)) == INVALID_GRANT

    def test_a_client_that_is_not_registered_for_the_grant_is_refused(self, idp: Idp) -> None:
        assert refusal(idp.redeem("x" * 43, "orders")) == (400, "unauthorized_client")

    def test_no_secret_is_stored_as_it_is(self, idp: Idp) -> None:
        answer = idp.authorize()
        tokens = idp.redeem(answer.parameters["code"]).get_json()
        files = list((idp.directory / "idp/data").glob("idp.db*"))
        stored = b"".join(path.read_bytes() for path in files)
        for secret in (answer.parameters["code"], tokens["access_token"], tokens["refresh_token"], VERIFIER):
            assert secret.encode() not in stored

    def test_the_scope_is_narrowed_to_what_the_person_has(self, idp: Idp) -> None:
        tokens = idp.tokens("alice", scope="openid orders:read orders:refund")
        assert tokens["scope"] == "openid orders:read"
        assert idp.tokens("carol", scope="openid orders:refund")["scope"] == "openid orders:refund"

    def test_a_scope_taken_from_the_client_meanwhile_is_gone(self, idp: Idp) -> None:
        code = idp.authorize(scope="openid items:read orders:read").parameters["code"]
        idp.reregister("gateway", scopes=["items:read"])
        answer = idp.redeem(code).get_json()
        assert answer["scope"] == idp.introspect(answer["access_token"])["scope"] == "items:read"
        assert "id_token" not in answer

    def test_a_code_is_not_used_up_by_a_client_that_has_no_scope_left(self, idp: Idp) -> None:
        code = idp.authorize(scope="openid orders:read").parameters["code"]
        idp.reregister("gateway", scopes=["items:read"])
        assert refusal(idp.redeem(code)) == (400, "invalid_scope")
        idp.reregister("gateway")
        assert idp.redeem(code).status_code == 200


class TestProofKey:
    """RFC 7636: S256 for every client."""

    @pytest.fixture
    def idp(self, shared: Idp) -> Idp:
        return shared

    @pytest.mark.parametrize("client", ["gateway", "cli"])
    @pytest.mark.parametrize(
        "changes",
        [
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge": None},
            {"code_challenge": ""},
            {"code_challenge_method": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": "s256"},
            {"code_challenge_method": "S512"},
            {"code_challenge": "a" * 42},
            {"code_challenge": "a" * 44},
            {"code_challenge": "a" * 42 + "="},
            {"code_challenge": "a" * 42 + "+"},
        ],
        ids=str,
    )
    def test_no_code_without_a_proper_challenge(self, idp: Idp, client: str, changes: dict[str, Any]) -> None:
        answer = idp.authorize(client=client, **changes)
        assert answer.parameters["error"] == "invalid_request"
        assert "code" not in answer.parameters

    @pytest.mark.parametrize("client", ["gateway", "cli"])
    @pytest.mark.parametrize(
        "verifier",
        [None, "", "w" * 43, VERIFIER + "v", VERIFIER[:-1], "v" * 129, VERIFIER[:-1] + "+", VERIFIER[:-1] + "é"],
        ids=str,
    )
    def test_no_token_without_the_verifier(self, idp: Idp, client: str, verifier: str | None) -> None:
        code = idp.authorize(client=client).parameters["code"]
        assert refusal(idp.redeem(code, client, code_verifier=verifier)) == INVALID_GRANT

    @pytest.mark.parametrize("length", [43, 128])
    def test_a_verifier_of_43_to_128_characters_is_taken(self, idp: Idp, length: int) -> None:
        verifier = "-._~" + "a" * (length - 4)
        code = idp.authorize(code_challenge=create_s256_code_challenge(verifier)).parameters["code"]
        assert idp.redeem(code, code_verifier=verifier).status_code == 200

    @pytest.mark.parametrize("length", [42, 129])
    def test_a_verifier_of_another_length_is_refused_though_its_hash_fits(self, idp: Idp, length: int) -> None:
        code = idp.authorize(code_challenge=create_s256_code_challenge("a" * length)).parameters["code"]
        assert refusal(idp.redeem(code, code_verifier="a" * length)) == INVALID_GRANT

    def test_a_wrong_verifier_does_not_use_up_the_code(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        idp.redeem(code, code_verifier="w" * 43)
        assert idp.redeem(code).status_code == 200


class TestClientAuthentication:
    """RFC 6749 §2.3: exactly one method, the registered one."""

    @pytest.fixture
    def idp(self, shared: Idp) -> Idp:
        return shared

    FORM: ClassVar = {"grant_type": "client_credentials", "scope": "items:read"}

    def ask(
        self, idp: Idp, headers: dict[str, str] | None = None, path: str = "/token", **form: str
    ) -> tuple[int, str]:
        response = idp.browser().post(path, base_url=ISSUER, headers=headers, data={**self.FORM, **form})
        if response.status_code == 401:
            assert response.headers["WWW-Authenticate"].startswith("Basic realm=")
        return (200, "") if response.status_code == 200 else refusal(response)

    def test_the_right_secret_is_accepted(self, idp: Idp) -> None:
        assert self.ask(idp, basic("gateway")) == (200, "")

    def test_the_secret_may_be_form_encoded(self, idp: Idp) -> None:
        assert self.ask(idp, basic("gateway", secret_of("gateway").replace("-", "%2D"))) == (200, "")

    def test_a_confidential_client_cannot_come_without_a_secret(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        response = idp.redeem(code, None, client_id="gateway")
        assert refusal(response) == INVALID_CLIENT

    def test_a_public_client_cannot_come_with_a_secret(self, idp: Idp) -> None:
        code = idp.authorize(client="cli").parameters["code"]
        assert refusal(idp.redeem(code, "cli", client_secret="x")) == INVALID_CLIENT

    def test_a_client_registered_for_a_certificate_cannot_come_with_a_secret(self, idp: Idp) -> None:
        assert self.ask(idp, basic("orders")) == INVALID_CLIENT

    def test_a_rotated_secret_counts_without_a_restart(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with Idp(tmp_path_factory) as idp:
            assert self.ask(idp, basic("gateway")) == (200, "")
            idp.register(a_client("gateway", secret_sha256="0" * 64))
            assert self.ask(idp, basic("gateway")) == INVALID_CLIENT

    def test_two_secrets_count_while_one_takes_the_others_place(
        self, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """So whoever shows the old one meanwhile is served; and the line says who still does."""
        old, new = (hashlib.sha256(secret.encode()).hexdigest() for secret in (secret_of("gateway"), "the-next"))
        with Idp(tmp_path_factory) as idp:
            for digests, served in (([new, old], [True, True]), ([new], [True, False]), (new, [True, False])):
                idp.register(a_client("gateway", secret_sha256=digests))
                asked = [self.ask(idp, basic("gateway", secret)) for secret in ("the-next", secret_of("gateway"))]
                assert asked == [(200, "") if each else INVALID_CLIENT for each in served]
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line.get("checked") for line in lines] == [
            "the newer of the client's two secrets",
            "the older of the client's two secrets",
            *[None] * 4,
        ]

    def test_the_answer_does_not_tell_why(self, idp: Idp) -> None:
        bodies = set()
        for headers in ({}, basic("nobody", "x"), basic("gateway", "wrong"), basic("orders")):
            bodies.add(idp.browser().post("/token", base_url=ISSUER, headers=headers, data=self.FORM).text)
        assert len(bodies) == 1


class TestTokenEndpoint:
    """RFC 6749 §3.2: a POST, a form, each parameter once, nothing in the query."""

    @pytest.fixture
    def idp(self, shared: Idp) -> Idp:
        return shared

    @pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
    def test_only_post_is_allowed(self, idp: Idp, path: str) -> None:
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            response = idp.browser().open(path, method=method, base_url=ISSUER)
            assert response.status_code == 405
            assert "POST" in response.headers["Allow"]

    def test_parameters_in_the_query_do_not_count(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        assert refusal(idp.post("/token?grant_type=client_credentials", "gateway", scope="x")) == INVALID_REQUEST
        own = idp.post("/token?scope=items:read", "gateway", grant_type="client_credentials").get_json()
        assert own["scope"] != "items:read"
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        assert refusal(idp.post(f"/token?code={code}", "gateway", **form)) == INVALID_REQUEST

    def test_a_control_character_is_refused(self, idp: Idp) -> None:
        assert refusal(idp.post("/token", "gateway", grant_type="client_credentials", scope="a\0b")) == INVALID_REQUEST

    def test_a_huge_request_is_refused(self, idp: Idp) -> None:
        response = idp.post("/token", "gateway", grant_type="client_credentials", scope="x" * 70_000)
        assert response.status_code == 413

    @pytest.mark.parametrize(("length", "status"), [(64 * 1024, 200), (64 * 1024 + 1, 413), (70_000, 413)])
    def test_a_huge_request_of_untold_length_is_refused_rather_than_cut_off(
        self, idp: Idp, length: int, status: int
    ) -> None:
        """RFC 9110 §15.5.14: what comes in chunks says nothing of its length beforehand."""
        body = b"grant_type=client_credentials&scope=items:read&x=".ljust(length, b"a")
        arguments: dict[str, Any] = {"content_type": FORM, "headers": basic("gateway")}
        untold = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
        response = idp.browser().post("/token", base_url=ISSUER, data=body, environ_overrides=untold, **arguments)
        assert response.status_code == status


class TestRefresh:
    """RFC 6749 §6, with the rotation of RFC 9700 §4.14.2."""

    def test_each_refresh_token_works_once_and_is_replaced(self, idp: Idp) -> None:
        tokens = idp.tokens()
        for _ in range(3):
            answer = idp.refresh(tokens["refresh_token"]).get_json()
            assert answer["refresh_token"] != tokens["refresh_token"]
            assert idp.introspect(answer["access_token"])["active"]
            tokens = answer

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    def test_reuse_takes_back_the_whole_family(self, idp: Idp, client: str) -> None:
        first = idp.tokens(client=client)
        second = idp.refresh(first["refresh_token"], client).get_json()
        assert refusal(idp.refresh(first["refresh_token"], client)) == INVALID_GRANT
        assert refusal(idp.refresh(second["refresh_token"], client)) == INVALID_GRANT
        for tokens in (first, second):
            assert idp.introspect(tokens["access_token"]) == {"active": False}

    def test_reuse_leaves_other_families_alone(self, idp: Idp) -> None:
        stolen, other = idp.tokens(), idp.tokens()
        idp.refresh(stolen["refresh_token"])
        idp.refresh(stolen["refresh_token"])
        assert idp.introspect(other["access_token"])["active"]

    def test_spending_a_refresh_token_succeeds_once_only(self, idp: Idp) -> None:
        tokens = idp.provider.tokens
        found = tokens.look_up(idp.tokens()["refresh_token"], "refresh")
        assert found is not None
        assert [tokens.spend(found) for _ in range(3)] == [True, False, False]

    def test_who_loses_the_race_is_treated_as_a_thief(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens = idp.tokens()
        monkeypatch.setattr(idp.provider.tokens, "spend", lambda _: False)
        assert refusal(idp.refresh(tokens["refresh_token"])) == INVALID_GRANT
        assert not idp.introspect(tokens["access_token"])["active"]

    def test_another_client_cannot_use_it_nor_spoil_it(self, idp: Idp) -> None:
        token = idp.tokens(client="gateway")["refresh_token"]
        assert refusal(idp.refresh(token, "portal")) == INVALID_GRANT
        after = idp.refresh(token, "gateway").get_json()
        assert refusal(idp.refresh(token, "portal")) == INVALID_GRANT
        assert idp.introspect(after["access_token"])["active"]

    def test_an_access_token_is_no_refresh_token(self, idp: Idp) -> None:
        assert refusal(idp.refresh(idp.tokens()["access_token"])) == INVALID_GRANT

    def test_the_scope_may_be_narrowed_but_only_for_the_access_token(self, idp: Idp) -> None:
        tokens = idp.tokens(scope="openid items:read orders:read")
        narrow = idp.refresh(tokens["refresh_token"], scope="items:read").get_json()
        assert narrow["scope"] == "items:read"
        assert idp.refresh(narrow["refresh_token"]).get_json()["scope"] == "openid items:read orders:read"

    @pytest.mark.parametrize("scope", ["items:read orders:write", "admin", "items:read,orders:read", "ITEMS:READ"])
    def test_the_scope_cannot_be_widened(self, idp: Idp, scope: str) -> None:
        token = idp.tokens(scope="openid items:read orders:read")["refresh_token"]
        assert refusal(idp.refresh(token, scope=scope)) == (400, "invalid_scope")

    def test_a_scope_taken_from_the_client_is_gone(self, idp: Idp) -> None:
        token = idp.tokens(scope="openid items:read orders:read")["refresh_token"]
        idp.reregister("gateway", scopes=["items:read"])
        less = idp.refresh(token).get_json()
        assert less["scope"] == idp.introspect(less["access_token"])["scope"] == "items:read"
        assert idp.refresh(less["refresh_token"], scope="items:read orders:read").get_json()["scope"] == "items:read"

    @pytest.mark.parametrize("asked", [None, "orders:read"])
    def test_a_client_that_has_no_scope_left_is_refused_and_spends_nothing(self, idp: Idp, asked: str | None) -> None:
        token = idp.tokens(scope="openid orders:read")["refresh_token"]
        idp.reregister("gateway", scopes=["items:read"])
        assert refusal(idp.refresh(token, scope=asked)) == (400, "invalid_scope")
        idp.reregister("gateway")
        assert idp.refresh(token, scope=asked).status_code == 200

    def test_the_family_ends_after_eight_hours_however_often_it_is_refreshed(self, idp: Idp) -> None:
        tokens = idp.tokens()
        for _ in range(2):
            idp.clock.advance(4 * 3600 - 10)
            tokens = idp.refresh(tokens["refresh_token"]).get_json()
        assert tokens["expires_in"] == 20
        idp.clock.advance(20)
        assert refusal(idp.refresh(tokens["refresh_token"])) == INVALID_GRANT

    @pytest.mark.parametrize("change", ["disable", "set_password", "set_scopes"])
    def test_a_person_who_is_not_as_they_were_has_to_log_in_again(self, idp: Idp, change: str) -> None:
        token = idp.tokens()["refresh_token"]
        values: dict[str, list[Any]] = {"set_password": ["looking-glass"], "set_scopes": [["items:read"]]}
        getattr(idp.users, change)("alice", *values.get(change, []))
        assert refusal(idp.refresh(token)) == INVALID_GRANT

    def test_a_missing_refresh_token_is_an_invalid_request(self, idp: Idp) -> None:
        assert refusal(idp.post("/token", "gateway", grant_type="refresh_token")) == INVALID_REQUEST


class TestClientCredentials:
    """RFC 6749 §4.4, RFC 9068 §5."""

    def test_the_subject_is_the_client_and_there_is_no_log_in(self, idp: Idp) -> None:
        answer = idp.own_token("gateway", scope="items:read")
        assert "refresh_token" not in answer
        assert "id_token" not in answer
        seen = idp.introspect(answer["access_token"])
        assert (seen["sub"], seen["client_id"], seen["scope"]) == ("gateway", "gateway", "items:read")
        assert "auth_time" not in seen
        assert "username" not in seen

    def test_without_a_scope_it_has_all_of_the_clients_own(self, idp: Idp) -> None:
        assert idp.own_token("gateway")["scope"] == "items:read orders:read orders:refund orders:write"

    @pytest.mark.parametrize("scope", ["admin", "items:read admin", "openid", "items:read offline_access", "a\tb"])
    def test_other_scopes_are_refused(self, idp: Idp, scope: str) -> None:
        response = idp.post("/token", "gateway", grant_type="client_credentials", scope=scope)
        assert response.status_code == 400

    def test_a_public_client_gets_none(self, idp: Idp) -> None:
        assert refusal(idp.post("/token", "cli", grant_type="client_credentials")) == INVALID_CLIENT


class TestMutualTls:
    """RFC 8705: clients that prove themselves by certificate, and tokens bound to it."""

    def ask(self, idp: Idp, client: str, environ: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
        form = {"grant_type": "client_credentials", "client_id": client}
        return idp.browser().post("/token", base_url=ISSUER, data=form, headers=headers, environ_overrides=environ)

    def test_the_certificate_authenticates_and_binds(self, idp: Idp) -> None:
        token = idp.own_token("orders")["access_token"]
        thumbprint = claims_of(token)["cnf"]["x5t#S256"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", thumbprint)
        assert idp.introspect(token, "orders")["cnf"] == {"x5t#S256": thumbprint}

    def test_another_services_certificate_is_refused(self, idp: Idp) -> None:
        assert refusal(self.ask(idp, "orders", idp.connection_of("billing"))) == INVALID_CLIENT

    def test_no_certificate_is_refused(self, idp: Idp) -> None:
        assert refusal(self.ask(idp, "orders", {})) == INVALID_CLIENT

    def test_a_certificate_and_a_secret_at_once_are_refused(self, idp: Idp) -> None:
        assert refusal(self.ask(idp, "orders", idp.connection_of("orders"), basic("orders"))) == INVALID_CLIENT

    def test_a_certificate_does_not_stand_in_for_a_secret(self, idp: Idp) -> None:
        environ = idp.connection_of("orders")
        assert refusal(self.ask(idp, "gateway", environ)) == INVALID_CLIENT

    def test_a_certificate_that_names_nobody_is_refused(self, idp: Idp) -> None:
        root = {"gunicorn.socket": Shown(idp.directory / "ca/root.1.pem")}
        assert refusal(self.ask(idp, "orders", root)) == INVALID_CLIENT


class TestExchange:
    """RFC 8693: each hop's own token."""

    def test_the_new_token_is_for_one_audience_bound_and_names_the_actor(self, idp: Idp) -> None:
        old = idp.tokens()["access_token"]
        response = idp.exchange(old, "edge", "orders")
        answer = response.get_json()
        assert response.status_code == 200
        assert (answer["issued_token_type"], answer["token_type"]) == (ACCESS_TOKEN, "Bearer")
        assert "refresh_token" not in answer
        claims = claims_of(answer["access_token"])
        assert header_of(answer["access_token"])["typ"] == "at+jwt"
        assert claims["sub"] == "alice"
        assert claims["aud"] == ["orders"]
        assert claims["client_id"] == "edge"
        assert claims["act"] == {"sub": "edge"}
        assert claims["scope"] == idp.introspect(old)["scope"]
        assert claims["auth_time"] == int(idp.clock())
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", claims["cnf"]["x5t#S256"])

    def test_the_chain_of_actors_grows_and_each_hop_is_bound_to_its_own_certificate(self, idp: Idp) -> None:
        first = idp.exchange(idp.tokens()["access_token"], "edge", "orders").get_json()["access_token"]
        second = claims_of(idp.exchange(first, "orders", "inventory").get_json()["access_token"])
        assert second["sub"] == "alice"
        assert second["aud"] == ["inventory"]
        assert second["act"] == {"sub": "orders", "act": {"sub": "edge"}}
        assert second["cnf"] != claims_of(first)["cnf"]

    def test_a_clients_own_token_keeps_the_client_as_its_subject(self, idp: Idp) -> None:
        own = idp.own_token("edge")["access_token"]
        assert idp.introspect(own)["sub"] == "edge"

    def test_it_never_outlives_the_token_it_came_from(self, idp: Idp) -> None:
        old = idp.tokens()["access_token"]
        idp.clock.advance(200)
        answer = idp.exchange(old, "edge", "orders").get_json()
        assert answer["expires_in"] == 100
        assert claims_of(answer["access_token"])["exp"] == idp.introspect(old)["exp"]

    def test_the_scope_may_be_narrowed(self, idp: Idp) -> None:
        answer = idp.exchange(idp.tokens()["access_token"], "edge", "orders", scope="orders:read").get_json()
        assert answer["scope"] == "orders:read"

    @pytest.mark.parametrize("scope", ["orders:refund", "orders:read admin", " "])
    def test_the_scope_cannot_be_widened(self, idp: Idp, scope: str) -> None:
        response = idp.exchange(idp.tokens()["access_token"], "edge", "orders", scope=scope)
        assert refusal(response) == (400, "invalid_scope")

    def test_a_scope_taken_from_the_person_is_not_passed_on(self, idp: Idp) -> None:
        old = idp.tokens()["access_token"]
        idp.users.set_scopes("alice", ["items:read"])
        assert idp.exchange(old, "edge", "orders").get_json()["scope"] == "openid profile items:read"

    @pytest.mark.parametrize("audience", ["billing", "edge", "gateway", "nobody", "ORDERS", "orders inventory"])
    def test_an_audience_that_is_not_the_clients_to_ask_for_is_refused(self, idp: Idp, audience: str) -> None:
        response = idp.exchange(idp.tokens()["access_token"], "edge", audience)
        assert refusal(response) == (400, "invalid_target")

    def test_a_resource_is_refused_rather_than_ignored(self, idp: Idp) -> None:
        response = idp.exchange(idp.tokens()["access_token"], "edge", "orders", resource="https://billing")
        assert refusal(response) == (400, "invalid_target")

    def test_a_token_for_another_audience_is_refused(self, idp: Idp) -> None:
        assert refusal(idp.exchange(idp.tokens()["access_token"], "orders", "billing")) == INVALID_REQUEST

    @pytest.mark.parametrize("kind", ["refresh_token", "id_token", "revoked", "expired", "invented", "altered"])
    def test_what_is_not_a_live_access_token_is_refused(self, idp: Idp, kind: str) -> None:
        tokens = idp.tokens()
        subject = tokens.get(kind, tokens["access_token"])
        if kind == "revoked":
            idp.post("/revoke", "gateway", token=subject)
        if kind == "expired":
            idp.clock.advance(300)
        subject = {"invented": "x" * 43, "altered": subject + "="}.get(kind, subject)
        assert refusal(idp.exchange(subject, "edge", "orders")) == INVALID_REQUEST

    @pytest.mark.parametrize(
        "changes",
        [
            {"audience": None},
            {"subject_token_type": None},
            {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
            {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            {"actor_token": "x"},
            {"actor_token_type": ACCESS_TOKEN},
            {"subject_token": None},
        ],
        ids=str,
    )
    def test_a_malformed_request_is_refused(self, idp: Idp, changes: dict[str, Any]) -> None:
        form = {"audience": "orders", "subject_token": idp.tokens()["access_token"], **changes}
        form = {"grant_type": EXCHANGE, "subject_token_type": ACCESS_TOKEN, **form}
        assert refusal(idp.post("/token", "edge", **form)) == INVALID_REQUEST

    def test_a_client_that_may_not_exchange_is_refused(self, idp: Idp) -> None:
        assert refusal(idp.exchange(idp.tokens()["access_token"], "gateway", "orders")) == (400, "unauthorized_client")

    def test_only_the_actor_that_the_registration_names_may_act(self, idp: Idp) -> None:
        idp.reregister("gateway", audience=["edge", "orders"], may_act="edge")
        subject = idp.tokens()["access_token"]
        assert idp.introspect(subject, "edge")["may_act"] == {"sub": "edge"}
        assert refusal(idp.exchange(subject, "orders", "billing")) == INVALID_REQUEST
        assert idp.exchange(subject, "edge", "orders").status_code == 200

    def test_a_token_carries_who_may_act_and_keeps_to_it(self, idp: Idp) -> None:
        idp.reregister("portal", audience=["edge", "orders"], may_act="edge")
        subject = idp.tokens(client="portal")["access_token"]
        assert claims_of(subject)["may_act"] == {"sub": "edge"}
        idp.reregister("portal", audience=["edge", "orders"], may_act="orders")
        assert refusal(idp.exchange(subject, "orders", "billing")) == INVALID_REQUEST

    def test_who_may_act_next_is_for_the_next_registration_to_say(self, idp: Idp) -> None:
        idp.reregister("gateway", may_act="edge")
        first = idp.exchange(idp.tokens()["access_token"], "edge", "orders").get_json()["access_token"]
        assert "may_act" not in claims_of(first)
        assert idp.exchange(first, "orders", "billing").status_code == 200

    def test_an_exchanged_token_dies_with_its_family(self, idp: Idp) -> None:
        tokens = idp.tokens()
        new = idp.exchange(tokens["access_token"], "edge", "orders").get_json()["access_token"]
        assert idp.introspect(new, "orders")["active"]
        idp.post("/revoke", "gateway", token=tokens["refresh_token"])
        assert not idp.introspect(new, "orders")["active"]

    def test_the_records_of_a_family_hang_together(self, idp: Idp) -> None:
        idp.exchange(idp.tokens()["access_token"], "edge", "orders")
        with idp.provider.store.reading() as connection:
            rows = connection.execute(tables.tokens.select()).all()
        assert len(rows) == 3
        assert len({row.authorization for row in rows}) == 1

    def test_what_a_clients_own_token_is_exchanged_for_hangs_on_it(self, idp: Idp) -> None:
        own = idp.own_token("orders")["access_token"]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: idp.exchange(own, "orders", "inventory"), range(4)))
        assert all(idp.introspect(answer.get_json()["access_token"], "inventory")["active"] for answer in answers)
        with idp.provider.store.reading() as connection:
            rows = connection.execute(tables.tokens.select()).all()
        assert len(rows) == 5
        assert len({row.authorization for row in rows}) == 1

    def test_a_token_that_is_taken_back_while_it_is_exchanged_brings_nothing(self, idp: Idp) -> None:
        tokens = idp.provider.tokens
        own = tokens.find(idp.own_token("orders")["access_token"])
        assert own
        tokens.revoke(own)
        family = tokens.family_of(own)
        assert family
        assert family.revoked
        idp.clock.advance(301)
        idp.provider.store.sweep(int(idp.clock()))
        assert tokens.family_of(own) is None


class TestNativeApp:
    """RFC 8252 §7.3: a public client on loopback chooses its port, and nothing else."""

    @pytest.fixture
    def idp(self, shared: Idp) -> Idp:
        return shared

    @pytest.mark.parametrize("port", [1, 51004, 65535])
    def test_any_port_will_do(self, idp: Idp, port: int) -> None:
        uri = f"http://127.0.0.1:{port}/callback"
        code = idp.authorize(client="cli", redirect_uri=uri).parameters["code"]
        assert idp.redeem(code, "cli", redirect_uri=uri).status_code == 200

    def test_a_confidential_client_keeps_to_its_port(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with Idp(tmp_path_factory) as idp:
            idp.register(a_client("gateway", redirect_uris=["http://127.0.0.1/callback"]))
            assert idp.authorize(redirect_uri="http://127.0.0.1:51004/callback").status == 400

    def test_the_code_is_bound_to_the_chosen_port(self, idp: Idp) -> None:
        code = idp.authorize(client="cli", redirect_uri=NATIVE).parameters["code"]
        assert refusal(idp.redeem(code, "cli", redirect_uri="http://127.0.0.1:51005/callback")) == INVALID_GRANT
