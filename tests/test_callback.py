"""The way back from the log-in: a browser comes to the gateway with a code, or with something that looks like one."""

from __future__ import annotations

import time
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import flask
import jwt as pyjwt
import pytest
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from services import gateway
from tests.edge_support import EDGE, Pairs, Place
from tests.idp_support import ISSUER, VERIFIER, secret_of
from tests.support import Issuer

pytest_plugins = ("tests.edge_fixtures",)


def refused(place: Place, browser: Browser, answer: TestResponse, *, code_was_sent: bool = False) -> bool:
    """Whether the answer is a page that says no, and nobody is logged in; a code goes nowhere, unless said."""
    assert answer.status_code == 403
    assert answer.content_type.startswith("text/html")
    assert "Location" not in answer.headers
    assert ("/token" in place.wire.asked) is code_was_sent
    assert not place.is_logged_in(browser)
    return True


def test_the_control_is_logged_in(place: Place) -> None:
    browser = place.browser()
    answer = place.come_back(browser, place.consent(place.begin(browser)))
    assert (answer.status_code, answer.location) == (303, "/shelf")
    assert place.is_logged_in(browser)


class TestMixUp:
    """OAS-02: an answer that does not say that our identity provider gave it (RFC 9207 §2.3, §2.4, RFC 9700 §4.4.2)."""

    ISSUERS: ClassVar[dict[str, list[str]]] = {
        "nobody": [],
        "an empty name": [""],
        "another server": ["https://attacker.test"],
        "a server that begins alike": [f"{ISSUER}.attacker.test"],
        "a slash behind": [f"{ISSUER}/"],
        "a path behind": [f"{ISSUER}/attacker"],
        "a query behind": [f"{ISSUER}?x"],
        "plain HTTP": [ISSUER.replace("https", "http")],
        "in capitals": [ISSUER.upper()],
        "another port": [ISSUER.replace("9443", "9444")],
        "without a port": [ISSUER.replace(":9443", "")],
        "a space behind": [f"{ISSUER} "],
        "a newline behind": [f"{ISSUER}\n"],
        "a zero behind": [f"{ISSUER}\0"],
        "encoded once more": [ISSUER.replace(":", "%3A")],
        "two, ours first": [ISSUER, "https://attacker.test"],
        "two, ours last": ["https://attacker.test", ISSUER],
        "ours twice": [ISSUER, ISSUER],
    }

    @pytest.mark.parametrize("said", ISSUERS)
    def test_no_code_goes_anywhere(self, place: Place, said: str) -> None:
        browser = place.browser()
        back = place.consent(place.begin(browser))
        del back["iss"]
        answer = place.come_back(browser, [*back.items(), *(("iss", each) for each in self.ISSUERS[said])])
        assert refused(place, browser, answer)

    @pytest.mark.parametrize("said", ["nobody", "another server"])
    def test_nor_is_an_error_of_anothers_believed(self, place: Place, said: str) -> None:
        browser = place.browser()
        state = dict(parse_qsl(urlsplit(place.begin(browser)).query))["state"]
        pairs = [("error", "login_required"), ("state", state), *(("iss", each) for each in self.ISSUERS[said])]
        assert refused(place, browser, place.come_back(browser, pairs))

    @pytest.mark.parametrize("named", ["https://attacker.test", f"{ISSUER}/", "", None])
    def test_metadata_of_another_server_is_not_gone_by(self, place: Place, named: str | None) -> None:
        own = gateway.application(place.app.extensions["settings"])
        with mock.patch.dict(place.wire.lying, {"issuer": named}):
            answer = Browser(own).get("/login", base_url=EDGE)
        assert answer.status_code == 503
        assert "Location" not in answer.headers

    def forged(self, place: Place, how: str, claims: dict[str, Any]) -> str:
        """An ID token that is not the right one, in one way."""
        keys, now = place.idp.provider.keys, int(time.time())
        if how == "unsigned":
            return pyjwt.encode(claims, "", "none")
        if how == "signed with our secret":
            return pyjwt.encode(claims, secret_of("gateway") * 2, "HS256")
        if how == "signed by somebody else":
            return pyjwt.encode(claims, Issuer().key, "ES256", {"kid": keys.ring().header("ES256", "JWT")["kid"]})
        changes: dict[str, dict[str, Any]] = {
            "with nothing wrong": {},
            "of another issuer": {"iss": "https://attacker.test"},
            "for another client": {"aud": "portal"},
            "for another client too": {"aud": ["gateway", "portal"], "azp": "portal"},
            "for another log-in": {"nonce": "another"},
            "with an empty nonce": {"nonce": ""},
            "for another access token": {"at_hash": "A" * 22},
            "that has expired": {"exp": now - 3600, "iat": now - 7200},
            "of the future": {"iat": now + 7200, "exp": now + 9000},
        }
        if how.startswith("without "):
            return keys.sign({k: v for k, v in claims.items() if k != how.removeprefix("without ")}, "ES256", "JWT")
        return keys.sign(claims | changes[how], "ES256", "JWT")

    HOW = (
        *("unsigned", "signed with our secret", "signed by somebody else", "of another issuer", "for another client"),
        *("for another client too", "for another log-in", "with an empty nonce", "for another access token"),
        *("that has expired", "of the future", "without iss", "without aud", "without sub", "without exp"),
        *("without iat", "without nonce"),
    )

    def about_carol(self, place: Place, browser: Browser, lying: dict[str, Any], how: str) -> TestResponse:
        """Come back to a gateway that is handed this ID token for a code of alice's."""
        request = place.begin(browser)
        nonce = dict(parse_qsl(urlsplit(request).query))["nonce"]
        back, now = place.consent(request), int(time.time())
        claims = {"iss": ISSUER, "aud": "gateway", "sub": "carol", "iat": now, "exp": now + 300, "nonce": nonce}
        lying["id_token"] = self.forged(place, how, claims)
        return place.come_back(browser, back)

    @pytest.mark.parametrize("how", HOW)
    def test_an_id_token_that_is_not_for_this_log_in_is_not_believed(
        self, place: Place, lying: dict[str, Any], how: str
    ) -> None:
        browser = place.browser()
        answer = self.about_carol(place, browser, lying, how)
        assert refused(place, browser, answer, code_was_sent=True)

    def test_one_that_has_nothing_wrong_with_it_is(self, place: Place, lying: dict[str, Any]) -> None:
        browser = place.browser()
        assert self.about_carol(place, browser, lying, "with nothing wrong").status_code == 303
        assert _session_of(place, browser) == "carol"

    def test_an_answer_without_an_id_token_is_not_believed(self, place: Place) -> None:
        browser = place.browser()
        request = place.begin(browser).replace("openid+", "")
        assert refused(place, browser, place.come_back(browser, place.consent(request)), code_was_sent=True)


class TestForgedCallback:
    """OAS-03: nobody is logged in by a callback that their browser did not ask for (RFC 9700 §4.7, RFC 6749 §10.12)."""

    def mallorys(self, place: Place) -> dict[str, str]:
        """What mallory's own log-in brought her; she has not used it."""
        return place.consent(place.begin(place.browser()), "bob")

    def planted(self, place: Place, way: str) -> tuple[Browser, dict[str, str] | Pairs]:
        """Alice's browser, and what it is led to the callback with."""
        mallorys, alice = self.mallorys(place), place.browser()
        if way == "without having begun":
            return alice, mallorys
        state = dict(parse_qsl(urlsplit(place.begin(alice)).query))["state"]
        older = state
        if way == "with the state of a log-in that was begun anew":
            state = dict(parse_qsl(urlsplit(place.begin(alice)).query))["state"]
        ways: dict[str, dict[str, str] | Pairs] = {
            "with mallory's state": mallorys,
            "without a state": [(k, v) for k, v in mallorys.items() if k != "state"],
            "with an empty state": {**mallorys, "state": ""},
            "with a guessed state": {**mallorys, "state": "A" * len(state)},
            "with a state that begins alike": {**mallorys, "state": state[:-1]},
            "with the state and a space": {**mallorys, "state": f"{state} "},
            "with the state of a log-in that was begun anew": {**mallorys, "state": older},
            "with two states, hers first": [*mallorys.items(), ("state", state)],
            "with two states, hers last": [("state", state), *mallorys.items()],
        }
        return alice, ways[way]

    WAYS = (
        *("without having begun", "with mallory's state", "without a state", "with an empty state"),
        *("with a guessed state", "with a state that begins alike", "with the state and a space"),
        *(
            "with the state of a log-in that was begun anew",
            "with two states, hers first",
            "with two states, hers last",
        ),
    )

    @pytest.mark.parametrize("way", WAYS)
    def test_mallorys_code_logs_nobody_in(self, place: Place, way: str) -> None:
        alice, parameters = self.planted(place, way)
        assert refused(place, alice, place.come_back(alice, parameters))

    def test_not_even_under_the_right_state(self, place: Place) -> None:
        """The state fits, but the code hangs on a challenge of mallory's (RFC 9700 §4.5.3)."""
        alice = place.browser()
        state = dict(parse_qsl(urlsplit(place.begin(alice)).query))["state"]
        answer = place.come_back(alice, {**self.mallorys(place), "state": state})
        assert refused(place, alice, answer, code_was_sent=True)

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_second_code_beside_the_right_one_is_not_overlooked(self, place: Place, order: int) -> None:
        alice = place.browser()
        back = place.consent(place.begin(alice))
        codes = [("code", back.pop("code")), ("code", self.mallorys(place)["code"])][::order]
        assert refused(place, alice, place.come_back(alice, [*back.items(), *codes]))

    @pytest.mark.parametrize("cookie", ["none", "mallory's", "altered", "unsigned", "empty"])
    def test_the_state_is_worth_nothing_without_the_browsers_cookie(self, place: Place, cookie: str) -> None:
        alice, mallory = place.browser(), place.browser()
        place.begin(mallory)
        back = place.consent(place.begin(alice))
        name, own, others = "__Host-shop-8101", _cookie_of(alice), _cookie_of(mallory)
        values = {"mallory's": others, "altered": f"A{own[1:]}", "unsigned": own.partition(".")[0], "empty": ""}
        victim = place.browser()
        if cookie != "none":
            victim.set_cookie(name, values[cookie], domain="localhost", secure=True)
        assert refused(place, victim, place.come_back(victim, back))

    def test_a_callback_counts_once(self, place: Place) -> None:
        browser = place.browser()
        back = place.consent(place.begin(browser))
        assert place.come_back(browser, back).status_code == 303
        assert place.come_back(browser, back).status_code == 403
        assert place.is_logged_in(browser)  # as before

    def test_who_is_logged_in_is_not_logged_in_as_somebody_else(self, place: Place) -> None:
        alice = place.browser()
        place.come_back(alice, place.consent(place.begin(alice)))
        before = _session_of(place, alice)
        assert place.come_back(alice, self.mallorys(place)).status_code == 403
        assert _session_of(place, alice) == before

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_no_other_method_comes_back(self, place: Place, method: str) -> None:
        browser = place.browser()
        back = place.consent(place.begin(browser))
        place.come_back(browser, back, method=method)
        place.open(browser, "/callback", method=method, data=back)
        assert place.wire.asked == []
        assert not place.is_logged_in(browser)

    @pytest.mark.parametrize("error", ["access_denied", "server_error", "<script>alert(1)</script>", ""])
    def test_an_error_logs_nobody_in_and_is_not_repeated(self, place: Place, error: str) -> None:
        browser = place.browser()
        state = dict(parse_qsl(urlsplit(place.begin(browser)).query))["state"]
        parameters = {"error": error, "error_description": "<script>x</script>", "state": state, "iss": ISSUER}
        answer = place.come_back(browser, parameters)
        assert answer.status_code == 403
        assert "<script" not in answer.text
        assert not place.is_logged_in(browser)

    def test_the_state_is_long_and_new_each_time(self, place: Place) -> None:
        asked = [dict(parse_qsl(urlsplit(place.begin(place.browser())).query)) for _ in range(8)]
        for name in ("state", "nonce", "code_challenge"):
            values = {each[name] for each in asked}
            assert len(values) == 8
            assert min(map(len, values)) >= 20
        assert {each["code_challenge_method"] for each in asked} == {"S256"}
        assert VERIFIER not in str(asked)


def _cookie_of(browser: Browser) -> str:
    found = browser.get_cookie("__Host-shop-8101", domain="localhost")
    return found.value if found else ""


def _session_of(place: Place, browser: Browser) -> str | None:
    """Whom the gateway takes the browser's person for."""
    with place.app.test_request_context("/", headers={"Cookie": f"__Host-shop-8101={_cookie_of(browser)}"}):
        session = place.app.extensions["edge"].sessions.find(flask.session.get("id"))
    return session.user if session else None
