"""What is tried with a code or a refresh token that was stolen: a class for each attack, a test for each way to try."""

from __future__ import annotations

from itertools import permutations
from typing import Any, ClassVar

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.idp_support import (
    CALLBACK,
    CHALLENGE,
    NATIVE,
    VERIFIER,
    Idp,
    a_client,
    refusal,
)

pytest_plugins = ("tests.idp_fixtures",)

INVALID_GRANT = (400, "invalid_grant")
INVALID_CLIENT = (401, "invalid_client")
INACTIVE = {"active": False}
MALLORYS = "m" * 43
"""A verifier that mallory knows."""


@pytest.fixture(scope="module")
def idp(shared: Idp) -> Idp:
    """One for all: whoever attacks here spoils nothing but what was issued for the purpose."""
    return shared


def dead(idp: Idp, *issued: dict[str, Any], client: str = "gateway") -> bool:
    """Whether nothing of what was issued is any good: not at introspection, not at UserInfo, not for a refresh."""
    for tokens in issued:
        assert idp.introspect(tokens["access_token"]) == INACTIVE
        assert idp.userinfo(tokens["access_token"]).status_code == 401
        assert refusal(idp.refresh(tokens["refresh_token"], client)) == INVALID_GRANT
    return True


class TestDowngradedProof:
    """OAS-08 and OAS-09: a code that was stolen on its way, without its verifier (RFC 7636 §4.6, RFC 9700 §4.8.2)."""

    PROOFS: ClassVar[dict[str, dict[str, Any]]] = {
        "none": {"code_verifier": None},
        "an empty one": {"code_verifier": ""},
        "mallory's own": {"code_verifier": MALLORYS},
        "the challenge, which all could see": {"code_verifier": CHALLENGE},
        "the challenge, said to be plain": {"code_verifier": CHALLENGE, "code_challenge_method": "plain"},
        "her own, and its challenge": {
            "code_verifier": MALLORYS,
            "code_challenge": create_s256_code_challenge(MALLORYS),
            "code_challenge_method": "S256",
        },
        "none, and no challenge": {"code_verifier": None, "code_challenge": ""},
        "the right one but for its case": {"code_verifier": VERIFIER.upper()},
        "the right one, padded": {"code_verifier": VERIFIER + "="},
        "the right one and a space": {"code_verifier": VERIFIER + " "},
        "the right one, cut": {"code_verifier": VERIFIER[:-1]},
        "the right one under another name": {"code_verifier": None, "verifier": VERIFIER, "CODE_VERIFIER": VERIFIER},
    }

    @pytest.mark.parametrize("client", ["gateway", "cli"])
    @pytest.mark.parametrize("proof", PROOFS)
    def test_no_other_proof_will_do(self, idp: Idp, client: str, proof: str) -> None:
        code = idp.authorize(client=client).parameters["code"]
        assert refusal(idp.redeem(code, client, **self.PROOFS[proof])) == INVALID_GRANT

    def test_a_verifier_in_the_query_is_none(self, idp: Idp) -> None:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        code = idp.authorize().parameters["code"]
        answer = idp.post(f"/token?code_verifier={VERIFIER}", "gateway", code=code, **form)
        assert refusal(answer) == INVALID_GRANT

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    def test_there_is_no_code_without_a_challenge_that_a_verifier_could_be_sent_for(
        self, idp: Idp, client: str
    ) -> None:
        stripped: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None, "code_verifier": VERIFIER}
        answer = idp.authorize(client=client, **stripped)
        assert answer.parameters["error"] == "invalid_request"
        assert "code" not in answer.parameters


class TestReplayedCode:
    """OAS-10: a code used twice was held by two, so all that came of it is taken back (RFC 6749 §4.1.2, §10.5)."""

    REPLAYS: ClassVar[dict[str, tuple[str, dict[str, Any]]]] = {
        "by the same client": ("gateway", {}),
        "by another client": ("portal", {}),
        "by a public client": ("cli", {}),
        "by another client for its own redirect URI": ("cli", {"redirect_uri": NATIVE}),
        "with a wrong verifier": ("gateway", {"code_verifier": MALLORYS}),
        "without a verifier": ("gateway", {"code_verifier": None}),
        "for another redirect URI": ("gateway", {"redirect_uri": "https://attacker.test/"}),
        "without a redirect URI": ("gateway", {"redirect_uri": None}),
    }

    @pytest.mark.parametrize("replay", REPLAYS)
    def test_a_replay_takes_all_of_it_back(self, idp: Idp, replay: str) -> None:
        code = idp.authorize().parameters["code"]
        tokens = idp.redeem(code).get_json()
        client, changes = self.REPLAYS[replay]
        assert refusal(idp.redeem(code, client, **changes)) == INVALID_GRANT
        assert dead(idp, tokens)

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    @pytest.mark.parametrize("refreshes", [1, 3])
    def test_so_does_one_after_a_refresh(self, idp: Idp, client: str, refreshes: int) -> None:
        code = idp.authorize(client=client).parameters["code"]
        issued = [idp.redeem(code, client).get_json()]
        for _ in range(refreshes):
            issued.append(idp.refresh(issued[-1]["refresh_token"], client).get_json())
        assert refusal(idp.redeem(code, client)) == INVALID_GRANT
        assert dead(idp, *reversed(issued), client=client)

    def test_so_does_one_after_the_token_was_exchanged(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        first = idp.redeem(code).get_json()["access_token"]
        second = idp.exchange(first, "edge", "orders").get_json()["access_token"]
        third = idp.exchange(second, "orders", "inventory").get_json()["access_token"]
        idp.redeem(code)
        for token, reader in ((first, "gateway"), (second, "orders"), (third, "inventory")):
            assert idp.introspect(token, reader) == INACTIVE

    def test_a_third_try_is_refused_like_the_second(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        assert idp.redeem(code).status_code == 200
        assert [refusal(idp.redeem(code)) for _ in range(3)] == [INVALID_GRANT] * 3

    def test_who_proves_to_be_no_client_takes_nothing_back(self, idp: Idp) -> None:
        code = idp.authorize().parameters["code"]
        tokens = idp.redeem(code).get_json()
        assert refusal(idp.redeem(code, None, client_id="gateway")) == INVALID_CLIENT
        assert idp.introspect(tokens["access_token"])["active"]

    def test_another_code_of_the_same_person_is_left_alone(self, idp: Idp) -> None:
        browser = idp.browser()
        stolen, other = (idp.authorize(browser=browser).parameters["code"] for _ in range(2))
        tokens = [idp.redeem(code).get_json() for code in (stolen, other)]
        idp.redeem(stolen)
        assert [idp.introspect(each["access_token"])["active"] for each in tokens] == [False, True]


class TestInjectedCode:
    """OAS-11: a code in other hands than those that it was issued to (RFC 9700 §4.5, RFC 6749 §4.1.3)."""

    @pytest.mark.parametrize("thief", ["portal", "cli"])
    @pytest.mark.parametrize("redirect_uri", [CALLBACK, NATIVE])
    def test_another_client_cannot_redeem_it(self, idp: Idp, thief: str, redirect_uri: str) -> None:
        code = idp.authorize(client="gateway").parameters["code"]
        assert refusal(idp.redeem(code, thief, redirect_uri=redirect_uri)) == INVALID_GRANT
        assert idp.redeem(code).status_code == 200

    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_a_public_clients_code_is_no_good_to_a_confidential_one(self, idp: Idp, client: str) -> None:
        code = idp.authorize(client="cli").parameters["code"]
        assert refusal(idp.redeem(code, client, redirect_uri=NATIVE)) == INVALID_GRANT

    URIS: ClassVar[dict[str, str | None]] = {
        "none": None,
        "an empty one": "",
        "a slash behind": CALLBACK + "/",
        "a query behind": CALLBACK + "?x=1",
        "a fragment behind": CALLBACK + "#",
        "in capitals": CALLBACK.upper(),
        "the host in capitals": CALLBACK.replace("localhost", "LOCALHOST"),
        "without a port": CALLBACK.replace(":8443", ""),
        "plain HTTP": CALLBACK.replace("https", "http"),
        "an encoded letter": CALLBACK.replace("callback", "%63allback"),
        "a space behind": CALLBACK + " ",
        "another client's": NATIVE,
        "an attacker's": "https://attacker.test/callback",
    }

    @pytest.mark.parametrize("uri", URIS)
    def test_it_is_no_good_for_another_redirect_uri(self, idp: Idp, uri: str) -> None:
        code = idp.authorize().parameters["code"]
        assert refusal(idp.redeem(code, redirect_uri=self.URIS[uri])) == INVALID_GRANT

    def test_nor_for_another_one_that_is_registered(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with Idp(tmp_path_factory) as own:
            second = "https://localhost:8443/second"
            own.register(a_client("gateway", redirect_uris=[CALLBACK, second]))
            code = own.authorize().parameters["code"]
            assert refusal(own.redeem(code, redirect_uri=second)) == INVALID_GRANT
            assert own.redeem(code).status_code == 200

    def test_a_code_of_mallorys_does_not_fit_into_alices_log_in(self, idp: Idp) -> None:
        """Her browser began with a verifier of its own; the code that was slipped in hangs on another."""
        mallorys = idp.authorize("bob", code_challenge=create_s256_code_challenge(MALLORYS)).parameters["code"]
        assert refusal(idp.redeem(mallorys, code_verifier=VERIFIER)) == INVALID_GRANT

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token", "id_token"])
    def test_nothing_else_passes_for_a_code(self, idp: Idp, kind: str) -> None:
        tokens = idp.tokens()
        assert refusal(idp.redeem(tokens[kind])) == INVALID_GRANT
        assert idp.introspect(tokens["access_token"])["active"]


class TestReusedRefreshToken:
    """OAS-16: of a refresh token used twice one of the two uses was a thief's (RFC 9700 §2.2.2, §4.14.2)."""

    def chain(self, idp: Idp, client: str, length: int = 4) -> list[dict[str, Any]]:
        """The answers of a log-in and of the refreshes after it."""
        answers = [idp.tokens(client=client)]
        while len(answers) < length:
            answers.append(idp.refresh(answers[-1]["refresh_token"], client).get_json())
        return answers

    @pytest.mark.parametrize("client", ["gateway", "portal", "cli"])
    @pytest.mark.parametrize("ancestor", [0, 1, 2])
    def test_every_ancestor_takes_the_whole_family_along(self, idp: Idp, client: str, ancestor: int) -> None:
        answers = self.chain(idp, client)
        assert refusal(idp.refresh(answers[ancestor]["refresh_token"], client)) == INVALID_GRANT
        assert dead(idp, *reversed(answers), client=client)

    REUSES: ClassVar[dict[str, dict[str, Any]]] = {
        "for less": {"scope": "items:read"},
        "for more": {"scope": "openid orders:refund"},
        "for nonsense": {"scope": "admin"},
    }

    @pytest.mark.parametrize("reuse", REUSES)
    def test_whatever_it_is_used_for_the_second_time(self, idp: Idp, reuse: str) -> None:
        answers = self.chain(idp, "gateway", 2)
        assert refusal(idp.refresh(answers[0]["refresh_token"], **self.REUSES[reuse])) == INVALID_GRANT
        assert dead(idp, answers[1])

    def test_what_was_exchanged_meanwhile_goes_with_it(self, idp: Idp) -> None:
        answers = self.chain(idp, "gateway", 2)
        inner = idp.exchange(answers[1]["access_token"], "edge", "orders").get_json()["access_token"]
        idp.refresh(answers[0]["refresh_token"])
        assert idp.introspect(inner, "orders") == INACTIVE

    def test_a_thief_who_comes_first_loses_all_when_the_owner_comes(self, idp: Idp) -> None:
        owners = idp.tokens()
        thiefs = idp.refresh(owners["refresh_token"]).get_json()
        thiefs = idp.refresh(thiefs["refresh_token"]).get_json()
        assert refusal(idp.refresh(owners["refresh_token"])) == INVALID_GRANT
        assert dead(idp, thiefs)

    def test_the_person_can_log_in_again_afterwards(self, idp: Idp) -> None:
        browser = idp.browser()
        first = idp.redeem(idp.authorize(browser=browser).parameters["code"]).get_json()
        for _ in range(2):
            idp.refresh(first["refresh_token"])
        again = idp.redeem(idp.authorize(None, browser).parameters["code"]).get_json()
        assert idp.introspect(again["access_token"])["active"]


class TestStolenRefreshToken:
    """OAS-17: a refresh token in other hands, or for more than it was issued for (RFC 6749 §6, §10.4)."""

    @pytest.mark.parametrize(("owner", "thief"), list(permutations(["gateway", "portal", "cli"], 2)))
    def test_it_is_no_good_to_another_client(self, idp: Idp, owner: str, thief: str) -> None:
        token = idp.tokens(client=owner)["refresh_token"]
        assert refusal(idp.refresh(token, thief)) == INVALID_GRANT
        assert idp.refresh(token, owner).status_code == 200

    def test_nor_to_somebody_who_only_names_the_client(self, idp: Idp) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": idp.tokens()["refresh_token"], "client_id": "gateway"}
        assert refusal(idp.post("/token", None, **form)) == INVALID_CLIENT
        assert idp.refresh(form["refresh_token"]).status_code == 200

    def test_nor_to_a_service_with_a_certificate(self, idp: Idp) -> None:
        token = idp.tokens()["refresh_token"]
        assert refusal(idp.refresh(token, "orders")) == (400, "unauthorized_client")
        assert idp.refresh(token).status_code == 200

    @pytest.mark.parametrize("kind", ["access_token", "id_token", "code"])
    @pytest.mark.parametrize("client", ["gateway", "portal"])
    def test_nothing_else_passes_for_one(self, idp: Idp, client: str, kind: str) -> None:
        code = idp.authorize(client=client).parameters["code"]
        other = code if kind == "code" else idp.redeem(code, client).get_json()[kind]
        assert refusal(idp.refresh(other, client)) == INVALID_GRANT

    SCOPES: ClassVar[dict[str, str]] = {
        "one more": "openid items:read orders:read orders:write",
        "one that the client has and the person has not": "items:read orders:refund",
        "one that nobody has": "items:read admin",
        "one that outlasts the session": "items:read offline_access",
        "a claim more": "items:read email",
        "another case": "ITEMS:READ",
        "a star": "*",
        "commas": "items:read,orders:read",
        "a tab": "items:read\torders:read",
        "nothing but a space": " ",
    }

    @pytest.mark.parametrize("scope", SCOPES)
    def test_it_is_no_good_for_more_than_was_granted(self, idp: Idp, scope: str) -> None:
        token = idp.tokens(scope="openid items:read orders:read orders:refund")["refresh_token"]
        answer = idp.refresh(token, scope=self.SCOPES[scope])
        assert refusal(answer) in ((400, "invalid_scope"), (400, "invalid_request"))
        assert idp.refresh(token).get_json()["scope"] == "openid items:read orders:read"


class TestExpiredCode:
    """OAS-31: a code that was found too late (RFC 6749 §4.1.2, ASVS 10.4.3)."""

    @pytest.mark.parametrize("client", ["gateway", "cli"])
    @pytest.mark.parametrize("seconds", [60, 61, 600, 3600 * 9])
    def test_it_is_no_good_after_a_minute(
        self, tmp_path_factory: pytest.TempPathFactory, client: str, seconds: int
    ) -> None:
        with Idp(tmp_path_factory) as own:
            code = own.authorize(client=client).parameters["code"]
            own.clock.advance(seconds)
            assert refusal(own.redeem(code, client)) == INVALID_GRANT


def test_the_controls_succeed(idp: Idp) -> None:
    """What is refused above is refused for the one thing that is wrong with it."""
    for client in ("gateway", "portal", "cli"):
        tokens = idp.tokens(client=client)
        assert idp.userinfo(tokens["access_token"]).status_code == 200
        assert idp.refresh(tokens["refresh_token"], client).status_code == 200
