"""Tokens once issued: what they say, who may ask, and how they are taken back; one class for each specification."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from idp import provider, sweeping
from idp import store as tables
from idp.app import create_app
from idp.changes import Changes
from idp.code import LOGGED_IN
from idp.manage import state
from idp.manage.revoke import all_of_user
from idp.prepare import prepare
from idp.tokens import Authorization
from services.identity import StoreUnavailable
from tests.idp_support import (
    CUSTOMER,
    EXCHANGE,
    ISSUER,
    PASSWORDS,
    Idp,
    a_client,
    basic,
    claims_of,
    header_of,
    refusal,
)

pytest_plugins = ("tests.idp_fixtures", "tests.postgres")

INACTIVE = {"active": False}


def tampered(token: str) -> list[str]:
    """Other spellings of a signed token, and others' tokens in its place."""
    header, payload, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    return [
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{none}.{payload}.",
        f"{token}=",
        f"{token}.",
        f" {token}",
        f"{token}\n",
        f"{header}=.{payload}.{signature}",
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.swapcase(),
    ]


class TestJwtProfile:
    """RFC 9068: self-contained access tokens."""

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_a_token_says_what_the_profile_asks_for(self, idp: Idp, algorithm: str) -> None:
        idp.register(a_client("portal", token_format="jwt", signing_alg=algorithm, audience=["orders", "billing"]))
        token = idp.tokens(client="portal")["access_token"]
        now = int(idp.clock())
        claims = claims_of(token)
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", claims.pop("jti"))
        assert claims == {
            "iss": ISSUER,
            "aud": ["orders", "billing"],
            "sub": "alice",
            "client_id": "portal",
            "iat": now,
            "exp": now + 300,
            "scope": "openid profile items:read orders:read",
            "auth_time": now,
        }
        assert {k: header_of(token)[k] for k in ("alg", "typ")} == {"alg": algorithm, "typ": "at+jwt"}

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_strangers_can_verify_it_with_the_published_key(self, idp: Idp, algorithm: str) -> None:
        idp.register(a_client("portal", token_format="jwt", signing_alg=algorithm))
        token = idp.tokens(client="portal")["access_token"]
        keys = pyjwt.PyJWKSet.from_dict(idp.get("/jwks").get_json())
        key = keys[header_of(token)["kid"]]
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims = pyjwt.decode(token, key, [algorithm], audience="gateway", issuer=ISSUER, options=options)
        assert claims["sub"] == "alice"

    def test_a_clients_own_token_has_no_log_in(self, idp: Idp) -> None:
        claims = claims_of(idp.own_token("orders")["access_token"])
        assert claims["sub"] == claims["client_id"] == "orders"
        assert "auth_time" not in claims

    def test_a_client_gets_the_kind_it_is_registered_for(self, idp: Idp) -> None:
        assert "." not in idp.tokens(client="gateway")["access_token"]
        assert idp.tokens(client="portal")["access_token"].count(".") == 2

    def test_a_client_cannot_choose_its_audience_or_subject(self, idp: Idp) -> None:
        form = {"grant_type": "client_credentials", "audience": "billing", "sub": "alice", "aud": "billing"}
        token = idp.post("/token", "portal", **form).get_json()["access_token"]
        assert (claims_of(token)["aud"], claims_of(token)["sub"]) == (["gateway"], "portal")


class TestKeys:
    """RFC 7517, RFC 7638: what is published of the signing keys."""

    def test_only_public_halves_of_signature_keys_are_published(self, shared: Idp) -> None:
        keys = shared.get("/jwks").get_json()["keys"]
        assert [set(key) for key in keys] == [
            {"kty", "crv", "x", "y", "use", "alg", "kid"},
            {"kty", "n", "e", "use", "alg", "kid"},
        ]
        assert [(key["alg"], key["use"]) for key in keys] == [("ES256", "sig"), ("RS256", "sig")]

    def test_a_key_is_called_by_its_thumbprint(self, shared: Idp) -> None:
        from joserfc.jwk import thumbprint

        for key in shared.get("/jwks").get_json()["keys"]:
            needed = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[key["kty"]]
            assert key["kid"] == thumbprint({name: key[name] for name in needed})

    def test_the_rsa_key_is_strong_enough(self, shared: Idp) -> None:
        modulus = shared.get("/jwks").get_json()["keys"][1]["n"]
        assert len(base64.urlsafe_b64decode(modulus + "==")) >= 256


class TestIntrospection:
    """RFC 7662: only resource servers, only about access tokens meant for them."""

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    def test_a_live_token_is_described(self, idp: Idp, client: str) -> None:
        token = idp.tokens("carol", client, scope="openid orders:refund items:read") if client == "gateway" else None
        token = token or idp.tokens("carol", client, scope="openid items:read")
        now = int(idp.clock())
        seen = idp.introspect(token["access_token"])
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", seen.pop("jti"))
        assert seen == {
            "active": True,
            "iss": ISSUER,
            "sub": "carol",
            "username": "carol",
            "aud": ["gateway", "edge"] if client == "gateway" else ["gateway"],
            "client_id": client,
            "scope": token["scope"],
            "token_type": "Bearer",
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
        }

    def test_actor_and_certificate_are_told(self, idp: Idp) -> None:
        token = idp.exchange(idp.tokens()["access_token"], "edge", "orders").get_json()["access_token"]
        seen = idp.introspect(token, "orders")
        assert seen["act"] == {"sub": "edge"}
        assert seen["cnf"] == claims_of(token)["cnf"]

    def test_the_answer_is_not_kept(self, idp: Idp) -> None:
        response = idp.post("/introspect", "gateway", token=idp.tokens()["access_token"])
        assert response.headers["Cache-Control"] == "no-store"

    def test_a_client_that_is_no_resource_server_learns_nothing(self, idp: Idp) -> None:
        idp.register(a_client("portal", introspect=False, audience=["portal"]))
        assert idp.introspect(idp.tokens(client="portal")["access_token"], "portal") == INACTIVE

    def test_a_resource_server_learns_nothing_about_tokens_for_others(self, idp: Idp) -> None:
        assert idp.introspect(idp.tokens()["access_token"], "orders") == INACTIVE

    @pytest.mark.parametrize("kind", ["refresh_token", "id_token"])
    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", None])
    def test_what_is_no_access_token_is_inactive(self, idp: Idp, kind: str, hint: str | None) -> None:
        token = idp.tokens()[kind]
        response = idp.post("/introspect", "gateway", token=token, token_type_hint=hint)
        assert (response.status_code, response.get_json()) == (200, INACTIVE)

    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
    def test_a_wrong_hint_does_no_harm(self, idp: Idp, hint: str) -> None:
        token = idp.tokens()["access_token"]
        assert idp.post("/introspect", "gateway", token=token, token_type_hint=hint).get_json()["active"] is True

    def test_an_expired_token_is_inactive(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        idp.clock.advance(299)
        assert idp.introspect(token)["active"]
        idp.clock.advance(1)
        assert idp.introspect(token) == INACTIVE

    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_a_disabled_persons_token_is_inactive_at_once(self, idp: Idp, client: str) -> None:
        token = idp.tokens(client=client)["access_token"]
        idp.users.disable("alice")
        assert idp.introspect(token) == INACTIVE

    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_a_token_from_before_a_new_password_is_inactive_at_once(self, idp: Idp, client: str) -> None:
        token = idp.tokens(client=client)["access_token"]
        idp.users.set_password("alice", PASSWORDS["alice"])  # new, even if it reads the same
        assert idp.introspect(token) == INACTIVE
        assert idp.introspect(idp.tokens(client=client)["access_token"])["active"]

    def test_who_was_shut_out_and_let_in_again_has_to_log_in_again(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        idp.users.disable("alice")
        idp.users.enable("alice")
        assert idp.introspect(token) == INACTIVE
        assert idp.introspect(idp.tokens()["access_token"])["active"]

    def test_a_scope_taken_from_the_person_is_gone_at_once(self, idp: Idp) -> None:
        token = idp.tokens("carol", scope="openid items:read orders:refund")["access_token"]
        idp.users.set_scopes("carol", CUSTOMER)
        assert idp.introspect(token)["scope"] == "openid items:read"

    @pytest.mark.parametrize("token", ["x", "x" * 43, "é", "' OR 1=1 --", "x" * 60_000])
    def test_an_invented_token_is_inactive(self, shared: Idp, token: str) -> None:
        assert shared.introspect(token) == INACTIVE

    def test_no_other_spelling_of_a_signed_token_is_active(self, idp: Idp) -> None:
        token = idp.tokens(client="portal")["access_token"]
        for other in tampered(token):
            assert idp.post("/introspect", "gateway", token=other).get_json().get("active", False) is False
        assert idp.introspect(token)["active"]

    def test_a_missing_token_is_an_invalid_request(self, shared: Idp) -> None:
        answer = shared.post("/introspect", "gateway", tokens="x").get_json()
        assert answer == {"error": "invalid_request", "error_description": "The token is missing."}

    def test_a_public_client_proves_nothing_and_may_not_ask(self, shared: Idp) -> None:
        assert refusal(shared.post("/introspect", "cli", token="x")) == (401, "invalid_client")

    def test_nobody_may_ask_without_proof(self, shared: Idp) -> None:
        assert refusal(shared.post("/introspect", None, token="x")) == (401, "invalid_client")
        response = shared.browser().post(
            "/introspect", base_url=ISSUER, data={"token": "x"}, headers={"Authorization": "Bearer " + "x" * 43}
        )
        assert refusal(response) == (401, "invalid_client")


class TestRevocation:
    """RFC 7009: a client takes back its own."""

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    def test_a_revoked_access_token_is_inactive_and_its_refresh_token_still_works(self, idp: Idp, client: str) -> None:
        tokens = idp.tokens(client=client)
        response = idp.post("/revoke", client, token=tokens["access_token"])
        assert response.status_code == 200
        assert idp.introspect(tokens["access_token"]) == INACTIVE
        assert idp.userinfo(tokens["access_token"]).status_code == 401
        assert idp.refresh(tokens["refresh_token"], client).status_code == 200

    @pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
    def test_a_revoked_refresh_token_takes_its_family_along(self, idp: Idp, hint: str | None) -> None:
        first = idp.tokens()
        second = idp.refresh(first["refresh_token"]).get_json()
        idp.post("/revoke", "gateway", token=second["refresh_token"], token_type_hint=hint)
        assert idp.introspect(first["access_token"]) == idp.introspect(second["access_token"]) == INACTIVE
        assert refusal(idp.refresh(second["refresh_token"])) == (400, "invalid_grant")

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    @pytest.mark.parametrize("stranger", ["portal", "cli", "orders"])
    def test_another_clients_token_is_refused_and_stays_alive(self, idp: Idp, kind: str, stranger: str) -> None:
        tokens = idp.tokens()
        assert refusal(idp.post("/revoke", stranger, token=tokens[kind])) == (400, "invalid_grant")
        assert idp.introspect(tokens["access_token"])["active"]
        assert idp.refresh(tokens["refresh_token"]).status_code == 200

    def test_a_client_cannot_revoke_unproven(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        for headers in ({}, basic("gateway", "wrong")):
            form = {"token": token, "client_id": "gateway"}
            response = idp.browser().post("/revoke", base_url=ISSUER, headers=headers, data=form)
            assert refusal(response) == (401, "invalid_client")
        assert idp.introspect(token)["active"]

    def test_an_unknown_token_is_as_good_as_revoked(self, shared: Idp) -> None:
        assert shared.post("/revoke", "gateway", token="x" * 43).status_code == 200

    def test_a_missing_token_is_an_invalid_request(self, shared: Idp) -> None:
        answer = shared.post("/revoke", "gateway", tokens="x").get_json()
        assert answer == {"error": "invalid_request", "error_description": "The token is missing."}


class TestUserInfo:
    """OpenID Connect Core §5.3, with the challenges of RFC 6750 §3."""

    @pytest.mark.parametrize(
        ("scope", "claims"),
        [
            ("openid", {"sub": "alice"}),
            ("openid profile", {"sub": "alice", "name": "Alice", "preferred_username": "alice"}),
            ("openid email", {"sub": "alice", "email": "alice@shop.test"}),
        ],
    )
    def test_the_scopes_open_the_claims(self, idp: Idp, scope: str, claims: dict[str, str]) -> None:
        token = idp.tokens(scope=scope)["access_token"]
        assert idp.userinfo(token).get_json() == claims

    def test_it_can_be_posted_to(self, idp: Idp) -> None:
        headers = {"Authorization": f"Bearer {idp.tokens(client='portal')['access_token']}"}
        assert idp.browser().post("/userinfo", base_url=ISSUER, headers=headers).get_json()["sub"] == "alice"

    def test_silence_is_answered_with_a_bare_challenge(self, shared: Idp) -> None:
        response = shared.get("/userinfo")
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="idp"')

    @pytest.mark.parametrize("kind", ["id_token", "refresh_token", "expired", "revoked", "disabled", "own"])
    def test_only_a_persons_live_access_token_is_taken(self, idp: Idp, kind: str) -> None:
        tokens = idp.tokens()
        token = tokens.get(kind, tokens["access_token"])
        if kind == "expired":
            idp.clock.advance(300)
        if kind == "revoked":
            idp.post("/revoke", "gateway", token=token)
        if kind == "disabled":
            idp.users.disable("alice")
        if kind == "own":
            token = idp.own_token()["access_token"]
        response = idp.userinfo(token)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="idp", error="invalid_token"'

    @pytest.mark.parametrize("form", ["Bearer", "Bearer ", "bearer  {}", "Bearer {} x", "Bearer {}, Bearer {}"])
    def test_only_one_well_formed_bearer_is_read(self, idp: Idp, form: str) -> None:
        token = idp.tokens()["access_token"]
        response = idp.get("/userinfo", headers={"Authorization": form.replace("{}", token)})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="idp", error="invalid_token"'

    @pytest.mark.parametrize("form", ["", "Basic {}", "DPoP {}", "{}", "Bearer={}", "Bearerx {}", "xBearer {}"])
    def test_another_scheme_is_answered_with_a_bare_challenge(self, idp: Idp, form: str) -> None:
        """RFC 6750 §3.1: whoever does not know that we take bearers learns it, and no more."""
        token = idp.tokens()["access_token"]
        response = idp.get("/userinfo", headers={"Authorization": form.replace("{}", token)})
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="idp"')

    def test_a_token_in_query_or_body_is_not_read(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        assert idp.get(f"/userinfo?access_token={token}").status_code == 401
        assert idp.browser().post("/userinfo", base_url=ISSUER, data={"access_token": token}).status_code == 401

    @pytest.mark.parametrize("where", ["query_string", "data"])
    @pytest.mark.parametrize("second", ["the same", "another"])
    def test_one_that_comes_in_two_ways_is_an_invalid_request(self, idp: Idp, where: str, second: str) -> None:
        """RFC 6750 §2, §3.1: a client must not use more than one method."""
        token = idp.tokens()["access_token"]
        twice: dict[str, Any] = {where: {"access_token": token if second == "the same" else "x"}}
        headers = {"Authorization": f"Bearer {token}"}
        response = idp.browser().post("/userinfo", base_url=ISSUER, headers=headers, **twice)
        assert refusal(response) == (400, "invalid_request")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="idp", error="invalid_request"'

    def test_one_that_is_bound_to_anothers_certificate_is_refused(self, idp: Idp) -> None:
        store, token = idp.provider.store, idp.tokens()["access_token"]
        with store.writing() as connection:
            connection.execute(tables.tokens.update().values(cnf="another's thumbprint"))
        assert idp.userinfo(token).status_code == 401

    def test_without_openid_the_scope_is_insufficient(self, idp: Idp) -> None:
        response = idp.userinfo(idp.tokens(scope="items:read")["access_token"])
        assert response.status_code == 403
        assert response.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="openid"')

    def test_no_other_spelling_of_a_signed_token_is_taken(self, idp: Idp) -> None:
        for other in tampered(idp.tokens(client="portal")["access_token"]):
            if "\n" not in other:
                assert idp.userinfo(other).status_code == 401


class TestMetadata:
    """RFC 8414: what must never stand in it; whether it is complete and true is asked in `test_idp_metadata`."""

    def test_it_offers_nothing_weak(self, shared: Idp) -> None:
        document = shared.get("/.well-known/openid-configuration").get_json()
        assert document["response_types_supported"] == ["code"]
        assert document["code_challenge_methods_supported"] == ["S256"]
        assert document["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
        assert document["authorization_response_iss_parameter_supported"] is True
        assert not {"password", "implicit"} & set(document["grant_types_supported"])
        assert "client_secret_post" not in document["token_endpoint_auth_methods_supported"]
        assert "none" not in document["introspection_endpoint_auth_methods_supported"]


class TestStore:
    """What is kept, and for how long: the same in SQLite and in PostgreSQL."""

    @pytest.fixture
    def idp(self, tmp_path_factory: pytest.TempPathFactory, database_url: str | None) -> Iterator[Idp]:
        with Idp(tmp_path_factory, database_url) as idp:
            yield idp

    def test_a_code_is_redeemed_once_and_its_tokens_are_known(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: idp.redeem(code), range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        assert idp.introspect(idp.tokens()["access_token"])["sub"] == "alice"

    def test_a_refresh_token_works_once(self, idp: Idp) -> None:
        tokens = idp.tokens()
        second = idp.refresh(tokens["refresh_token"]).get_json()
        assert idp.refresh(tokens["refresh_token"]).status_code == 400
        assert idp.introspect(second["access_token"]) == INACTIVE

    def test_actor_and_audience_are_kept(self, idp: Idp) -> None:
        token = idp.exchange(idp.tokens()["access_token"], "edge", "orders").get_json()["access_token"]
        assert idp.introspect(token, "orders")["act"] == {"sub": "edge"}

    def test_a_logout_takes_back_what_was_allowed(self, idp: Idp) -> None:
        browser = idp.browser()
        tokens = idp.redeem(idp.authorize(browser=browser).parameters["code"]).get_json()
        idp.get(f"/logout?id_token_hint={tokens['id_token']}", browser)
        assert idp.introspect(tokens["access_token"]) == INACTIVE

    def test_what_is_being_allowed_while_somebody_logs_out_is_not(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        browser, store = idp.browser(), idp.provider.store
        assert "code" in idp.authorize(browser=browser).parameters
        write = store.run

        def overtaken(*asked: Any, **more: Any) -> Any:
            all_of_user(idp.provider, "alice")
            return write(*asked, **more)

        monkeypatch.setattr(store, "run", overtaken)
        answer = idp.authorize(None, browser).parameters
        assert (answer.get("error"), answer.get("code")) == ("access_denied", None)

    def test_whoever_logs_out_waits_for_what_is_being_allowed(
        self, tmp_path_factory: pytest.TempPathFactory, postgres: str, quick_hashes: None
    ) -> None:
        """In PostgreSQL, that is: in SQLite one who writes waits for the other anyway."""
        with Idp(tmp_path_factory, postgres) as idp, ThreadPoolExecutor(1) as pool:
            idp.authorize()
            with idp.provider.store.writing() as connection:
                login = connection.execute(sa.select(tables.logins.c.digest)).scalar_one()
                assert connection.execute(LOGGED_IN, {"login": login}).first()
                left = pool.submit(all_of_user, idp.provider, "alice")
                with pytest.raises(TimeoutError):
                    left.result(0.3)
                connection.commit()
                assert left.result(10) == 1

    def test_several_may_create_it_at_once(self, tmp_path: Path, database_url: str | None) -> None:
        stores = [tables.Store(tmp_path / "new.db", database_url) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(tables.Store.create, stores))
            list(pool.map(state.create, stores))
        assert state.read(stores[0]) == state.AT_FIRST
        for store in stores:
            store.close()

    def test_who_reads_and_then_writes_is_never_turned_away_half_way(self, idp: Idp) -> None:
        tokens, store = tables.tokens, idp.provider.store
        idp.own_token()

        def count_up(_: int) -> None:
            with store.writing() as connection:
                seen = connection.execute(sa.select(tokens.c.issued).with_for_update()).scalar_one()
                connection.execute(tokens.update().values(issued=seen + 1))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(count_up, range(200)))
        with store.reading() as connection:
            assert connection.execute(sa.select(tokens.c.issued)).scalar_one() == int(idp.clock()) + 200

    def test_steps_are_done_together_or_not_at_all(self, idp: Idp) -> None:
        family = Authorization("f", "gateway", "items:read", int(idp.clock()) + 60, user="alice", user_version=1)
        token = {"authorization": "f", "digest": "d", "kind": None, "client_id": "gateway", "scope": "", "issued": 0}
        steps = [(tables.NEW_AUTHORIZATION, family._asdict()), (tables.NEW_TOKEN, token | {"expires": 1})]
        with pytest.raises((StoreUnavailable, IntegrityError)):
            idp.provider.store.run(steps)
        assert self.count(idp, tables.authorizations) == 0
        idp.provider.store.run(steps[:1])
        assert self.count(idp, tables.authorizations) == 1

    @pytest.fixture
    def other(self, idp: Idp) -> Iterator[provider.Provider]:
        """Another worker on the same store."""
        other: provider.Provider = create_app(idp.settings, idp.clock).extensions["idp"]
        yield other
        other.store.close()

    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_what_one_worker_takes_back_no_other_remembers(
        self, idp: Idp, other: provider.Provider, client: str
    ) -> None:
        own = idp.own_token(client)["access_token"]
        tokens = idp.tokens(client=client)
        texts = [own, tokens["access_token"]]
        for _ in range(2):
            assert all(other.tokens.find(text) for text in texts)
        found = [idp.provider.tokens.look_up(text, "access") for text in texts]
        assert found[0]
        assert found[1]
        idp.provider.tokens.revoke(found[0])
        assert [bool(other.tokens.find(text)) for text in texts] == [False, True]
        idp.provider.tokens.revoke_family(found[1].authorization)
        assert not any(other.tokens.find(text) for text in texts)
        assert not other.tokens.find("x")

    def test_what_is_found_while_something_changes_is_not_remembered(
        self, idp: Idp, other: provider.Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = idp.own_token()["access_token"]
        mine, look = idp.provider.tokens, other.store.look
        token = mine.look_up(text, "access")
        assert token

        def overtaken(*asked: Any) -> Any:
            row = look(*asked)
            mine.revoke(token)
            return row

        monkeypatch.setattr(other.store, "look", overtaken)
        assert other.tokens.find(text), "it was good when the store was asked"
        monkeypatch.undo()
        assert not other.tokens.find(text)

    def test_who_dies_while_changing_something_leaves_everybody_looking(self, tmp_path: Path) -> None:
        changes = Changes(tmp_path / "changes")
        assert changes.state() is None
        with changes.change():
            assert changes.state() is None
        first = changes.state()
        assert first == Changes(tmp_path / "changes").state()
        dying = changes.change()
        dying.__enter__()
        assert Changes(tmp_path / "changes").state() is None
        with changes.change():
            pass
        assert changes.state() not in (None, first)

    def test_preparing_it_again_changes_nothing(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: prepare(idp.settings), range(4)))
        assert idp.introspect(token)["active"]

    def count(self, idp: Idp, table: sa.Table) -> int:
        with idp.provider.store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def test_what_has_expired_is_swept_away(self, idp: Idp) -> None:
        for _ in range(5):
            idp.tokens()
        assert self.count(idp, tables.tokens) == 10
        idp.clock.advance(9 * 3600)
        for _ in range(33):
            idp.own_token()
        assert self.count(idp, tables.codes) == 0
        assert self.count(idp, tables.tokens) == 33
        assert self.count(idp, tables.authorizations) == 0

    def test_an_access_token_is_swept_though_its_family_lives(self, idp: Idp) -> None:
        token = idp.tokens()["refresh_token"]
        for _ in range(70):
            idp.clock.advance(301)
            token = idp.refresh(token).get_json()["refresh_token"]
        with idp.provider.store.reading() as connection:
            kinds = [row.kind for row in connection.execute(tables.tokens.select())]
        assert kinds.count("access") < 40

    def test_old_log_ins_are_swept_away(self, idp: Idp) -> None:
        idp.authorize()
        idp.clock.advance(9 * 3600)
        idp.authorize()
        assert self.count(idp, tables.logins) == 1

    def test_a_sweep_takes_a_bounded_share(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweeping, "MOST", 3)
        for _ in range(5):
            idp.own_token()
        idp.provider.store.sweep(int(idp.clock()) + 301)
        assert self.count(idp, tables.tokens) == 2

    def test_sweeps_go_through_all_there_is_and_begin_again(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sweeping, "MOST", 1)
        first = [idp.own_token() for _ in range(8)]
        idp.clock.advance(200)
        second = [idp.own_token() for _ in range(8)]  # their rows lie among those of the first, as chance will have it
        for later, alive in ((101, second), (300, [])):
            idp.clock.advance(later)
            for _ in range(18):
                idp.provider.store.sweep(int(idp.clock()))
            assert self.count(idp, tables.tokens) == len(alive)
            assert [idp.introspect(each["access_token"])["active"] for each in first + second] == [
                each in alive for each in first + second
            ]

    def test_a_sweep_leaves_what_has_not_expired(self, idp: Idp) -> None:
        idp.own_token()
        idp.clock.advance(200)
        alive = [idp.own_token()["access_token"] for _ in range(3)]
        idp.clock.advance(101)
        idp.provider.store.sweep(int(idp.clock()))
        assert self.count(idp, tables.tokens) == len(alive)
        assert all(idp.introspect(each)["active"] for each in alive)

    def test_a_sweep_that_finds_nothing_leaves_what_is_remembered(self, idp: Idp) -> None:
        idp.own_token()
        store, now = idp.provider.store, int(idp.clock())
        before = store.state()
        store.sweep(now)
        assert store.state() == before
        store.sweep(now + 301)
        assert (store.state() is None) or store.state() != before

    def test_a_store_that_does_not_answer_is_not_our_callers_fault(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sqlalchemy.exc import OperationalError

        def broken(*_: Any) -> None:
            raise OperationalError("", None, Exception("disk I/O error"))

        monkeypatch.setattr(idp.provider.tokens, "look_up", broken)
        response = idp.post("/introspect", "gateway", token="x")
        assert refusal(response) == (503, "temporarily_unavailable")
        assert int(response.headers["Retry-After"]) > 0

    def test_an_exchange_needs_no_more_than_the_record(self, idp: Idp) -> None:
        """The subject token is looked up, never parsed: a forgery is simply unknown."""
        forged = ".".join([*idp.tokens(client="portal")["access_token"].split(".")[:2], "AAAA"])
        form = {"grant_type": EXCHANGE, "subject_token": forged, "audience": "orders"}
        form["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
        assert refusal(idp.post("/token", "edge", **form)) == (400, "invalid_request")
