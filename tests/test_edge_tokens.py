"""Genuine tokens at the gateway's API: of another kind, taken back since, or about no person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from werkzeug.test import TestResponse

from tests.edge_support import Place
from tests.idp_support import ISSUER, PASSWORDS, basic
from tests.support import bearer

pytest_plugins = ("tests.edge_fixtures",)


def ask(place: Place, token: str) -> TestResponse:
    """Who the gateway takes the bearer of `token` for; what it asked the identity provider is in `wire`."""
    place.wire.asked.clear()
    return place.open(place.browser(), "/api/me", headers=bearer(token))


def refused(answer: TestResponse) -> bool:
    """Whether the answer is the 401 that an invalid token is due (RFC 6750 §3.1)."""
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert "alice" not in answer.text
    return True


class TestOtherKinds:
    """OAS-20: what else the identity provider issues is no access token (RFC 7662 §2.2, RFC 8725 §2.8)."""

    @pytest.mark.parametrize("kind", ["refresh_token", "id_token", "code"])
    @pytest.mark.parametrize("client", ["gateway", "cli"])
    def test_it_opens_nothing(self, place: Place, client: str, kind: str) -> None:
        code = place.idp.authorize(client=client).parameters["code"]
        shown = code if kind == "code" else place.idp.redeem(code, client).get_json()[kind]
        assert refused(ask(place, shown))

    LIES: ClassVar[dict[str, dict[str, Any]]] = {
        "of another kind": {"token_type": "refresh_token"},
        "of no kind": {"token_type": None},
        "for somebody else": {"aud": ["billing"]},
        "for nobody": {"aud": []},
        "of another issuer": {"iss": "https://attacker.test"},
        "that has expired": {"exp": 1},
        "that ends never": {"exp": None},
        "of no client": {"client_id": None},
        "as a word": {"active": "true"},
    }

    @pytest.mark.parametrize("lie", LIES)
    def test_active_alone_is_not_enough(self, place: Place, lying: dict[str, Any], lie: str) -> None:
        """A certified server says `active` of refresh tokens; so the rest of its answer is looked at as well."""
        token = place.idp.tokens()["access_token"]
        lying |= self.LIES[lie]
        assert ask(place, token).status_code in {401, 503}

    def test_an_access_token_is_one(self, place: Place) -> None:
        assert ask(place, place.idp.tokens()["access_token"]).get_json()["user"] == "alice"


class TestTakenBack:
    """OAS-34: no answer about a token is kept, so the very next request finds out (RFC 7662 §4)."""

    def revoke(self, place: Place, tokens: dict[str, Any], kind: str) -> None:
        assert place.idp.post("/revoke", "gateway", token=tokens[kind]).status_code == 200

    HOW: ClassVar[dict[str, Callable[[TestTakenBack, Place, dict[str, Any]], Any]]] = {
        "revoked": lambda self, place, tokens: self.revoke(place, tokens, "access_token"),
        "its family revoked": lambda self, place, tokens: self.revoke(place, tokens, "refresh_token"),
        "its family reused": lambda _, place, tokens: [place.idp.refresh(tokens["refresh_token"]) for _ in range(2)],
        "its person disabled": lambda _, place, tokens: place.idp.users.disable("bob"),
        "its password changed": lambda _, place, tokens: place.idp.users.set_password("bob", PASSWORDS["bob"]),
        "its time over": lambda _, place, tokens: place.idp.clock.advance(300),
    }

    @pytest.mark.parametrize("how", HOW)
    def test_it_is_refused_at_once(self, place: Place, how: str) -> None:
        tokens = place.idp.tokens("bob")
        assert ask(place, tokens["access_token"]).status_code == 200
        began = place.idp.clock.now
        self.HOW[how](self, place, tokens)
        assert refused(ask(place, tokens["access_token"]))
        place.idp.clock.now = began
        place.idp.users.enable("bob")

    def test_a_scope_that_was_taken_away_is_missed_at_once(self, place: Place) -> None:
        tokens = place.idp.tokens("carol")
        assert ask(place, tokens["access_token"]).status_code == 200
        place.idp.users.set_scopes("carol", ["orders:read"])
        assert ask(place, tokens["access_token"]).status_code == 403

    def test_each_request_is_asked_about(self, place: Place) -> None:
        token = place.idp.tokens()["access_token"]
        for _ in range(3):
            assert ask(place, token).status_code == 200
            assert place.wire.asked == ["/introspect"]


class TestClientsAsPersons:
    """OAS-35: a client's own token is about no person, whatever the client is called (RFC 9700 §4.15, RFC 9068 §5)."""

    @pytest.mark.parametrize("client", ["gateway", "erin"])
    def test_it_is_nobodys(self, place: Place, client: str) -> None:
        form = {"grant_type": "client_credentials", "scope": "items:read orders:read"}
        answer = place.idp.browser().post("/token", base_url=ISSUER, data=form, headers=basic(client))
        assert ask(place, answer.get_json()["access_token"]).get_json()["user"] is None

    def test_a_person_called_like_a_client_is_not_logged_in(self, place: Place) -> None:
        page = place.idp.get(place.idp.request()).location
        assert place.idp.log_in(page, place.idp.browser(), "erin", "a password").status_code == 403
