"""What can be brought about at the management door, as a client of the identity provider then meets it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import jwt as pyjwt
import pytest
from sqlalchemy.exc import OperationalError

from idp.app import create_app
from idp.keys import Keys
from idp.manage import faults, journal, people, state
from idp.manage.client import Refused
from services.users import WrongPassword
from tests.idp_support import (
    ISSUER,
    PASSWORDS,
    Idp,
    a_client,
    a_service,
    basic,
    claims_of,
    header_of,
    refusal,
    settings_for,
)
from tests.manage_support import ManagedIdp, people_of

pytest_plugins = ("tests.postgres",)


@pytest.fixture
def idp(tmp_path_factory: pytest.TempPathFactory, quick_hashes: None) -> Iterator[ManagedIdp]:
    with ManagedIdp(tmp_path_factory) as idp:
        yield idp


def at(idp: ManagedIdp, worker: str, path: str, **form: str) -> Any:
    """What one of the two workers answers to the gateway."""
    browser = idp.browser() if worker == "first" else idp.at_other()
    return browser.post(path, base_url=ISSUER, data=form, headers=basic("gateway"))


def published(idp: ManagedIdp) -> dict[str, dict[str, Any]]:
    """The keys by name, as both workers publish them."""
    first, second = (each.get("/jwks", base_url=ISSUER).get_json() for each in (idp.browser(), idp.at_other()))
    assert first == second
    return {key["kid"]: key for key in first["keys"]}


class TestPeople:
    """Who may log in."""

    def test_somebody_new_can_log_in(self, idp: ManagedIdp) -> None:
        made = idp.manager.add_person("dora", "explorer", ["orders:read"], full_name="Dora", email="dora@shop.test")
        assert (made.name, made.scopes, made.disabled) == ("dora", ["orders:read"], False)
        assert people_of(idp.settings).check("dora", "explorer").full_name == "Dora"
        assert made in idp.manager.people()

    def test_who_is_disabled_is_out_until_enabled_and_logged_in_again(self, idp: ManagedIdp) -> None:
        token = idp.tokens()["access_token"]
        assert idp.manager.disable("alice").disabled
        assert not idp.introspect(token)["active"]
        assert not idp.manager.enable("alice").disabled
        assert not idp.introspect(token)["active"]
        assert idp.introspect(idp.tokens()["access_token"])["active"]

    def test_a_new_password_ends_the_old(self, idp: ManagedIdp) -> None:
        idp.manager.set_password("alice", "looking-glass")
        assert people_of(idp.settings).check("alice", "looking-glass")
        with pytest.raises(WrongPassword):
            people_of(idp.settings).check("alice", PASSWORDS["alice"])

    def test_scopes_that_are_taken_away_are_gone_from_tokens(self, idp: ManagedIdp) -> None:
        token = idp.tokens()["access_token"]
        assert idp.manager.set_scopes("alice", ["orders:read"]).scopes == ["orders:read"]
        assert "items:read" not in idp.introspect(token)["scope"]

    def test_what_cannot_be_done_is_refused(self, idp: ManagedIdp) -> None:
        acts: list[tuple[Callable[[], object], int]] = [
            (lambda: idp.manager.disable("nobody"), 404),
            (lambda: idp.manager.enable("nobody"), 404),
            (lambda: idp.manager.set_password("nobody", "x"), 404),
            (lambda: idp.manager.set_password("alice", "\0"), 409),
            (lambda: idp.manager.set_scopes("nobody", []), 404),
            (lambda: idp.manager.add_person("alice", "x"), 409),
            (lambda: idp.manager.add_person("a:b", "x"), 409),
            (lambda: idp.manager.add_person("gateway", "x"), 409),
        ]
        for act, status in acts:
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.status == status


class TestClients:
    """Who may ask for tokens."""

    def test_a_new_client_gets_a_secret_and_tokens_from_every_worker(self, idp: ManagedIdp) -> None:
        before = (idp.directory / "idp/secrets/clients.json").read_bytes()
        new = {**a_client("batch"), "secret_sha256": None}
        made = idp.manager.add_client(**new)
        headers = basic("batch", made.client_secret)
        for browser in (idp.browser(), idp.at_other()):
            form = {"grant_type": "client_credentials"}
            assert browser.post("/token", base_url=ISSUER, data=form, headers=headers).status_code == 200
        assert (idp.directory / "idp/secrets/clients.json").read_bytes() == before
        assert [each.client_id for each in idp.manager.clients() if each.added] == ["batch"]
        assert {each.client_secret for each in idp.manager.clients()} == {None}

    def test_a_secret_of_ones_own_may_be_told_by_its_hash(self, idp: ManagedIdp) -> None:
        assert idp.manager.add_client(**a_client("batch")).client_secret is None

    def test_a_removed_client_is_gone_with_its_tokens_until_reset(self, idp: ManagedIdp) -> None:
        token = idp.own_token("portal")["access_token"]
        idp.manager.remove_client("portal")
        assert refusal(idp.post("/token", "portal", grant_type="client_credentials")) == (401, "invalid_client")
        assert not idp.introspect(token)["active"]
        assert "portal" not in {each.client_id for each in idp.manager.clients()}
        idp.manager.reset()
        assert idp.own_token("portal")
        assert not idp.introspect(token)["active"]

    def test_what_cannot_be_done_is_refused(self, idp: ManagedIdp) -> None:
        for registration, status in (
            (a_client("alice"), 409),
            (a_client("batch", redirect_uris=["http://shop.test/"]), 422),
            (a_client("batch", introspect="yes"), 422),
        ):
            with pytest.raises(Refused) as refused:
                idp.manager.add_client(**registration)
            assert refused.value.status == status
        idp.manager.disable("alice")
        with pytest.raises(Refused, match="409"):
            idp.manager.add_client(**a_client("alice"))
        with pytest.raises(Refused, match="404"):
            idp.manager.remove_client("nobody")

    def test_a_certificate_proves_a_client_only_where_one_is_asked_for(self, idp: ManagedIdp) -> None:
        assert idp.manager.add_client(**a_service("courier")).added
        idp.register(a_client("gateway"))
        with pytest.raises(Refused, match="no certificate is asked for"):
            idp.manager.add_client(**a_service("messenger"))


class TestFaults:
    """Counted, never random."""

    def test_the_next_answers_have_the_status_and_those_after_are_as_ever(self, idp: ManagedIdp) -> None:
        armed = idp.manager.fault("/introspect", times=3, status=503)
        token = idp.own_token()["access_token"]
        seen = [at(idp, worker, "/introspect", token=token).status_code for worker in ("first", "second") * 2]
        assert seen == [503, 503, 503, 200]
        assert [(each.id, each.remaining) for each in idp.manager.faults()] == [(armed.id, 0)]

    def test_a_status_is_answered_and_nothing_else_is_done(self, idp: ManagedIdp) -> None:
        code = idp.authorize().parameters["code"]
        idp.manager.fault("/token", status=500)
        assert refusal(idp.redeem(code)) == (500, "server_error")
        assert idp.redeem(code).status_code == 200

    @pytest.mark.parametrize(
        ("status", "error"), [(503, "temporarily_unavailable"), (500, "server_error"), (429, "invalid_request")]
    )
    def test_a_status_comes_with_an_error_code(self, idp: ManagedIdp, status: int, error: str) -> None:
        idp.manager.fault("/userinfo", status=status)
        assert refusal(idp.get("/userinfo")) == (status, error)

    @pytest.mark.parametrize(
        "endpoint",
        ["/token", "/introspect", "/jwks", "/authorize", "/userinfo", "/revoke", "/.well-known/openid-configuration"],
    )
    def test_every_endpoint_can_fail_and_no_other_fails_with_it(self, idp: ManagedIdp, endpoint: str) -> None:
        idp.manager.fault(endpoint, status=502)
        assert idp.get("/login").status_code == 400
        assert idp.get("/readyz").status_code == 200
        method = "POST" if endpoint in {"/token", "/introspect", "/revoke"} else "GET"
        assert idp.browser().open(endpoint, method=method, base_url=ISSUER).status_code == 502

    def test_of_many_who_ask_at_once_as_many_meet_it_as_was_said(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", times=5, status=503)
        with ThreadPoolExecutor(4) as pool:
            browsers = [idp.browser(), idp.at_other()] * 8
            seen = list(pool.map(lambda each: each.get("/jwks", base_url=ISSUER).status_code, browsers))
        assert (seen.count(503), seen.count(200)) == (5, 11)

    def test_a_race_for_the_last_one_has_one_winner(self, idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both look before either takes; the step itself decides."""
        idp.manager.fault("/jwks", status=503)
        writing, seen = idp.provider.store.writing, []

        def overtaken() -> Any:
            monkeypatch.setattr(idp.provider.store, "writing", writing)
            seen.append(idp.at_other().get("/jwks", base_url=ISSUER).status_code)
            return writing()

        monkeypatch.setattr(idp.provider.store, "writing", overtaken)
        assert idp.get("/jwks").status_code == 200
        assert seen == [503]

    def test_faults_for_one_endpoint_stand_in_a_queue(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", status=503)
        idp.manager.fault("/jwks", status=404)
        assert [idp.get("/jwks").status_code for _ in range(3)] == [503, 404, 200]

    def test_cleared_faults_are_gone(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", status=503)
        idp.manager.clear_faults()
        assert idp.get("/jwks").status_code == 200
        assert idp.manager.faults() == []

    def test_while_none_is_armed_nobody_looks_for_one(self, idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch) -> None:
        idp.manager.fault("/jwks", status=503)
        assert idp.get("/jwks").status_code == 503
        monkeypatch.setattr(faults, "_take", None)
        assert idp.get("/jwks").status_code == 200

    def test_an_answer_can_be_late(self, idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        idp.manager.fault("/jwks", delay=2.5)
        assert idp.get("/jwks").get_json()["keys"]
        assert slept == [2.5]

    def test_an_answer_can_be_cut_short(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", answer="malformed")
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(idp.get("/jwks").text)

    def test_an_answer_can_be_a_page(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", answer="html", status=502)
        answer = idp.get("/jwks")
        assert (answer.status_code, answer.mimetype) == (502, "text/html")
        assert "<h1>" in answer.text

    def test_an_answer_can_be_far_too_long_and_json_all_the_same(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/jwks", answer="oversized")
        answer = idp.get("/jwks")
        assert len(answer.data) > faults.OVERSIZED
        assert json.loads(answer.text)["keys"]

    def test_an_answer_can_be_lost_half_way_though_it_was_done(self, idp: ManagedIdp) -> None:
        code = idp.authorize().parameters["code"]
        idp.manager.fault("/token", answer="dropped")
        answer = idp.redeem(code)
        assert len(answer.data) == answer.content_length // 2
        assert refusal(idp.redeem(code)) == (400, "invalid_grant")

    def test_a_line_that_is_dropped_is_dead(self) -> None:
        left, right = socket.socketpair()
        with left, right:
            assert b"".join(faults._half(b"abcd", left)) == b"ab"
            assert right.recv(1) == b""

    @pytest.mark.parametrize(
        "fault",
        [
            {"endpoint": "/jwks"},
            {"endpoint": "/login", "status": 500},
            {"endpoint": "/jwks", "status": 200},
            {"endpoint": "/jwks", "status": 500, "times": 0},
            {"endpoint": "/jwks", "delay": 61.0},
            {"endpoint": "/jwks", "delay": -1.0},
            {"endpoint": "/jwks", "answer": "strange"},
            {"endpoint": "/jwks", "token": "expired"},
            {"endpoint": "/jwks", "answer": "active-as-text"},
            {"endpoint": "/introspect", "token": "wrong-key"},
            {"endpoint": "/introspect", "token": "wrong-typ"},
            {"endpoint": "/introspect", "token": "expired", "of": "id"},
        ],
        ids=str,
    )
    def test_a_fault_that_makes_no_sense_is_refused(self, idp: ManagedIdp, fault: dict[str, Any]) -> None:
        with pytest.raises(Refused, match="422"):
            idp.manager.fault(**fault)


class TestWrongTokens:
    """What is signed, or told, is wrong in one way and right in all others."""

    def verify(self, idp: ManagedIdp, token: str) -> dict[str, Any]:
        """The claims, if the published key with the name in the header has signed them."""
        key = pyjwt.PyJWK(published(idp)[header_of(token)["kid"]])
        unchecked: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
        claims: dict[str, Any] = pyjwt.decode(token, key.key, [key.algorithm_name], options=unchecked)
        return claims

    @pytest.mark.parametrize("of", ["access", "id"])
    @pytest.mark.parametrize("wrong", ["expired", "wrong-issuer", "wrong-audience", "wrong-typ", "wrong-key"])
    def test_one_token_is_wrong_in_one_way(self, idp: ManagedIdp, wrong: str, of: str) -> None:
        right = idp.tokens(client="portal")
        idp.manager.fault("/token", token=wrong, of=of)
        spoilt = idp.tokens(client="portal")
        kind, other = ("access_token", "id_token") if of == "access" else ("id_token", "access_token")
        assert self.verify(idp, spoilt[other])["iss"] == ISSUER
        token, good = spoilt[kind], right[kind]
        if wrong == "wrong-key":
            assert header_of(token) == header_of(good)
            with pytest.raises(pyjwt.InvalidSignatureError):
                self.verify(idp, token)
            return
        found, was = self.verify(idp, token), claims_of(good)
        changed = {name for name in ("iss", "aud", "sub") if found[name] != was[name]}
        now = idp.provider.clock()
        assert changed == {"wrong-issuer": {"iss"}, "wrong-audience": {"aud"}}.get(wrong, set())
        assert (found["exp"] < now - 600) == (found["iat"] < now - 600) == (wrong == "expired")
        assert (header_of(token)["typ"] != header_of(good)["typ"]) == (wrong == "wrong-typ")
        assert type(found["aud"]) is type(was["aud"])

    def test_it_is_wrong_once(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/token", token="wrong-issuer")
        assert claims_of(idp.own_token("portal")["access_token"])["iss"] != ISSUER
        assert claims_of(idp.own_token("portal")["access_token"])["iss"] == ISSUER

    @pytest.mark.parametrize("wrong", ["expired", "wrong-issuer", "wrong-audience"])
    def test_introspection_can_tell_of_an_active_token_what_is_wrong(self, idp: ManagedIdp, wrong: str) -> None:
        token = idp.own_token()["access_token"]
        right = idp.introspect(token)
        idp.manager.fault("/introspect", token=wrong)
        told = idp.introspect(token)
        changed = {name for name in right if told[name] != right[name]}
        assert told["active"] is True
        assert changed == {"expired": {"exp", "iat"}, "wrong-issuer": {"iss"}, "wrong-audience": {"aud"}}[wrong]

    def test_introspection_of_an_inactive_token_has_nothing_to_spoil(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/introspect", token="expired")
        assert idp.introspect("nonsense") == {"active": False}

    def test_introspection_can_tell_of_activity_in_words(self, idp: ManagedIdp) -> None:
        idp.manager.fault("/introspect", answer="active-as-text", times=2)
        assert idp.introspect(idp.own_token()["access_token"])["active"] == "true"
        assert idp.introspect("nonsense")["active"] == "false"


class TestKeys:
    """Ahead, signing, retired, withdrawn."""

    def test_they_are_listed_with_their_state(self, idp: ManagedIdp) -> None:
        found = idp.manager.keys()
        assert {(key.algorithm, key.state) for key in found} == {("ES256", "signing"), ("RS256", "signing")}
        assert {key.kid for key in found} == published(idp).keys()

    def test_with_an_overlap_what_the_old_key_signed_can_be_verified(self, idp: ManagedIdp) -> None:
        old = header_of(idp.tokens(client="gateway")["id_token"])["kid"]
        found = idp.manager.rotate_keys(overlap=True)
        new = header_of(idp.tokens(client="gateway")["id_token"])["kid"]
        assert {key.kid: key.state for key in found if key.algorithm == "ES256"} == {old: "retired", new: "signing"}
        assert {old, new} <= published(idp).keys()

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_without_one_it_cannot(self, idp: ManagedIdp, algorithm: str) -> None:
        listed = idp.manager.keys()
        old = {key.algorithm: key.kid for key in listed}
        idp.manager.rotate_keys(algorithm, overlap=False)
        assert old[algorithm] not in published(idp)
        assert len(published(idp)) == 2

    def test_a_key_can_be_published_before_it_signs(self, idp: ManagedIdp) -> None:
        ahead = next(key for key in idp.manager.publish_key_ahead() if key.state == "ahead")
        assert ahead.kid in published(idp)
        assert header_of(idp.tokens(client="gateway")["id_token"])["kid"] != ahead.kid
        idp.manager.rotate_keys()
        assert header_of(idp.tokens(client="gateway")["id_token"])["kid"] == ahead.kid

    def test_a_withdrawn_key_is_gone_and_forgotten(self, idp: ManagedIdp) -> None:
        token = idp.tokens(client="gateway")["id_token"]
        idp.manager.rotate_keys(overlap=True)
        assert idp.provider.keys.verify(token, "JWT")
        kept = {path.name for path in (idp.directory / "idp/data").glob("*.pem")}
        left = idp.manager.withdraw_key(header_of(token)["kid"])
        assert header_of(token)["kid"] not in published(idp).keys() | {key.kid for key in left}
        assert len(kept) - len({path.name for path in (idp.directory / "idp/data").glob("*.pem")}) == 1
        assert idp.get("/logout", query_string={"id_token_hint": token}).status_code == 400

    def test_the_private_halves_are_ours_alone_and_never_told(self, idp: ManagedIdp) -> None:
        idp.manager.publish_key_ahead()
        idp.manager.rotate_keys()
        assert {p.stat().st_mode & 0o777 for p in (idp.directory / "idp/data").glob("*.pem")} == {0o600}
        assert not [key for key in published(idp).values() if {"d", "p", "q"} & key.keys()]

    def test_a_rotation_outlasts_the_door(self, idp: ManagedIdp) -> None:
        idp.manager.rotate_keys()
        there = idp.manager.keys()
        listed = {key.kid: key.state for key in there}
        plain = Keys(idp.settings.data_dir)
        assert {key["kid"] for key in plain.public["keys"]} == listed.keys()
        assert listed[header_of(plain.sign({}, "ES256", "JWT"))["kid"]] == "signing"

    def test_what_cannot_be_done_is_refused(self, idp: ManagedIdp) -> None:
        signing = idp.manager.keys()[0].kid
        idp.manager.publish_key_ahead()
        acts: list[tuple[Callable[[], object], int]] = [
            (lambda: idp.manager.withdraw_key(signing), 409),
            (lambda: idp.manager.withdraw_key("nonsense"), 404),
            (lambda: idp.manager.withdraw_key("../../secrets/clients.json"), 404),
            (lambda: idp.manager.publish_key_ahead(), 409),
            (lambda: idp.manager.rotate_keys("HS256"), 422),
        ]
        for act, status in acts:
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.status == status


class TestClock:
    """Time, for this identity provider alone."""

    def test_what_is_issued_ages_at_every_worker(self, idp: ManagedIdp) -> None:
        token = idp.own_token()["access_token"]
        idp.manager.advance_clock(299)
        assert at(idp, "second", "/introspect", token=token).get_json()["active"]
        there = idp.manager.advance_clock(1)
        assert there.ahead == 300
        assert there.now == idp.clock() + 300
        for worker in ("first", "second"):
            assert at(idp, worker, "/introspect", token=token).get_json() == {"active": False}

    def test_it_can_be_set_back(self, idp: ManagedIdp) -> None:
        idp.manager.advance_clock(-600)
        claims = claims_of(idp.own_token("portal")["access_token"])
        assert claims["iat"] == idp.clock() - 600

    def test_it_can_be_read(self, idp: ManagedIdp) -> None:
        idp.manager.advance_clock(5)
        assert (idp.manager.clock().ahead, idp.manager.clock().now) == (5, idp.clock() + 5)

    def test_a_worker_that_looked_earlier_does_not_turn_it_back(self, idp: ManagedIdp) -> None:
        """Two threads of one worker: the slower brings older news."""
        assert idp.provider.look()
        idp.manager.advance_clock(60)
        old = state.read(idp.provider.store) | {"clock": 0.0, "revision": 0.0}
        idp.provider.look()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(state, "read", lambda _: old)
            idp.provider.look()
        assert idp.provider.clock() == idp.clock() + 60


TRACE = "0af7651916cd43dd8448eb211c80319c"


class TestJournal:
    """Who asked what."""

    def test_it_tells_who_asked_what_and_what_came_of_it(self, idp: ManagedIdp) -> None:
        headers = basic("gateway") | {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        form = {"grant_type": "client_credentials"}
        idp.at_other().post("/token", base_url=ISSUER, data=form, headers=headers)
        (entry,) = idp.manager.journal(trace=TRACE)
        assert (entry.client, entry.method, entry.endpoint) == ("gateway", "POST", "/token")
        assert (entry.grant, entry.outcome, entry.status, entry.fault) == ("client_credentials", "allow", 200, None)
        assert entry.user is None
        assert abs(time.time() - datetime.fromisoformat(entry.time).timestamp()) < 60

    def test_a_refusal_is_told_by_its_code(self, idp: ManagedIdp) -> None:
        idp.redeem("nonsense")
        entry = idp.manager.journal()[-1]
        assert (entry.outcome, entry.reason, entry.status) == ("deny", "invalid_grant", 400)

    def test_a_fault_is_named(self, idp: ManagedIdp) -> None:
        armed = idp.manager.fault("/jwks", status=503)
        idp.get("/jwks")
        idp.get("/jwks")
        assert [(entry.status, entry.fault) for entry in idp.manager.journal()] == [(503, armed.id), (200, None)]

    def test_it_can_be_narrowed(self, idp: ManagedIdp) -> None:
        idp.own_token("gateway")
        idp.own_token("portal")
        idp.get("/jwks")
        assert [entry.client for entry in idp.manager.journal(endpoint="/token")] == ["gateway", "portal"]
        assert [entry.endpoint for entry in idp.manager.journal(client="portal")] == ["/token"]
        first, *others = idp.manager.journal()
        assert idp.manager.journal(after=first.id) == others
        assert idp.manager.journal(limit=1) == others[-1:]
        assert idp.manager.journal(trace=others[0].trace) == others[:1]

    def test_it_counts(self, idp: ManagedIdp) -> None:
        idp.own_token("gateway")
        idp.redeem("nonsense")
        idp.get("/jwks")
        found = idp.manager.counts()
        assert found.total == 3
        assert found.by_endpoint == {"/token": 2, "/jwks": 1}
        assert (found.by_client, found.by_status) == ({"gateway": 2}, {"200": 2, "400": 1})
        assert idp.manager.counts(endpoint="/jwks").total == 1

    def test_it_is_bounded(self, idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "BOUND", 4)
        monkeypatch.setattr(journal, "EVERY", 2)
        for _ in range(9):
            idp.get("/jwks")
        assert [entry.id for entry in idp.manager.journal()] == [5, 6, 7, 8, 9]

    def test_nothing_secret_gets_into_it(self, idp: ManagedIdp) -> None:
        tokens = idp.tokens()
        refreshed = idp.refresh(tokens["refresh_token"]).get_json()
        idp.introspect(tokens["access_token"])
        idp.userinfo(tokens["access_token"])
        idp.post("/token", grant_type="s3cret-grant", code="s3cret-code")
        idp.get("/s3cret-path?token=s3cret-query")
        idp.browser().post("/token", base_url=ISSUER, headers=basic("s3cret-client", "s3cret-secret"), data={"a": "b"})
        idp.manager.add_person("dora", "s3cret-password")
        written = idp.knock("GET", "/journal").text
        secrets = {*tokens.values(), *refreshed.values(), *PASSWORDS.values(), "the-secret-of-gateway", "s3cret"}
        secrets -= {300, "Bearer", tokens["scope"]}
        assert not [secret for secret in secrets if secret in written]
        assert len(idp.manager.journal()) > 8

    @pytest.mark.parametrize("path", ["/token", "/login"])
    @pytest.mark.parametrize("length", ["told", "untold"])
    def test_a_body_that_is_too_large_is_told_and_answered_as_ever(
        self, idp: ManagedIdp, path: str, length: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True} if length == "untold" else {}
        page = path if path == "/token" else idp.get(idp.request()).location
        form = {"grant_type": "client_credentials", "x": "x" * 70_000}
        answer = idp.browser().post(page, base_url=ISSUER, data=form, environ_overrides=environ)
        assert answer.status_code == 413
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        entry = idp.manager.journal()[-1]
        assert (entry.endpoint, entry.status, entry.grant, entry.outcome) == (path, 413, None, "deny")
        assert json.loads(capfd.readouterr().out.splitlines()[-1])["status"] == 413

    def test_looking_after_health_is_not_worth_an_entry(self, idp: ManagedIdp) -> None:
        idp.get("/readyz")
        idp.get("/healthz")
        assert idp.manager.journal() == []

    def test_a_journal_that_cannot_be_written_spoils_no_answer(
        self, idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def gone() -> None:
            raise OperationalError("", None, Exception("database is locked"))

        monkeypatch.setattr(idp.provider.store, "writing", gone)
        assert idp.get("/jwks").status_code == 200
        assert "the journal lacks an entry" in caplog.text


def test_being_alive_does_not_hang_on_what_the_door_wrote(idp: ManagedIdp, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> None:
        raise OperationalError("", None, Exception("disk I/O error"))

    monkeypatch.setattr(state, "read", gone)
    assert idp.get("/healthz").status_code == 200
    assert idp.get("/jwks").status_code == 503


class TestRevoke:
    """Taking back."""

    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_an_access_token_alone(self, idp: ManagedIdp, client: str) -> None:
        tokens = idp.tokens(client=client)
        assert idp.manager.revoke_token(tokens["access_token"]) == 1
        assert not idp.introspect(tokens["access_token"])["active"]
        assert idp.refresh(tokens["refresh_token"], client).status_code == 200
        assert idp.manager.revoke_token(tokens["access_token"]) == 0

    def test_a_refresh_token_with_its_family(self, idp: ManagedIdp) -> None:
        tokens = idp.tokens()
        assert idp.manager.revoke_token(tokens["refresh_token"]) == 1
        assert not idp.introspect(tokens["access_token"])["active"]

    def test_everything_of_a_person_and_nobody_elses(self, idp: ManagedIdp) -> None:
        browser = idp.browser()
        first = idp.redeem(idp.authorize(browser=browser).parameters["code"]).get_json()
        second, bobs = idp.tokens(client="cli"), idp.tokens("bob")
        assert idp.manager.revoke_user("alice") == 2
        assert not idp.introspect(first["access_token"])["active"]
        assert not idp.introspect(second["access_token"])["active"]
        assert idp.introspect(bobs["access_token"])["active"]
        assert idp.get(idp.request(), browser).location.startswith("/login"), "they are logged out too"

    def test_everything_of_a_client_what_it_got_by_exchange_too(self, idp: ManagedIdp) -> None:
        persons = idp.tokens()["access_token"]
        own = idp.own_token("edge")["access_token"]
        exchanged = idp.exchange(persons, "edge", "orders").get_json()["access_token"]
        assert idp.introspect(exchanged, "orders")["active"]
        assert idp.manager.revoke_client("edge") == 2, "one of its own, and one by exchange"
        assert not idp.introspect(own)["active"]
        assert not idp.introspect(exchanged, "orders")["active"]
        assert idp.introspect(persons)["active"]

    def test_what_a_clients_own_token_was_exchanged_for(self, idp: ManagedIdp) -> None:
        own = idp.own_token("orders")["access_token"]
        exchanged = [idp.exchange(own, "orders", "inventory").get_json()["access_token"] for _ in range(2)]
        assert all(idp.introspect(token, "inventory")["active"] for token in exchanged)
        idp.manager.revoke_client("orders")
        assert not any(idp.introspect(token, "inventory")["active"] for token in exchanged)

    def test_everything_that_came_of_a_code(self, idp: ManagedIdp) -> None:
        code, other = idp.authorize().parameters["code"], idp.tokens()
        tokens = idp.redeem(code).get_json()
        refreshed = idp.refresh(tokens["refresh_token"]).get_json()
        assert idp.manager.revoke_code(code) == 1
        assert not idp.introspect(refreshed["access_token"])["active"]
        assert idp.introspect(other["access_token"])["active"]

    def test_a_code_that_nobody_has_redeemed_yet(self, idp: ManagedIdp) -> None:
        code = idp.authorize().parameters["code"]
        assert idp.manager.revoke_code(code) == 1
        assert refusal(idp.redeem(code)) == (400, "invalid_grant")

    def test_what_was_never_issued_cannot_be_taken_back(self, idp: ManagedIdp) -> None:
        with pytest.raises(Refused, match="404"):
            idp.manager.revoke_token("nonsense")
        assert idp.manager.revoke_user("nobody") == idp.manager.revoke_client("x") == idp.manager.revoke_code("x") == 0


class TestReset:
    """As it was provisioned."""

    def test_everything_is_as_before_for_every_worker(self, idp: ManagedIdp) -> None:
        manager = idp.manager
        persons, clients = manager.people(), manager.clients()
        manager.add_person("dora", "explorer")
        manager.set_password("alice", "looking-glass")
        manager.set_scopes("bob", [])
        manager.disable("carol")
        manager.add_client(**a_client("batch"))
        manager.remove_client("portal")
        manager.fault("/jwks", status=503)
        manager.advance_clock(1000)
        assert manager.reset().ahead == 0
        assert [(p.name, p.scopes, p.disabled) for p in manager.people()] == [
            (p.name, p.scopes, p.disabled) for p in persons
        ]
        assert people_of(idp.settings).check("alice", PASSWORDS["alice"])
        assert manager.clients() == clients
        assert manager.faults() == []
        assert manager.journal() == []
        assert manager.clock().ahead == 0
        for browser in (idp.browser(), idp.at_other()):
            assert browser.get("/jwks", base_url=ISSUER).status_code == 200
        assert idp.own_token("portal")

    def test_a_version_never_falls_and_who_was_left_alone_keeps_theirs(self, idp: ManagedIdp) -> None:
        before = {person.name: person.version for person in idp.manager.people()}
        idp.manager.set_password("alice", "looking-glass")
        idp.manager.reset()
        after = {person.name: person.version for person in idp.manager.people()}
        assert after == before | {"alice": before["alice"] + 2}

    @pytest.mark.parametrize("change", ["password", "disabling", "scopes"])
    def test_what_was_issued_before_a_password_went_back_is_worth_nothing(self, idp: ManagedIdp, change: str) -> None:
        with_the_old = idp.tokens("alice")["access_token"]
        if change == "password":
            idp.manager.set_password("alice", "looking-glass")
        elif change == "disabling":
            idp.manager.disable("alice")
        else:
            idp.manager.set_scopes("alice", ["items:read", "openid"])
        idp.manager.reset()
        assert idp.introspect(with_the_old)["active"] is (change == "scopes")
        assert idp.introspect(idp.tokens("alice")["access_token"])["active"]

    def test_a_namesake_inherits_nothing(self, idp: ManagedIdp) -> None:
        scopes = ["items:read", "orders:read"]
        idp.manager.add_person("dora", "explorer", scopes)
        code = idp.authorize(None).response  # asks for a log-in
        assert code.status_code == 303
        PASSWORDS["dora"] = "explorer"
        try:
            tokens = idp.tokens("dora")
        finally:
            del PASSWORDS["dora"]
        assert idp.introspect(tokens["access_token"])["active"]
        idp.manager.reset()
        idp.manager.add_person("dora", "another", scopes)
        assert not idp.introspect(tokens["access_token"])["active"]
        assert refusal(idp.refresh(tokens["refresh_token"])) == (400, "invalid_grant")

    def test_what_was_taken_back_stays_taken_back(self, idp: ManagedIdp) -> None:
        token = idp.tokens()["access_token"]
        idp.manager.revoke_user("alice")
        idp.manager.reset()
        assert not idp.introspect(token)["active"]

    def test_the_people_are_kept_as_they_were_at_first_and_by_us_alone(self, idp: ManagedIdp) -> None:
        kept = idp.settings.data_dir / "people-as-provisioned.db"
        assert kept.stat().st_mode & 0o777 == 0o600
        idp.manager.add_person("dora", "explorer")
        people.remember(idp.settings)  # as at a restart
        idp.manager.reset()
        assert "dora" not in {person.name for person in idp.manager.people()}


class TestOnPostgres:
    """The same tables, in the other store."""

    @pytest.fixture
    def idp(self, tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[ManagedIdp]:
        with ManagedIdp(tmp_path_factory, postgres) as idp:
            yield idp

    def test_every_lever_works(self, idp: ManagedIdp) -> None:
        manager = idp.manager
        armed = manager.fault("/jwks", times=2, status=503)
        assert [each.get("/jwks", base_url=ISSUER).status_code for each in (idp.browser(), idp.at_other())] == [503] * 2
        assert idp.get("/jwks").status_code == 200
        assert [(each.id, each.remaining) for each in manager.faults()] == [(armed.id, 0)]
        token = idp.own_token()["access_token"]
        manager.advance_clock(301)
        assert not idp.introspect(token)["active"]
        manager.add_client(**a_client("batch"))
        code = idp.authorize().parameters["code"]
        assert manager.revoke_code(code) == manager.revoke_user("alice") + 1 == 1
        assert manager.counts(endpoint="/jwks").by_status == {"503": 2, "200": 1}
        assert manager.journal()[0].fault == armed.id
        manager.rotate_keys()
        assert len(published(idp)) == 3
        assert manager.reset().ahead == 0
        assert manager.journal() == []


def test_a_server_without_a_door_does_not_notice_what_a_door_once_did(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with ManagedIdp(tmp_path_factory) as managed:
        managed.manager.fault("/jwks", times=100, status=503)
        managed.manager.advance_clock(1000)
        plain = Idp.__new__(Idp)
        plain.directory, plain.clock = managed.directory, managed.clock
        plain.app = create_app(settings_for(managed.directory), managed.clock)
        plain.provider = plain.app.extensions["idp"]
        assert plain.get("/jwks").status_code == 200
        assert plain.provider.clock() == managed.clock()
        plain.provider.store.close()
