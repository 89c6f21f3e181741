"""What is tried with tokens: asking about them, taking others' back, exchanging them for more, and guessing them."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

import pytest

from idp import store
from tests.idp_support import ACCESS_TOKEN, CALLBACK, ISSUER, Idp, basic, claims_of, refusal

pytest_plugins = ("tests.idp_fixtures",)

INVALID_REQUEST = (400, "invalid_request")
INVALID_CLIENT = (401, "invalid_client")
INVALID_SCOPE = (400, "invalid_scope")
INVALID_TARGET = (400, "invalid_target")
INACTIVE = {"active": False}
TYPE = "urn:ietf:params:oauth:token-type:"


@pytest.fixture(scope="module")
def idp(shared: Idp) -> Idp:
    """One for all: whoever attacks here spoils nothing but what was issued for the purpose."""
    return shared


class TestCuriousAskers:
    """OAS-19: what a token means is told to the resource server that it is meant for (RFC 7662 §2.1, §2.2, §4)."""

    WHO: ClassVar[dict[str, dict[str, str]]] = {
        "nobody": {},
        "a wrong secret": basic("gateway", "wrong"),
        "a stranger": basic("mallory", "malice"),
        "a person": basic("alice", "wonderland"),
    }

    @pytest.mark.parametrize("who", WHO)
    def test_who_is_no_client_is_told_nothing(self, idp: Idp, who: str) -> None:
        form = {"token": idp.tokens()["access_token"]}
        answer = idp.browser().post("/introspect", base_url=ISSUER, data=form, headers=self.WHO[who])
        assert refusal(answer) == INVALID_CLIENT
        assert "alice" not in answer.text.replace("alice:", "")

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token", "id_token"])
    def test_a_token_opens_no_answer_about_itself(self, idp: Idp, kind: str) -> None:
        tokens = idp.tokens()
        headers = {"Authorization": f"Bearer {tokens[kind]}"}
        form = {"token": tokens["access_token"]}
        assert refusal(idp.browser().post("/introspect", base_url=ISSUER, data=form, headers=headers)) == INVALID_CLIENT

    def test_a_public_client_is_told_nothing_of_its_own_token(self, idp: Idp) -> None:
        token = idp.tokens(client="cli")["access_token"]
        assert refusal(idp.post("/introspect", "cli", token=token)) == INVALID_CLIENT

    @pytest.mark.parametrize("who", ["portal", "orders", "inventory"])
    def test_another_resource_server_is_told_what_it_would_be_told_of_nothing(self, idp: Idp, who: str) -> None:
        about_a_token = idp.post("/introspect", who, token=idp.tokens()["access_token"])
        about_nothing = idp.post("/introspect", who, token="x" * 43)
        assert (about_a_token.status_code, about_a_token.data) == (200, about_nothing.data)
        assert about_nothing.get_json() == INACTIVE

    @pytest.mark.parametrize("who", ["gateway", "portal"])
    def test_a_get_is_not_answered(self, idp: Idp, who: str) -> None:
        token = idp.tokens()["access_token"]
        answer = idp.get(f"/introspect?token={token}", headers=basic(who))
        assert answer.status_code == 405
        assert "active" not in answer.text

    def test_a_token_in_the_query_is_not_read(self, idp: Idp) -> None:
        token = idp.tokens()["access_token"]
        assert (
            refusal(idp.post(f"/introspect?token={token}", "gateway", token_type_hint="access_token"))
            == INVALID_REQUEST
        )

    def test_scanning_finds_nothing_and_all_answers_are_alike(self, idp: Idp) -> None:
        live = idp.tokens()["access_token"]
        near = [live[:-1], live + "A", live.swapcase(), live[::-1], live[:20] + "A" * 23, f"{live}\x00"]
        guesses = [*near[:5], *(store.new_secret() for _ in range(20)), "*", "%", "_" * 43, live[:8] + "%"]
        answers = {idp.post("/introspect", "gateway", token=guess).data for guess in guesses}
        assert [json.loads(answer) for answer in answers] == [INACTIVE]
        assert refusal(idp.post("/introspect", "gateway", token=near[5])) == INVALID_REQUEST


class TestOthersTokens:
    """OAS-21: a client takes back its own tokens and nobody else's (RFC 7009 §2.1, §2.2, §5)."""

    def alive(self, idp: Idp, tokens: dict[str, Any]) -> bool:
        return bool(idp.introspect(tokens["access_token"])["active"]) and (
            idp.refresh(tokens["refresh_token"]).status_code == 200
        )

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    @pytest.mark.parametrize("who", TestCuriousAskers.WHO)
    def test_who_is_no_client_takes_nothing_back(self, idp: Idp, who: str, kind: str) -> None:
        tokens = idp.tokens()
        headers = TestCuriousAskers.WHO[who]
        answer = idp.browser().post("/revoke", base_url=ISSUER, data={"token": tokens[kind]}, headers=headers)
        assert refusal(answer) == INVALID_CLIENT
        assert self.alive(idp, tokens)

    def test_who_only_names_the_client_takes_nothing_back(self, idp: Idp) -> None:
        tokens = idp.tokens()
        form = {"token": tokens["refresh_token"], "client_id": "gateway"}
        assert refusal(idp.post("/revoke", None, **form)) == INVALID_CLIENT
        assert self.alive(idp, tokens)

    @pytest.mark.parametrize("hint", [None, "access_token", "refresh_token"])
    def test_nor_does_a_public_client_that_has_another_ones_token(self, idp: Idp, hint: str | None) -> None:
        tokens = idp.tokens()
        for kind in ("access_token", "refresh_token"):
            answer = idp.post("/revoke", "cli", token=tokens[kind], token_type_hint=hint)
            assert refusal(answer) == (400, "invalid_grant")
        assert self.alive(idp, tokens)

    def test_a_service_does_not_take_back_what_it_was_called_with(self, idp: Idp) -> None:
        token = idp.exchange(idp.tokens()["access_token"], "edge", "orders").get_json()["access_token"]
        assert refusal(idp.post("/revoke", "orders", token=token)) == (400, "invalid_grant")
        assert idp.introspect(token, "orders")["active"]

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_no_other_method_takes_anything_back(self, idp: Idp, method: str) -> None:
        tokens = idp.tokens()
        path = f"/revoke?token={tokens['refresh_token']}"
        assert idp.browser().open(path, method=method, base_url=ISSUER, headers=basic("gateway")).status_code == 405
        assert self.alive(idp, tokens)

    @pytest.mark.parametrize("token", ["x", "x" * 43, "e30.e30.e30", "é", "' OR 1=1 --", "id_token"])
    def test_what_is_no_token_is_as_good_as_revoked(self, idp: Idp, token: str) -> None:
        tokens = idp.tokens()
        answer = idp.post("/revoke", "gateway", token=tokens.get(token, token))
        assert (answer.status_code, answer.text) == (200, "{}")
        assert self.alive(idp, tokens)


class TestMisusedAtUserInfo:
    """OAS-28: only an access token, and only in the header, opens a person's claims (RFC 6750 §2, RFC 8725 §3.12)."""

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    @pytest.mark.parametrize("kind", ["id_token", "refresh_token", "code"])
    def test_nothing_else_that_was_issued_does(self, idp: Idp, client: str, kind: str) -> None:
        code = idp.authorize(client=client).parameters["code"]
        shown = code if kind == "code" else idp.redeem(code, client).get_json()[kind]
        answer = idp.userinfo(shown)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="idp", error="invalid_token"'
        assert "alice" not in answer.text

    @pytest.mark.parametrize("client", ["gateway", "portal", "orders"])
    def test_nor_does_a_clients_own_token(self, idp: Idp, client: str) -> None:
        assert idp.userinfo(idp.own_token(client, scope="items:read")["access_token"]).status_code == 401

    @pytest.mark.parametrize("certificate", ["edge", "inventory", None])
    def test_nor_does_one_that_was_exchanged_for_a_service(self, idp: Idp, certificate: str | None) -> None:
        """RFC 9068 §4, RFC 8707 §2: it is for that one service, whoever shows it."""
        token = idp.exchange(idp.tokens()["access_token"], "edge", "inventory").get_json()["access_token"]
        answer = idp.userinfo(token, environ_overrides=idp.connection_of(certificate) if certificate else {})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="idp", error="invalid_token"'
        assert "alice" not in answer.text

    @pytest.mark.parametrize("place", ["the query", "a form", "a cookie", "another header", "Basic"])
    def test_nor_a_good_one_in_another_place(self, idp: Idp, place: str) -> None:
        token = idp.tokens()["access_token"]
        browser = idp.browser()
        if place == "a cookie":
            browser.set_cookie("access_token", token, domain="localhost")
        places: dict[str, dict[str, Any]] = {
            "the query": {"query_string": {"access_token": token}},
            "a form": {"method": "POST", "data": {"access_token": token}},
            "a cookie": {},
            "another header": {"headers": {"X-Access-Token": token, "X-Forwarded-Authorization": f"Bearer {token}"}},
            "Basic": {"headers": basic("alice", token)},
        }
        answer = browser.open("/userinfo", base_url=ISSUER, **places[place])
        assert answer.status_code == 401
        assert "alice" not in answer.text

    def test_an_id_token_whose_kind_was_rewritten_is_none(self, idp: Idp) -> None:
        _, payload, signature = idp.tokens(client="portal")["id_token"].split(".")
        header = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"at+jwt"}').rstrip(b"=").decode()
        assert idp.userinfo(f"{header}.{payload}.{signature}").status_code == 401


class TestGreedyExchange:
    """OAS-33: a breached service trades tokens for more than it may have (RFC 8693 §2.1, §2.2.2, §4.1, §5)."""

    @pytest.fixture
    def token(self, idp: Idp) -> str:
        """Alice's, as the edge receives it."""
        return str(idp.tokens()["access_token"])

    @pytest.mark.parametrize(
        "audience",
        ["billing", "edge", "gateway", "idp", " ", "*", "ORDERS", "orders ", "orders/", "orders,billing"],
    )
    def test_not_for_another_audience(self, idp: Idp, token: str, audience: str) -> None:
        assert refusal(idp.exchange(token, "edge", audience)) == INVALID_TARGET

    @pytest.mark.parametrize("service", ["inventory", "orders"])
    def test_not_for_the_audience_that_another_service_may_have(self, idp: Idp, token: str, service: str) -> None:
        inner = idp.exchange(token, "edge", service).get_json()["access_token"]
        assert refusal(idp.exchange(inner, service, "orders")) == INVALID_TARGET

    @pytest.mark.parametrize(
        "scope",
        ["orders:refund", "orders:read orders:refund", "admin", "*", "email", "offline_access", "ORDERS:READ", " "],
    )
    def test_not_for_more_scope(self, idp: Idp, token: str, scope: str) -> None:
        assert refusal(idp.exchange(token, "edge", "orders", scope=scope)) == INVALID_SCOPE

    def test_not_for_the_scope_that_was_given_up_on_the_way(self, idp: Idp, token: str) -> None:
        narrow = idp.exchange(token, "edge", "orders", scope="items:read").get_json()["access_token"]
        assert refusal(idp.exchange(narrow, "orders", "inventory", scope="orders:read")) == INVALID_SCOPE

    @pytest.mark.parametrize("kind", ["refresh_token", "id_token", "code"])
    @pytest.mark.parametrize("said", [ACCESS_TOKEN, f"{TYPE}refresh_token", f"{TYPE}id_token", f"{TYPE}jwt", TYPE, ""])
    def test_not_for_anything_but_an_access_token(self, idp: Idp, kind: str, said: str) -> None:
        code = idp.authorize().parameters["code"]
        subject = code if kind == "code" else idp.redeem(code).get_json()[kind]
        answer = idp.exchange(subject, "edge", "orders", subject_token_type=said)
        assert refusal(answer) == INVALID_REQUEST

    @pytest.mark.parametrize("said", [f"{TYPE}refresh_token", f"{TYPE}id_token", f"{TYPE}saml2", "access_token"])
    def test_not_into_anything_but_an_access_token(self, idp: Idp, token: str, said: str) -> None:
        answer = idp.exchange(token, "edge", "orders", requested_token_type=said)
        assert refusal(answer) == INVALID_REQUEST

    @pytest.mark.parametrize(
        ("whose", "service"),
        [("portal", "orders"), ("portal", "edge"), ("gateway", "orders"), ("cli", "orders"), ("cli", "edge")],
    )
    def test_not_a_token_that_was_meant_for_others(self, idp: Idp, whose: str, service: str) -> None:
        """Overheard, or copied from a log: the service that shows it may exchange, but is not its audience."""
        subject = idp.tokens("carol", whose)["access_token"]
        assert refusal(idp.exchange(subject, service, "inventory")) == INVALID_REQUEST

    def test_not_what_it_has_handed_on_itself(self, idp: Idp, token: str) -> None:
        handed_on = idp.exchange(token, "edge", "orders").get_json()["access_token"]
        assert refusal(idp.exchange(handed_on, "edge", "inventory")) == INVALID_REQUEST

    @pytest.mark.parametrize("how", ["the token", "its family", "the person"])
    def test_not_what_was_taken_back(self, idp: Idp, how: str) -> None:
        tokens = idp.tokens("bob")
        inner = idp.exchange(tokens["access_token"], "edge", "orders").get_json()["access_token"]
        if how == "the person":
            idp.users.disable("bob")
        else:
            kind = "access_token" if how == "the token" else "refresh_token"
            idp.post("/revoke", "gateway", token=tokens[kind])
        assert refusal(idp.exchange(tokens["access_token"], "edge", "orders")) == INVALID_REQUEST
        if how != "the token":
            assert refusal(idp.exchange(inner, "orders", "inventory")) == INVALID_REQUEST
        if how == "the person":
            idp.users.enable("bob")

    def test_not_what_has_expired(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with Idp(tmp_path_factory) as own:
            token = own.tokens()["access_token"]
            inner = own.exchange(token, "edge", "orders").get_json()["access_token"]
            own.clock.advance(300)
            assert refusal(own.exchange(token, "edge", "orders")) == INVALID_REQUEST
            assert refusal(own.exchange(inner, "orders", "inventory")) == INVALID_REQUEST

    FORGERIES: ClassVar[dict[str, str]] = {
        "unsigned": "{header}.{payload}.",
        "signed with none": "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.",
        "signed by nobody": "{header}.{payload}." + "A" * 86,
        "padded": "{header}.{payload}.{signature}=",
        "about another person": "{header}.{carol}.{signature}",
    }

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_not_a_forgery(self, idp: Idp, token: str, forgery: str) -> None:
        inner = idp.exchange(token, "edge", "orders").get_json()["access_token"]
        header, payload, signature = inner.split(".")
        carols = json.dumps(claims_of(inner) | {"sub": "carol"}).encode()
        parts = {"header": header, "payload": payload, "signature": signature}
        parts["carol"] = base64.urlsafe_b64encode(carols).rstrip(b"=").decode()
        subject = self.FORGERIES[forgery].format(**parts)
        assert refusal(idp.exchange(subject, "orders", "inventory")) == INVALID_REQUEST

    WHO: ClassVar[dict[str, tuple[str | None, dict[str, str], str, tuple[int, str]]]] = {
        "a client that may not": ("gateway", {}, "", (400, "unauthorized_client")),
        "a public client": ("cli", {}, "", INVALID_CLIENT),
        "nobody": (None, {}, "", INVALID_CLIENT),
        "who only names a service": (None, {"client_id": "edge"}, "", INVALID_CLIENT),
        "who has another's certificate": (None, {"client_id": "edge"}, "billing", INVALID_CLIENT),
        "who has another service's certificate": (None, {"client_id": "edge"}, "orders", INVALID_CLIENT),
    }

    @pytest.mark.parametrize("who", WHO)
    def test_not_by_just_anybody(self, idp: Idp, token: str, who: str) -> None:
        client, form, certificate, expected = self.WHO[who]
        form = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": "orders", **form}
        form["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange"
        if client:
            assert refusal(idp.post("/token", client, **form)) == expected
            return
        environ = idp.connection_of(certificate) if certificate else {}
        assert refusal(idp.browser().post("/token", base_url=ISSUER, data=form, environ_overrides=environ)) == expected

    ACTORS: ClassVar[dict[str, dict[str, str]]] = {
        "a token for an actor": {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
        "a token of no type": {"actor_token": "x"},
        "a type of no token": {"actor_token_type": ACCESS_TOKEN},
    }

    @pytest.mark.parametrize("actor", ACTORS)
    def test_not_in_the_name_of_another_actor(self, idp: Idp, token: str, actor: str) -> None:
        assert refusal(idp.exchange(token, "edge", "orders", **self.ACTORS[actor])) == INVALID_REQUEST

    @pytest.mark.parametrize(
        "claim",
        [{"act": '{"sub":"gateway"}'}, {"sub": "carol"}, {"aud": "billing"}, {"cnf": "{}"}, {"exp": "9999999999"}],
    )
    def test_no_claim_can_be_asked_for(self, idp: Idp, token: str, claim: dict[str, str]) -> None:
        claims = claims_of(idp.exchange(token, "edge", "orders", **claim).get_json()["access_token"])
        assert (claims["sub"], claims["aud"], claims["act"]) == ("alice", ["orders"], {"sub": "edge"})
        assert claims["exp"] == int(idp.clock()) + 300
        assert claims["cnf"]["x5t#S256"]

    def test_who_acted_before_stays_in_the_token(self, idp: Idp, token: str) -> None:
        first = idp.exchange(token, "edge", "orders").get_json()["access_token"]
        second = idp.exchange(first, "orders", "inventory").get_json()["access_token"]
        assert claims_of(first)["act"] == {"sub": "edge"}
        assert claims_of(second)["act"] == {"sub": "orders", "act": {"sub": "edge"}}
        assert idp.introspect(second, "inventory")["act"] == claims_of(second)["act"]
        assert claims_of(second)["sub"] == "alice"

    def test_there_is_nothing_to_refresh_it_with(self, idp: Idp, token: str) -> None:
        answer = idp.exchange(token, "edge", "orders", scope="openid").get_json()
        assert not {"refresh_token", "id_token"} & set(answer)


ROUNDS = 20
KINDS = ("code", "access_token", "refresh_token", "jti", "cookie")


@pytest.fixture(scope="module")
def collected(shared: Idp) -> dict[str, list[str]]:
    """What a few log-ins bring, by kind."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        browser = shared.browser()
        code = shared.authorize(browser=browser).parameters["code"]
        tokens = shared.redeem(code).get_json()
        inner = shared.exchange(tokens["access_token"], "edge", "orders").get_json()["access_token"]
        cookie = browser.get_cookie("__Host-idp-9443", domain="localhost")
        opened = _opened(cookie.value if cookie else "")
        secrets = (code, tokens["access_token"], tokens["refresh_token"], claims_of(inner)["jti"], opened["login"])
        for kind, secret in zip(KINDS, secrets, strict=True):
            found[kind].append(secret)
    return found


def _opened(cookie: str) -> dict[str, Any]:
    """What a signed cookie says; anybody can read it."""
    payload = cookie.partition(".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


class TestGuessing:
    """OAS-29: what opens something is long, random and never the same (RFC 6749 §10.10, ASVS 7.2.3, 11.5.1)."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_has_256_bits_that_are_all_in_play(self, collected: dict[str, list[str]], kind: str) -> None:
        """Each bit is set in some and not in others: all twenty agree in one by chance once in 524,288 times."""
        octets = [base64.urlsafe_b64decode(each + "=") for each in collected[kind]]
        assert {len(each) for each in octets} == {32}
        numbers = [int.from_bytes(each, "big") for each in octets]
        set_in_all, set_in_any = numbers[0], numbers[0]
        for number in numbers:
            set_in_all, set_in_any = set_in_all & number, set_in_any | number
        stuck = set_in_all.bit_count() + (256 - set_in_any.bit_count())
        assert stuck <= 2

    def test_none_comes_twice(self, collected: dict[str, list[str]]) -> None:
        every = [each for kind in collected.values() for each in kind]
        assert len(set(every)) == len(every) == len(KINDS) * ROUNDS

    def test_two_have_nothing_in_common(self, collected: dict[str, list[str]]) -> None:
        """No time, no counter, no person in it: no two begin or end alike."""
        for kind in collected.values():
            assert len({each[:6] for each in kind}) == len({each[-7:-1] for each in kind}) == ROUNDS

    def test_a_code_is_bound_to_what_was_asked_and_says_nothing_of_it(self, idp: Idp) -> None:
        code = idp.authorize(state="s1").parameters["code"]
        raw = base64.urlsafe_b64decode(code + "=")
        for word in (b"alice", b"gateway", CALLBACK.encode()):
            assert word not in raw
