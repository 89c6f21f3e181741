"""The IdP's answer about an opaque token: only a whole, exact and current one counts as a yes (RFC 7662 §2.2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.identity import Identity, Unauthenticated, Unavailable
from services.patterns import oauth2
from services.patterns.oauth2 import OAuth2
from tests.support import ISSUER, bearer, request, settings

TOKEN = "an-opaque-token-that-nobody-may-log"
Ask = Callable[[Any], Identity]


def answer(**changes: Any) -> dict[str, Any]:
    """What the IdP says of a good token for `orders`, with changes; None stands for JSON null."""
    good = {"active": True, "token_type": "Bearer", "iss": ISSUER, "aud": ["orders"], "sub": "alice", "jti": "j"}
    return good | {"client_id": "cli", "exp": int(time.time()) + 300, "scope": "orders:read orders:write"} | changes


def without(member: str) -> dict[str, Any]:
    """A good answer that lacks a member."""
    return {name: value for name, value in answer().items() if name != member}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Show `orders` a token of which the IdP says this."""
    pattern = OAuth2(settings(tmp_path, pattern="oauth2"))

    def shown(said: Mapping[str, Any]) -> Identity:
        monkeypatch.setattr(pattern.idp, "introspect", lambda token: said if token == TOKEN else {"active": False})
        return pattern.authenticate(request(bearer(TOKEN)))

    return shown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The service's clock, standing at 2_000_000_000 until it is set."""
    stopped = SimpleNamespace(now=2_000_000_000.0)
    monkeypatch.setattr(oauth2, "time", SimpleNamespace(time=lambda: stopped.now))
    return stopped


def refused(ask: Ask, said: Mapping[str, Any], because: str) -> None:
    """The token is not good: a 401, whose reason does not tell the token."""
    with pytest.raises(Unauthenticated, match=because) as caught:
        ask(said)
    assert caught.value.error == "invalid_token"
    assert TOKEN not in caught.value.reason


def senseless(ask: Ask, said: Mapping[str, Any]) -> None:
    """The answer is not one that we can go by: a 503, and not a word of the answer in its reason."""
    with pytest.raises(Unavailable, match="the IdP's answer") as caught:
        ask(said)
    assert TOKEN not in caught.value.reason


class TestActive:
    def test_an_active_token_names_client_user_and_scopes(self, ask: Ask) -> None:
        found = ask(answer())
        assert (found.caller, found.user, sorted(found.scopes)) == ("cli", "alice", ["orders:read", "orders:write"])

    def test_a_token_that_is_not_active_is_refused(self, ask: Ask) -> None:
        refused(ask, {"active": False}, "not active")

    def test_no_is_no_whatever_else_is_said(self, ask: Ask) -> None:
        refused(ask, answer(active=False), "not active")

    @pytest.mark.parametrize(
        "active",
        ["true", "True", "false", "yes", "1", "", 1, 0, 1.0, -1, None, [], [True], {}, {"active": True}],
        ids=repr,
    )
    def test_only_the_json_value_true_means_active(self, ask: Ask, active: Any) -> None:
        senseless(ask, answer(active=active))

    @pytest.mark.parametrize(
        "said",
        [{}, without("active"), {"Active": True}, {"error": "invalid_client"}],
        ids=["nothing", "all but that", "another word", "an error"],
    )
    def test_an_answer_that_does_not_say_is_not_a_yes(self, ask: Ask, said: Mapping[str, Any]) -> None:
        senseless(ask, said)

    def test_only_the_member_called_active_counts(self, ask: Ask) -> None:
        senseless(ask, without("active") | {"ACTIVE": True, "valid": True, "is_active": True})

    def test_unknown_members_change_nothing(self, ask: Ask) -> None:
        granted = {"admin": True, "roles": ["admin"], "scopes": ["x"], "scp": "orders:refund", "username": "root"}
        assert ask(answer(**granted)) == ask(answer())


class TestMembers:
    @pytest.mark.parametrize("member", ["active", "token_type", "iss", "aud", "sub", "client_id", "exp"])
    def test_a_required_member_cannot_be_left_out_or_null(self, ask: Ask, member: str) -> None:
        senseless(ask, without(member))
        senseless(ask, answer(**{member: None}))

    @pytest.mark.parametrize(
        "token_type",
        ["refresh_token", "access_token", "bearer", "BEARER", "DPoP", "N_A", "mac", "", True, 1, ["Bearer"], "Bearer "],
        ids=repr,
    )
    def test_only_a_bearer_access_token_is_one(self, ask: Ask, token_type: Any) -> None:
        senseless(ask, answer(token_type=token_type))

    @pytest.mark.parametrize("member", ["iss", "sub", "client_id"])
    @pytest.mark.parametrize("value", [0, 1, 1.5, True, [], ["alice"], {}, {"alice": 1}], ids=repr)
    def test_a_name_has_to_be_a_string(self, ask: Ask, member: str, value: Any) -> None:
        senseless(ask, answer(**{member: value}))

    @pytest.mark.parametrize("member", ["sub", "client_id"])
    @pytest.mark.parametrize(
        "value",
        [
            *("", " ", "al ice", "alice\n", "alice\r\nx", "alice\0", "alicé", "аlice"),
            *("\u200b", "\x1b[31m", "a" * 257, "\ud800"),
        ],
        ids=range(12),
    )
    def test_a_name_is_a_few_visible_ascii_characters(self, ask: Ask, member: str, value: str) -> None:
        senseless(ask, answer(**{member: value}))

    @pytest.mark.parametrize(
        "exp", ["2000000000", "", 2e9, True, False, [], [2_000_000_000], {}, -1, 2**53, 10**30], ids=repr
    )
    def test_a_time_is_a_whole_number_of_seconds(self, ask: Ask, exp: Any) -> None:
        senseless(ask, answer(exp=exp))

    @pytest.mark.parametrize(
        "scope",
        [
            *(None, [], ["orders:read"], {"orders:read": 1}, True, 1, "a  b", " a", "a ", " ", "a\tb", "a\nb", "a\0b"),
            *("a\u00a0b", 'a"b', "a\\b", "é", "a" * 1025),
        ],
        ids=range(18),
    )
    def test_a_scope_is_a_string_of_words_with_one_space_between(self, ask: Ask, scope: Any) -> None:
        senseless(ask, answer(scope=scope))

    @pytest.mark.parametrize("aud", [{}, {"orders": 1}, 1, True, [1], ["orders", 1], [["orders"]], [None]], ids=repr)
    def test_an_audience_is_a_string_or_a_flat_list_of_strings(self, ask: Ask, aud: Any) -> None:
        senseless(ask, answer(aud=aud))


class TestMeaning:
    @pytest.mark.parametrize("aud", ["orders", ["orders"], ["billing", "orders"]], ids=repr)
    def test_a_token_for_us_among_others_is_for_us(self, ask: Ask, aud: Any) -> None:
        assert ask(answer(aud=aud)).user == "alice"

    @pytest.mark.parametrize(
        "aud",
        [
            *("billing", "gateway", "cli", "order", "orders2", "xorders", "Orders", "orders/", "orders ", "*", ""),
            *("orders billing", "https://orders", [], ["*"], ["billing", "inventory"], ["Orders"], [""]),
        ],
        ids=repr,
    )
    def test_a_token_for_somebody_else_is_refused(self, ask: Ask, aud: Any) -> None:
        refused(ask, answer(aud=aud), "meant for")

    @pytest.mark.parametrize(
        "iss", [f"{ISSUER}/", "http://idp.test:9443", "https://IDP.test:9443", "https://evil.test", ""]
    )
    def test_an_answer_about_another_issuers_token_makes_no_sense(self, ask: Ask, iss: str) -> None:
        senseless(ask, answer(iss=iss))

    def test_an_active_token_that_has_expired_has_expired(self, ask: Ask, clock: SimpleNamespace) -> None:
        said = answer(exp=2_000_000_000)
        clock.now = 1_999_999_999.999
        assert ask(said).user == "alice"
        clock.now = 2_000_000_000.0
        refused(ask, said, "expired")
        for exp in (0, 1, 1_000_000_000):
            refused(ask, answer(exp=exp), "expired")

    def test_a_clients_own_token_is_about_no_user(self, ask: Ask) -> None:
        assert ask(answer(sub="cli")).user is None

    @pytest.mark.parametrize(
        ("scope", "scopes"),
        [
            ("", set()),
            ("orders:read", {"orders:read"}),
            ("xorders:readx", {"xorders:readx"}),
            ("orders:read,orders:write", {"orders:read,orders:write"}),
            ("ORDERS:READ *", {"ORDERS:READ", "*"}),
        ],
    )
    def test_scopes_are_separated_by_spaces_and_compared_whole(self, ask: Ask, scope: str, scopes: set[str]) -> None:
        assert ask(answer(scope=scope)).scopes == scopes

    def test_a_token_without_scope_allows_nothing(self, ask: Ask) -> None:
        assert ask(without("scope")).scopes == frozenset()

    @pytest.mark.parametrize("cnf", [{"x5t#S256": "A" * 43}, {"jkt": "A" * 43}, {"jwk": {}}, {"kid": "x"}], ids=str)
    def test_a_token_bound_to_a_key_is_not_taken_from_just_anybody(self, ask: Ask, cnf: dict[str, Any]) -> None:
        refused(ask, answer(cnf=cnf), "bound")
