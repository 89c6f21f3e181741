"""The front channel: what a browser sees, and what an attacker can do with one."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oidc.core.util import create_half_hash

from tests.idp_support import AFTER_LOGOUT, CALLBACK, ISSUER, PASSWORDS, Idp, a_client, claims_of, csrf, header_of

pytest_plugins = ("tests.idp_fixtures",)


class TestRedirection:
    """RFC 6749 §4.1.2.1, RFC 9700 §2.1 and §4.11: whom we redirect to, and whom we do not."""

    def test_a_client_that_may_not_ask_for_codes_is_told_so(self, idp: Idp) -> None:
        idp.register(a_client("gateway", grant_types=["client_credentials"]))
        assert idp.authorize().parameters["error"] == "unauthorized_client"

    def test_errors_carry_state_and_issuer(self, shared: Idp) -> None:
        answer = shared.authorize(scope="admin", state='s "é&=#')
        assert answer.parameters["error"] == "invalid_scope"
        assert answer.parameters["state"] == 's "é&=#'
        assert answer.parameters["iss"] == ISSUER

    @pytest.mark.parametrize("scope", [None, "", "admin", "openid admin", "openid  email", "openid,email", "OPENID"])
    def test_unknown_scopes_are_refused_at_the_door(self, shared: Idp, scope: str | None) -> None:
        assert shared.authorize(scope=scope).parameters["error"] == "invalid_scope"

    def test_a_missing_response_type_is_an_invalid_request(self, shared: Idp) -> None:
        assert shared.authorize(response_type=None).parameters["error"] == "invalid_request"

    def test_request_objects_are_refused_rather_than_ignored(self, shared: Idp) -> None:
        assert shared.authorize(request="x.y.z").parameters["error"] == "request_not_supported"
        assert shared.authorize(request_uri="https://x").parameters["error"] == "request_uri_not_supported"

    def test_who_asks_for_claims_gets_those_of_the_scopes_and_no_error(self, idp: Idp) -> None:
        """OpenID Connect Core §5.5: what a provider that does not support the parameter does."""
        assert idp.get("/.well-known/openid-configuration").get_json()["claims_parameter_supported"] is False
        wanted = json.dumps({"userinfo": {"email": {"essential": True}}, "id_token": {"email": {"essential": True}}})
        tokens, plain = idp.tokens(claims=wanted), idp.tokens()
        assert claims_of(tokens["id_token"]).keys() == claims_of(plain["id_token"]).keys()
        assert idp.userinfo(tokens["access_token"]).get_json() == idp.userinfo(plain["access_token"]).get_json()

    def test_a_person_with_none_of_the_scopes_is_told_so(self, idp: Idp) -> None:
        answer = idp.authorize("alice", scope="orders:refund")
        assert answer.parameters["error"] == "access_denied"
        assert answer.parameters["iss"] == ISSUER

    def test_a_request_may_come_as_a_form(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        form = parse_qs(urlsplit(idp.request()).query)
        response = browser.post("/authorize", base_url=ISSUER, data=form)
        assert response.status_code == 303
        assert "code=" in idp.get(response.location, browser).location


class TestIssuerIdentification:
    """RFC 9207: every answer says who gave it."""

    def test_a_code_comes_with_the_issuer(self, idp: Idp) -> None:
        answer = idp.authorize(state="xyz")
        assert set(answer.parameters) == {"code", "state", "iss"}
        assert (answer.parameters["iss"], answer.parameters["state"]) == (ISSUER, "xyz")

    @pytest.mark.parametrize("changes", [{"scope": "admin"}, {"prompt": "none"}, {"code_challenge": None}], ids=str)
    def test_so_does_every_error(self, shared: Idp, changes: dict[str, Any]) -> None:
        answer = shared.authorize(None, **changes)
        assert "error" in answer.parameters
        assert answer.parameters["iss"] == ISSUER


class TestLogin:
    """The log-in page, with RFC 9700 §4.7, §4.12, §4.16 and ASVS 6.3."""

    def page(self, idp: Idp) -> str:
        return str(idp.get(idp.request()).location)

    def test_who_is_not_logged_in_is_asked_to(self, idp: Idp) -> None:
        response = idp.get(idp.request())
        assert response.status_code == 303
        assert response.location.startswith("/login?")

    def test_a_second_request_needs_no_second_log_in(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        assert "code" in idp.authorize(None, browser).parameters

    @pytest.mark.parametrize(
        ("who", "password"),
        [
            ("alice", "wrong"),
            ("nobody", "wonderland"),
            ("alice", "Wonderland"),
            ("alice", "wonderland "),
            ("", ""),
            ("alice", ""),
            ("' OR 1=1 --", "x"),
            ("x" * 5000, "x" * 5000),
        ],
    )
    def test_what_is_wrong_is_refused_and_all_the_same(self, idp: Idp, who: str, password: str) -> None:
        browser, page = idp.browser(), self.page(idp)
        form = {"username": who, "password": password, "csrf": csrf(idp.get(page, browser))}
        response = browser.post(page, base_url=ISSUER, data=form)
        assert response.status_code == 403
        assert "not a name and password that we know" in response.text
        assert "code" not in idp.authorize(None, browser).parameters

    def test_a_password_with_zeros_behind_it_is_another_password(self, idp: Idp) -> None:
        assert idp.log_in(self.page(idp), idp.browser(), "alice", "wonderland\0").status_code == 400

    def test_a_disabled_person_is_refused_like_a_wrong_password(self, idp: Idp) -> None:
        idp.users.disable("alice")
        response = idp.log_in(self.page(idp), idp.browser(), "alice")
        assert response.status_code == 403
        assert "not a name and password that we know" in response.text

    def test_a_person_called_like_a_client_is_refused(self, idp: Idp) -> None:
        idp.users.add("gateway", "secret", ["orders:read"])
        assert idp.log_in(self.page(idp), idp.browser(), "gateway", "secret").status_code == 403

    def test_right_passwords_do_not_count_as_guesses(self, idp: Idp) -> None:
        page = self.page(idp)
        assert {idp.log_in(page, idp.browser(), "alice").status_code for _ in range(7)} == {303}

    def test_stuffing_many_names_is_slowed_down_too(self, idp: Idp) -> None:
        browser, page = idp.browser(), self.page(idp)
        statuses = [idp.log_in(page, browser, f"nobody{n}", "x").status_code for n in range(31)]
        assert statuses == [403] * 30 + [429]

    def test_the_cookie_holds_nothing_about_the_person(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        cookie = browser.get_cookie("__Host-idp-9443", domain="localhost")
        assert cookie is not None
        assert {name: len(value) for name, value in idp.session(cookie.value).items()} == {"login": 43}

    def test_a_log_in_ends_after_eight_hours(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        idp.clock.advance(8 * 3600 - 1)
        assert "code" in idp.authorize(None, browser).parameters
        idp.clock.advance(1)
        assert "code" not in idp.authorize(None, browser).parameters

    @pytest.mark.parametrize("change", ["disable", "set_password", "set_scopes"])
    def test_a_log_in_ends_when_the_person_changes(self, idp: Idp, change: str) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        values: dict[str, list[Any]] = {"set_password": ["looking-glass"], "set_scopes": [["items:read"]]}
        getattr(idp.users, change)("alice", *values.get(change, []))
        assert "code" not in idp.authorize(None, browser).parameters

    def test_the_page_leads_nowhere_but_to_a_registered_client(self, shared: Idp) -> None:
        assert shared.get("/login").status_code == 400
        query = {"client_id": "gateway", "redirect_uri": "https://attacker.test/"}
        assert shared.get("/login?" + urlencode(query)).status_code == 400
        response = shared.get(shared.get(shared.request(next="https://attacker.test/")).location)
        assert "attacker" not in response.headers["Content-Security-Policy"]

    def test_only_a_form_is_read(self, shared: Idp) -> None:
        page = self.page(shared)
        response = shared.browser().post(page, base_url=ISSUER, json={"username": "alice", "password": "wonderland"})
        assert response.status_code == 415

    def test_no_line_of_the_log_holds_a_credential(self, idp: Idp, capfd: pytest.CaptureFixture[str]) -> None:
        answer = idp.authorize()
        tokens = idp.redeem(answer.parameters["code"]).get_json()
        idp.log_in(self.page(idp), idp.browser(), "alice", "a wrong password")
        idp.introspect(tokens["access_token"])
        idp.refresh(tokens["refresh_token"])
        log = capfd.readouterr().out
        secrets = [answer.parameters["code"], *(tokens[k] for k in ("access_token", "refresh_token", "id_token"))]
        for secret in [*secrets, *PASSWORDS.values(), "a wrong password", "the-secret-of"]:
            assert secret not in log

    def test_each_log_in_is_an_event_with_its_outcome(self, idp: Idp, capfd: pytest.CaptureFixture[str]) -> None:
        page = self.page(idp)
        idp.log_in(page, idp.browser(), "alice", "wrong")
        idp.log_in(page, idp.browser(), "alice")
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        logins = [line for line in lines if line.get("event") == "login"]
        assert [(line["decision"], line.get("user")) for line in logins] == [("deny", None), ("allow", "alice")]


class TestPages:
    """What every answer carries: RFC 9700 §4.16, §2.6, §4.2.4."""

    @pytest.mark.parametrize("path", ["/login", "/authorize", "/logout", "/userinfo"])
    def test_what_is_for_one_reader_is_not_kept(self, shared: Idp, path: str) -> None:
        assert shared.get(path).headers["Cache-Control"] == "no-store"

    def test_the_form_may_lead_to_the_client_and_nowhere_else(self, shared: Idp) -> None:
        page = shared.get(shared.get(shared.request()).location)
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert "form-action 'self' https://localhost:8443" in policy

    def test_a_page_has_no_script_and_its_style_comes_from_here(self, shared: Idp) -> None:
        page = shared.get(shared.get(shared.request()).location).text
        assert "<script" not in page
        assert " style=" not in page
        assert 'href="/static/idp.css"' in page
        with shared.get("/static/idp.css") as style:
            assert style.status_code == 200

    def test_the_form_is_labelled(self, shared: Idp) -> None:
        page = shared.get(shared.get(shared.request()).location).text
        for name in ("username", "password"):
            assert f'<label for="{name}">' in page
            assert f'id="{name}"' in page
        assert '<html lang="en">' in page

    def test_an_unknown_address_is_told_in_the_readers_language(self, shared: Idp) -> None:
        assert shared.get("/nowhere", headers={"Accept": "text/html"}).content_type.startswith("text/html")
        assert shared.get("/nowhere", headers={"Accept": "application/json"}).get_json()["error"]


class TestOpenIDConnect:
    """OpenID Connect Core: the ID token, and the parameters that shape a log-in."""

    @pytest.mark.parametrize(("client", "algorithm"), [("gateway", "ES256"), ("portal", "RS256")])
    def test_the_id_token_says_who_logged_in_when_and_for_whom(self, idp: Idp, client: str, algorithm: str) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        logged_in_at = int(idp.clock())
        idp.clock.advance(1000)
        code = idp.authorize(None, browser, client, nonce="n-1").parameters["code"]
        answer = idp.redeem(code, client).get_json()
        claims = claims_of(answer["id_token"])
        now = int(idp.clock())
        digest = create_half_hash(answer["access_token"], algorithm).decode()
        assert claims == {
            "iss": ISSUER,
            "aud": client,
            "sub": "alice",
            "iat": now,
            "exp": now + 300,
            "auth_time": logged_in_at,
            "nonce": "n-1",
            "at_hash": digest,
        }
        assert idp.provider.keys.verify(answer["id_token"], "JWT") == claims
        header = header_of(answer["id_token"])
        assert (header["alg"], header["typ"]) == (algorithm, "JWT")
        assert header["kid"] in [key["kid"] for key in idp.get("/jwks").get_json()["keys"]]

    def test_the_access_token_tells_when_the_person_logged_in(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        logged_in_at = int(idp.clock())
        idp.clock.advance(1000)
        token = idp.redeem(idp.authorize(None, browser, "portal").parameters["code"], "portal").get_json()
        assert claims_of(token["access_token"])["auth_time"] == logged_in_at

    def test_without_openid_there_is_no_id_token(self, idp: Idp) -> None:
        assert "id_token" not in idp.tokens(scope="items:read")

    def test_a_nonce_comes_back_only_if_it_was_sent(self, idp: Idp) -> None:
        assert "nonce" not in claims_of(idp.tokens()["id_token"])

    def test_prompt_none_never_shows_a_page(self, idp: Idp) -> None:
        assert idp.authorize(None, prompt="none").parameters["error"] == "login_required"
        browser = idp.browser()
        idp.authorize(browser=browser)
        assert "code" in idp.authorize(None, browser, prompt="none").parameters

    def test_prompt_login_asks_again_and_then_leads_on(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        assert idp.get(idp.request(prompt="login"), browser).location.startswith("/login?")
        idp.clock.advance(10)
        answer = idp.authorize("alice", browser, prompt="login")
        claims = claims_of(idp.redeem(answer.parameters["code"]).get_json()["id_token"])
        assert claims["auth_time"] == int(idp.clock())

    @pytest.mark.parametrize("prompt", ["none login", "consent", "select_account", "NONE"])
    def test_no_other_prompt_is_offered(self, shared: Idp, prompt: str) -> None:
        assert shared.authorize(None, prompt=prompt).parameters["error"] == "invalid_request"

    def test_max_age_asks_again_when_the_log_in_is_too_old(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        idp.clock.advance(100)
        assert "code" in idp.authorize(None, browser, max_age="100").parameters
        assert idp.authorize(None, browser, max_age="99", prompt="none").parameters["error"] == "login_required"
        assert "code" in idp.authorize("alice", browser, max_age="99").parameters

    def test_max_age_zero_always_asks_again(self, idp: Idp) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)
        assert idp.get(idp.request(max_age="0"), browser).location.startswith("/login?")
        assert "code" in idp.authorize("alice", browser, max_age="0").parameters

    @pytest.mark.parametrize("value", ["-1", "x", "1e3", "9" * 5000, "１"])
    def test_a_max_age_that_is_no_number_is_refused(self, shared: Idp, value: str) -> None:
        assert shared.authorize(None, max_age=value).parameters["error"] == "invalid_request"

    def test_an_id_token_hint_asks_for_that_person(self, idp: Idp) -> None:
        alices = idp.tokens("alice")["id_token"]
        browser = idp.browser()
        idp.authorize("bob", browser)
        assert idp.authorize(None, browser, id_token_hint=alices, prompt="none").parameters["error"] == "login_required"
        idp.authorize("alice", browser, prompt="login")
        assert "code" in idp.authorize(None, browser, id_token_hint=alices, prompt="none").parameters

    @pytest.mark.parametrize("asked", [{}, {"prompt": "login"}, {"max_age": "0"}], ids=str)
    def test_when_another_person_logs_in_than_the_hint_means_the_client_is_told(
        self, idp: Idp, asked: dict[str, str]
    ) -> None:
        """OpenID Connect Core §3.1.2.1: they were asked once, and would be for ever."""
        alices = idp.tokens("alice")["id_token"]
        browser = idp.browser()
        idp.authorize("bob", browser)
        assert idp.get(idp.request(id_token_hint=alices, **asked), browser).location.startswith("/login?")
        answer = idp.authorize("bob", browser, id_token_hint=alices, **asked)
        assert answer.response.location.startswith(f"{CALLBACK}?")
        assert (answer.parameters["error"], answer.parameters["state"]) == ("login_required", "s1")
        assert "code" in idp.authorize("alice", browser, id_token_hint=alices, **asked).parameters

    @pytest.mark.parametrize("hint", ["x", "..", "a.b.c", "é.é.é", "e30.e30.", "access token"])
    def test_a_hint_that_is_no_id_token_is_refused(self, idp: Idp, hint: str) -> None:
        browser = idp.browser()
        access = idp.redeem(idp.authorize(browser=browser, client="portal").parameters["code"], "portal").get_json()
        hint = access["access_token"] if hint == "access token" else hint
        assert idp.authorize(None, browser, id_token_hint=hint).parameters["error"] == "invalid_request"

    @pytest.mark.parametrize("crit", ["1", "true", "null", "1.5", "[1]", "[[]]", "[null]"])
    def test_a_hint_whose_header_makes_no_sense_is_refused(self, shared: Idp, crit: str) -> None:
        """RFC 7515 §4.1.11: what must be understood is a list of names, and none is understood here."""
        browser = shared.browser()
        shared.authorize(browser=browser)
        header = base64.urlsafe_b64encode(f'{{"alg":"ES256","crit":{crit}}}'.encode()).rstrip(b"=").decode()
        hint = f"{header}.e30.AA"
        assert shared.authorize(None, browser, id_token_hint=hint).parameters["error"] == "invalid_request"
        assert shared.get(f"/logout?id_token_hint={hint}").status_code == 400


class TestLogout:
    """OpenID Connect RP-Initiated Logout 1.0."""

    def logged_in(self, idp: Idp, client: str = "gateway", **changes: Any) -> tuple[Any, dict[str, Any]]:
        browser = idp.browser()
        code = idp.authorize(browser=browser, client=client, **changes).parameters["code"]
        return browser, idp.redeem(code, client).get_json()

    def logout(self, idp: Idp, browser: Any, **asked: str) -> Any:
        return idp.get("/logout?" + urlencode(asked), browser)

    def is_logged_in(self, idp: Idp, browser: Any) -> bool:
        return "code" in idp.authorize(None, browser).parameters

    def test_the_id_token_ends_the_session_and_leads_back(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        response = self.logout(
            idp, browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER_LOGOUT, state="s 1"
        )
        assert (response.status_code, response.location) == (303, AFTER_LOGOUT + "?state=s+1")
        assert not self.is_logged_in(idp, browser)

    def test_a_copied_cookie_is_no_good_after_the_logout(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        cookie = browser.get_cookie("__Host-idp-9443", domain="localhost")
        self.logout(idp, browser, id_token_hint=tokens["id_token"])
        thief = idp.browser()
        thief.set_cookie("__Host-idp-9443", cookie.value, domain="localhost", secure=True)
        assert not self.is_logged_in(idp, thief)

    def test_an_expired_id_token_still_tells_who_is_meant(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        idp.clock.advance(3600)
        self.logout(idp, browser, id_token_hint=tokens["id_token"])
        assert not self.is_logged_in(idp, browser)

    def test_what_was_allowed_in_the_session_is_taken_back(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        idp.authorize("alice", browser, prompt="login")  # the same person again: nothing ends, nothing is forgotten
        assert idp.introspect(tokens["access_token"])["active"]
        self.logout(idp, browser, id_token_hint=tokens["id_token"])
        assert not idp.introspect(tokens["access_token"])["active"]
        assert idp.refresh(tokens["refresh_token"]).status_code == 400

    def test_offline_access_outlasts_the_session(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp, scope="openid offline_access items:read")
        self.logout(idp, browser, id_token_hint=tokens["id_token"])
        assert idp.refresh(tokens["refresh_token"]).status_code == 200

    def test_another_person_at_the_same_browser_ends_the_first_ones_session(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        idp.authorize("bob", browser, prompt="login")
        assert not idp.introspect(tokens["access_token"])["active"]

    def test_without_an_id_token_the_person_is_asked(self, idp: Idp) -> None:
        browser, _ = self.logged_in(idp)
        response = self.logout(idp, browser, client_id="gateway", post_logout_redirect_uri=AFTER_LOGOUT)
        assert response.status_code == 200
        assert "form-action 'self' https://localhost:8443;" in response.headers["Content-Security-Policy"]
        assert self.is_logged_in(idp, browser)
        page = "/logout?" + urlencode({"client_id": "gateway", "post_logout_redirect_uri": AFTER_LOGOUT})
        done = browser.post(page, base_url=ISSUER, data={"csrf": csrf(response)})
        assert (done.status_code, done.location) == (303, AFTER_LOGOUT)
        assert not self.is_logged_in(idp, browser)

    def test_another_persons_id_token_does_not_end_this_session(self, idp: Idp) -> None:
        browser, _ = self.logged_in(idp)
        bobs = idp.tokens("bob")["id_token"]
        assert self.logout(idp, browser, id_token_hint=bobs).status_code == 200
        assert self.is_logged_in(idp, browser)

    @pytest.mark.parametrize("token", ["x", "x" * 43])
    def test_a_forged_confirmation_is_refused(self, idp: Idp, token: str) -> None:
        browser, _ = self.logged_in(idp)
        self.logout(idp, browser)
        assert browser.post("/logout", base_url=ISSUER, data={"csrf": token}).status_code == 400
        assert self.is_logged_in(idp, browser)

    def test_a_clients_form_is_turned_into_a_link(self, idp: Idp) -> None:
        browser, tokens = self.logged_in(idp)
        response = browser.post("/logout", base_url=ISSUER, data={"id_token_hint": tokens["id_token"]})
        assert response.status_code == 303
        idp.get(response.location, browser)
        assert not self.is_logged_in(idp, browser)

    @pytest.mark.parametrize(
        "uri",
        ["https://attacker.test/", "https://localhost:8443", AFTER_LOGOUT + "x", AFTER_LOGOUT + "?x", "//a"],
    )
    def test_the_way_back_must_be_registered_to_the_letter(self, idp: Idp, uri: str) -> None:
        browser, tokens = self.logged_in(idp)
        response = self.logout(idp, browser, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri)
        assert response.status_code == 400
        assert "Location" not in response.headers

    def test_nobody_is_led_on_without_proof_of_who_asks(self, idp: Idp) -> None:
        response = self.logout(idp, idp.browser(), client_id="gateway", post_logout_redirect_uri=AFTER_LOGOUT)
        assert response.status_code == 200
        assert "logged out" in response.text

    @pytest.mark.parametrize("kind", ["invented", "unsigned", "access token", "another client's"])
    def test_a_false_id_token_is_refused(self, idp: Idp, kind: str) -> None:
        browser, tokens = self.logged_in(idp, "portal")
        header, payload, _ = tokens["id_token"].split(".")
        hints = {
            "invented": {"id_token_hint": "x.y.z"},
            "unsigned": {"id_token_hint": f"{header}.{payload}."},
            "access token": {"id_token_hint": tokens["access_token"]},
            "another client's": {"id_token_hint": tokens["id_token"], "client_id": "gateway"},
        }
        response = self.logout(idp, browser, post_logout_redirect_uri=AFTER_LOGOUT, **hints[kind])
        assert response.status_code == 400
        assert self.is_logged_in(idp, browser)


def test_the_challenge_is_what_rfc_7636_makes_of_its_own_verifier(shared: Idp) -> None:
    """Appendix B, so that these tests and the code do not agree by a common mistake."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    code = shared.authorize(code_challenge=challenge).parameters["code"]
    assert shared.redeem(code, code_verifier=verifier).status_code == 200
