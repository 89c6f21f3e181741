"""Where a token may be used: RFC 8707, from the request for a code to the last refresh."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.datastructures import MultiDict

from idp import resource
from tests.idp_support import CALLBACK, ISSUER, NATIVE, VERIFIER, Idp, claims_of, refusal

pytest_plugins = ("tests.idp_fixtures",)
GATEWAY, EDGE = "spiffe://shop.test/gateway", "spiffe://shop.test/edge"
INVALID_TARGET = (400, "invalid_target")
NOT_ITS_OWN = [
    "spiffe://shop.test/orders",
    "spiffe://evil.test/gateway",
    "spiffe://shop.test/gateway/",
    "spiffe://shop.test/gateway#x",
    "https://gateway/",
    "gateway",
    "*",
]


def test_a_resource_is_the_name_of_a_service_or_an_audience_that_is_a_uri() -> None:
    allowed = ["gateway", "https://api.test/v1"]
    asked = MultiDict([("resource", GATEWAY), ("resource", "https://api.test/v1"), ("resource", GATEWAY)])
    assert resource.audiences(asked, allowed) == ["gateway", "https://api.test/v1"]
    assert resource.audiences(MultiDict(), allowed) is None


@pytest.mark.parametrize("uri", ["/v1", "//api.test/v1", "https://api.test/v1#", "https://api.test/v 1", "https:"])
def test_a_resource_is_an_absolute_uri_without_a_fragment(uri: str) -> None:
    with pytest.raises(resource.InvalidTarget):
        resource.audiences(MultiDict({"resource": uri}), [uri])


class TestAuthorize:
    """§2.1: what the client asks for when the person is there."""

    def test_every_token_that_comes_of_it_is_for_that_resource(self, shared: Idp) -> None:
        tokens = shared.tokens(resource=GATEWAY)
        assert shared.introspect(tokens["access_token"])["aud"] == ["gateway"]
        refreshed = shared.refresh(tokens["refresh_token"]).get_json()
        assert shared.introspect(refreshed["access_token"])["aud"] == ["gateway"]

    def test_another_resource_server_learns_nothing_about_it(self, shared: Idp) -> None:
        assert shared.introspect(shared.tokens()["access_token"], "edge")["active"]
        assert shared.introspect(shared.tokens(resource=GATEWAY)["access_token"], "edge") == {"active": False}

    def test_several_may_be_asked_for(self, shared: Idp) -> None:
        tokens = shared.tokens(resource=[EDGE, GATEWAY])
        assert set(shared.introspect(tokens["access_token"])["aud"]) == {"edge", "gateway"}

    def test_several_in_a_form_are_all_passed_on(self, shared: Idp) -> None:
        request = shared.request(resource=[EDGE, GATEWAY])
        form = MultiDict(parse_qsl(urlsplit(request).query))
        moved = shared.browser().post("/authorize", base_url=ISSUER, data=form)
        assert moved.location.count("resource=") == 2

    @pytest.mark.parametrize("uri", NOT_ITS_OWN)
    @pytest.mark.parametrize("who", ["alice", None])
    def test_what_is_not_the_clients_own_is_refused_before_anybody_logs_in(
        self, shared: Idp, uri: str, who: str | None
    ) -> None:
        answer = shared.authorize(who, resource=uri)
        assert answer.response.location.startswith(f"{CALLBACK}?")
        assert answer.parameters["error"] == "invalid_target"
        assert answer.parameters["iss"] == ISSUER

    def test_one_of_several_that_is_wrong_spoils_them_all(self, shared: Idp) -> None:
        answer = shared.authorize(resource=[GATEWAY, "spiffe://shop.test/orders"])
        assert answer.parameters["error"] == "invalid_target"

    def test_a_control_character_in_the_second_is_refused_too(self, shared: Idp) -> None:
        assert shared.authorize(resource=[GATEWAY, f"{EDGE}\n"]).parameters["error"] == "invalid_request"


class TestToken:
    """§2.2: fewer than were granted, never others."""

    def test_a_code_may_be_redeemed_for_less(self, shared: Idp) -> None:
        code = shared.authorize("alice").parameters["code"]
        token = shared.redeem(code, resource=EDGE).get_json()["access_token"]
        assert shared.introspect(token, "edge")["aud"] == ["edge"]

    def test_a_refresh_may_ask_for_less_and_the_next_for_all_again(self, shared: Idp) -> None:
        tokens = shared.tokens(resource=[EDGE, GATEWAY])
        less = shared.refresh(tokens["refresh_token"], resource=EDGE).get_json()
        assert shared.introspect(less["access_token"], "edge")["aud"] == ["edge"]
        again = shared.refresh(less["refresh_token"]).get_json()
        assert set(shared.introspect(again["access_token"])["aud"]) == {"gateway", "edge"}

    def test_a_client_asks_for_itself(self, shared: Idp) -> None:
        token = shared.own_token(resource=GATEWAY)["access_token"]
        assert shared.introspect(token)["aud"] == ["gateway"]

    @pytest.mark.parametrize("uri", NOT_ITS_OWN)
    @pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "client_credentials"])
    def test_what_is_not_the_clients_own_is_refused(self, shared: Idp, grant: str, uri: str) -> None:
        form: dict[str, Any] = {"grant_type": grant, "resource": uri}
        if grant == "authorization_code":
            code = shared.authorize("alice").parameters["code"]
            form |= {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        if grant == "refresh_token":
            form |= {"refresh_token": shared.tokens()["refresh_token"]}
        assert refusal(shared.post("/token", "gateway", **form)) == INVALID_TARGET

    def test_what_was_not_granted_at_first_is_refused_and_spends_nothing(self, shared: Idp) -> None:
        code = shared.authorize("alice", resource=GATEWAY).parameters["code"]
        assert refusal(shared.redeem(code, resource=EDGE)) == INVALID_TARGET
        tokens = shared.redeem(code).get_json()
        assert refusal(shared.refresh(tokens["refresh_token"], resource=EDGE)) == INVALID_TARGET
        assert shared.refresh(tokens["refresh_token"]).status_code == 200

    def test_what_the_client_has_lost_since_is_gone(self, idp: Idp) -> None:
        tokens = idp.tokens(resource=EDGE)
        idp.reregister("gateway", audience=["gateway"])
        assert refusal(idp.refresh(tokens["refresh_token"])) == INVALID_TARGET

    def test_a_public_client_asks_in_the_same_way(self, shared: Idp) -> None:
        code = shared.authorize("alice", client="cli", redirect_uri=NATIVE, resource=GATEWAY).parameters["code"]
        assert shared.redeem(code, "cli").status_code == 200


class TestExchange:
    """RFC 8693 §2.1: the one target of an exchange, by either name."""

    def exchange(self, idp: Idp, **named: Any) -> Any:
        return idp.exchange(idp.tokens()["access_token"], "edge", **{"audience": None, **named})

    @pytest.mark.parametrize("named", [{}, {"audience": "orders"}], ids=["alone", "with the audience"])
    def test_a_resource_names_it(self, shared: Idp, named: dict[str, str]) -> None:
        answer = self.exchange(shared, resource="spiffe://shop.test/orders", **named)
        assert claims_of(answer.get_json()["access_token"])["aud"] == ["orders"]

    @pytest.mark.parametrize(
        "named",
        [
            {"resource": "spiffe://shop.test/billing"},
            {"resource": "orders"},
            {"resource": ["spiffe://shop.test/orders", "spiffe://shop.test/inventory"]},
            {"audience": ["orders", "inventory"]},
            {"audience": ["orders", "billing"]},
            {"resource": "spiffe://shop.test/orders", "audience": "inventory"},
            {"resource": "spiffe://shop.test/orders", "audience": "billing"},
        ],
        ids=str,
    )
    def test_it_is_one_and_may_be_asked_for(self, shared: Idp, named: dict[str, Any]) -> None:
        assert refusal(self.exchange(shared, **named)) == INVALID_TARGET

    def test_it_may_be_named_more_than_once(self, shared: Idp) -> None:
        twice = {"audience": ["orders"] * 2, "resource": ["spiffe://shop.test/orders"] * 2}
        answer = self.exchange(shared, **twice)
        assert claims_of(answer.get_json()["access_token"])["aud"] == ["orders"]

    def test_a_token_for_one_resource_is_exchanged_there_and_nowhere_else(self, shared: Idp) -> None:
        for at, status in ((EDGE, 200), (GATEWAY, 400)):
            assert shared.exchange(shared.tokens(resource=at)["access_token"], "edge", "orders").status_code == status
