"""What is tried with a link to the log-in: to be led elsewhere, and to be understood in two ways."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from tests.idp_support import AFTER_LOGOUT, CALLBACK, ISSUER, NATIVE, PASSWORDS, Idp, csrf

pytest_plugins = ("tests.idp_fixtures",)

HOST = "localhost:8443"


@pytest.fixture(scope="module")
def idp(shared: Idp) -> Idp:
    """One for all: whoever attacks here is refused before anything changes."""
    return shared


@pytest.fixture(scope="module")
def form(shared: Idp) -> tuple[Browser, dict[str, str]]:
    """A browser on the log-in page, and its form filled in rightly: what is refused then is refused for the link."""
    browser = shared.browser()
    page = shared.get(shared.get(shared.request()).location, browser)
    return browser, {"username": "alice", "password": PASSWORDS["alice"], "csrf": csrf(page)}


def doors(idp: Idp, form: tuple[Browser, dict[str, str]], request: str) -> list[TestResponse]:
    """What each page makes of an authorization request: as a link, as a form, and on the way through the log-in."""
    query, (browser, filled_in) = request.partition("?")[2], form
    posted = idp.browser().post("/authorize", base_url=ISSUER, data=MultiDict(parse_qsl(query, keep_blank_values=True)))
    if posted.status_code == 303:  # it is turned into a link, to ourselves
        assert posted.location.startswith("/authorize?")
        posted = idp.get(posted.location)
    return [
        idp.get(request),
        posted,
        idp.get(f"/login?{query}"),
        browser.post(f"/login?{query}", base_url=ISSUER, data=filled_in),
    ]


def is_a_page_that_leads_nowhere(answer: TestResponse) -> bool:
    """Whether the answer is a page that says no, without a word of the attacker's in it."""
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "Refresh" not in answer.headers
    assert answer.content_type.startswith("text/html")
    assert "attacker" not in answer.text + str(answer.headers)
    assert "href" not in answer.text.replace('href="/static/idp.css"', "")
    return True


class TestRedirectUris:
    """OAS-04: URIs that a lenient comparison would take for the registered one (RFC 9700 §2.1, §4.1.3)."""

    URIS: ClassVar[dict[str, str | None]] = {
        "none": None,
        "an empty one": "",
        # another path
        "no path": f"https://{HOST}",
        "the root": f"https://{HOST}/",
        "a slash behind": f"{CALLBACK}/",
        "two slashes before": f"https://{HOST}//callback",
        "a longer path": f"{CALLBACK}s",
        "a path below": f"{CALLBACK}/attacker",
        "a shorter path": f"https://{HOST}/call",
        "up and back": f"{CALLBACK}/../callback",
        "up": f"{CALLBACK}/..",
        "up, encoded": f"{CALLBACK}/%2e%2e/attacker",
        "up, encoded twice": f"{CALLBACK}/%252e%252e/attacker",
        "up, with a backslash": f"{CALLBACK}\\..\\attacker",
        "here": f"https://{HOST}/./callback",
        "a slash, encoded": f"{CALLBACK}%2f",
        "a slash, encoded twice": f"{CALLBACK}%252f",
        "a letter, encoded": f"https://{HOST}/%63allback",
        "a letter, encoded twice": f"https://{HOST}/%2563allback",
        "the path in capitals": f"https://{HOST}/CALLBACK",
        "a path parameter": f"{CALLBACK};attacker",
        "a wildcard": f"https://{HOST}/*",
        # what comes behind the path
        "a question mark": f"{CALLBACK}?",
        "a query": f"{CALLBACK}?next=https://attacker.test",
        "a query of ours": f"{CALLBACK}?code=mallorys",
        "a number sign": f"{CALLBACK}#",
        "a fragment": f"{CALLBACK}#attacker",
        "a fragment, encoded": f"{CALLBACK}%23attacker",
        "another parameter inside": f"{CALLBACK}&redirect_uri=https://attacker.test",
        # another scheme
        "plain HTTP": f"http://{HOST}/callback",
        "the scheme in capitals": f"HTTPS://{HOST}/callback",
        "no scheme": f"//{HOST}/callback",
        "only a path": "/callback",
        "no slashes": f"https:{HOST}/callback",
        "one slash": f"https:/{HOST}/callback",
        "three slashes": f"https:///{HOST}/callback",
        "backslashes": f"https:\\\\{HOST}\\callback",
        "JavaScript": f"javascript:alert(1)//https://{HOST}/callback",
        "JavaScript in capitals": "JaVaScRiPt:alert(document.domain)",
        "VBScript": "vbscript:msgbox(1)",
        "data": f"data:text/html,https://{HOST}/callback",
        "a file": "file:///callback",
        "a blob": f"blob:https://{HOST}/callback",
        "an app's scheme": "attacker.app:/callback",
        # another host
        "another host": "https://attacker.test/callback",
        "a host that begins alike": f"https://{HOST}.attacker.test/callback",
        "a host that ends alike": f"https://attacker{HOST}/callback",
        "a subdomain": f"https://attacker.{HOST}/callback",
        "a dot behind the host": "https://localhost.:8443/callback",
        "the host in capitals": "https://LOCALHOST:8443/callback",
        "the address of the host": "https://127.0.0.1:8443/callback",
        "the address of the host, IPv6": "https://[::1]:8443/callback",
        "the address of the host, mapped": "https://[::ffff:127.0.0.1]:8443/callback",
        "the address of the host, as a number": "https://2130706433:8443/callback",
        "any host": "https://*:8443/callback",
        "a look-alike": "https://ⅼocalhost:8443/callback",
        "a look-alike from another alphabet": "https://lоcalhost:8443/callback",
        "a look-alike, encoded": "https://xn--lcalhost-fzf:8443/callback",
        "a wide dot": "https://localhost。attacker.test/callback",
        "the host inside the path": f"https://attacker.test/{CALLBACK}",
        "the host inside the query": f"https://attacker.test/?{CALLBACK}",
        "the host inside the fragment": f"https://attacker.test/#{CALLBACK}",
        # a user before the host
        "a user": f"https://attacker@{HOST}/callback",
        "an empty user": f"https://@{HOST}/callback",
        "the host as a user": f"https://{HOST}@attacker.test/callback",
        "the host as a user, with a backslash": f"https://{HOST}\\@attacker.test/callback",
        "the host as a user, with a number sign": f"https://attacker.test#@{HOST}/callback",
        "the host as a user, encoded": f"https://{HOST}%40attacker.test/callback",
        # another port
        "no port": "https://localhost/callback",
        "an empty port": "https://localhost:/callback",
        "another port": "https://localhost:8444/callback",
        "a zero before the port": "https://localhost:08443/callback",
        "a longer port": "https://localhost:84430/callback",
        # what cannot be seen
        "a space before": f" {CALLBACK}",
        "a space behind": f"{CALLBACK} ",
        "a tab inside": "https://local\thost:8443/callback",
        "a newline before": f"\n{CALLBACK}",
        "a newline behind": f"{CALLBACK}\n",
        "a header behind": f"{CALLBACK}\r\nLocation: https://attacker.test",
        "a zero behind": f"{CALLBACK}\0",
        "a zero behind, encoded": f"{CALLBACK}%00",
        "a joiner": "https://local\u200dhost:8443/callback",
        "written from right to left": f"\u202e{CALLBACK}",
        "a quotation mark": f'{CALLBACK}"',
        "markup": f"{CALLBACK}<script>alert(1)</script>",
        # others that are registered, for others or for something else
        "another client's": NATIVE,
        "the one after the log-out": AFTER_LOGOUT,
        "the identity provider's own": f"{ISSUER}/login",
        "two, with a space between": f"{CALLBACK} https://attacker.test/",
        "a very long one": f"{CALLBACK}/{'a' * 8000}",
    }

    @pytest.mark.parametrize("uri", URIS)
    def test_it_is_no_place_to_lead_to(self, idp: Idp, form: tuple[Browser, dict[str, str]], uri: str) -> None:
        for answer in doors(idp, form, idp.request(redirect_uri=self.URIS[uri])):
            assert is_a_page_that_leads_nowhere(answer)

    NATIVES: ClassVar[dict[str, str]] = {
        "the name instead of the address": "http://localhost:51004/callback",
        "IPv6 instead of IPv4": "http://[::1]:51004/callback",
        "a mapped address": "http://[::ffff:127.0.0.1]:51004/callback",
        "another address of loopback": "http://127.0.0.2:51004/callback",
        "a short address": "http://127.1:51004/callback",
        "an address as a number": "http://2130706433:51004/callback",
        "an address with zeros": "http://127.000.000.001:51004/callback",
        "an address in octal": "http://0177.0.0.1:51004/callback",
        "any address": "http://0.0.0.0:51004/callback",
        "no port, but its colon": "http://127.0.0.1:/callback",
        "port zero": "http://127.0.0.1:0/callback",
        "a port too high": "http://127.0.0.1:65536/callback",
        "a zero before the port": "http://127.0.0.1:051004/callback",
        "a sign before the port": "http://127.0.0.1:+51004/callback",
        "a wide digit in the port": "http://127.0.0.1:5100４/callback",
        "a slash behind": "http://127.0.0.1:51004/callback/",
        "another path": "http://127.0.0.1:51004/attacker",
        "up and back": "http://127.0.0.1:51004/callback/../callback",
        "a query": "http://127.0.0.1:51004/callback?x=1",
        "a fragment": "http://127.0.0.1:51004/callback#x",
        "HTTPS": "https://127.0.0.1:51004/callback",
        "a user": "http://attacker@127.0.0.1:51004/callback",
        "the address as a user": "http://127.0.0.1:51004@attacker.test/callback",
        "the address before a name": "http://127.0.0.1.attacker.test:51004/callback",
        "a newline behind": "http://127.0.0.1:51004/callback\n",
    }

    @pytest.mark.parametrize("uri", NATIVES)
    def test_a_native_app_chooses_its_port_and_nothing_else(
        self, idp: Idp, form: tuple[Browser, dict[str, str]], uri: str
    ) -> None:
        for answer in doors(idp, form, idp.request("cli", redirect_uri=self.NATIVES[uri])):
            assert is_a_page_that_leads_nowhere(answer)

    def test_the_registered_one_is_led_to(self, idp: Idp) -> None:
        assert idp.authorize().response.location.startswith(f"{CALLBACK}?code=")


class TestOpenRedirector:
    """OAS-05: nobody is led to an attacker by way of us, whatever is wrong with the request (RFC 9700 §4.11.2)."""

    CLIENTS: ClassVar[dict[str, str | None]] = {
        "none": None,
        "an empty one": "",
        "nobody's": "nobody",
        "in capitals": "GATEWAY",
        "a space behind": "gateway ",
        "a zero behind": "gateway\0",
        "a service's": "orders",
        "another one's": "portal",
        "a URL": "https://attacker.test/client.json",
        "markup": "<script>x</script>",
        "a path": "../gateway",
        "SQL": "' OR 1=1 --",
    }
    WRONG: ClassVar[dict[str, dict[str, Any]]] = {
        "nothing else": {},
        "the response type": {"response_type": "token"},
        "no response type": {"response_type": None},
        "the response mode": {"response_mode": "fragment"},
        "the scope": {"scope": "admin"},
        "the challenge": {"code_challenge": None},
        "a log-in that may not be shown": {"prompt": "none"},
        "a request object": {"request": "e30.e30."},
        "a request object elsewhere": {"request_uri": "https://attacker.test/request"},
        "a repeated parameter": {"nonce": ["a", "b"]},
        "an ID token of nobody's": {"id_token_hint": "x.y.z"},
    }

    @pytest.mark.parametrize("client", CLIENTS)
    def test_not_for_a_client_that_is_not_known(
        self, idp: Idp, form: tuple[Browser, dict[str, str]], client: str
    ) -> None:
        request = idp.request(client_id=self.CLIENTS[client], redirect_uri="https://attacker.test/")
        for answer in doors(idp, form, request):
            assert is_a_page_that_leads_nowhere(answer)

    @pytest.mark.parametrize("wrong", WRONG)
    def test_not_with_an_error_either(self, idp: Idp, form: tuple[Browser, dict[str, str]], wrong: str) -> None:
        for unknown in ({"client_id": "nobody"}, {"redirect_uri": "https://attacker.test/"}):
            for answer in doors(idp, form, idp.request(**{**self.WRONG[wrong], **unknown})):
                assert is_a_page_that_leads_nowhere(answer)

    @pytest.mark.parametrize("name", ["next", "return_to", "url", "redirect", "target_link_uri", "initiate_login_uri"])
    def test_not_by_any_other_parameter(self, idp: Idp, name: str) -> None:
        browser = idp.browser()
        elsewhere: dict[str, Any] = {name: "https://attacker.test/"}
        shown = idp.get(idp.request(**elsewhere), browser)
        assert shown.location.startswith("/login?")
        done = idp.log_in(shown.location, browser, "alice")
        assert done.location.startswith("/authorize?")
        assert idp.get(done.location, browser).location.startswith(f"{CALLBACK}?code=")

    @pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"])
    def test_not_by_a_header(self, idp: Idp, header: str) -> None:
        value = {"X-Forwarded-Proto": "http", "Forwarded": "host=attacker.test"}.get(header, "attacker.test")
        answer = idp.get(idp.request(prompt="none"), headers={header: value})
        assert answer.location.startswith(f"{CALLBACK}?error=login_required")
        assert dict(parse_qsl(urlsplit(answer.location).query))["iss"] == ISSUER
        assert idp.get(idp.request(), headers={header: value}).location.startswith("/login?")

    @pytest.mark.parametrize("path", ["/static//idp.css", "/static///nothing", "/.well-known//openid-configuration"])
    def test_not_by_a_path_that_could_be_written_shorter(self, idp: Idp, path: str) -> None:
        answer = idp.get(path, headers={"Host": "attacker.test"})
        assert answer.status_code == 404
        assert "Location" not in answer.headers

    OUT: ClassVar[dict[str, dict[str, str]]] = {
        "to an attacker": {"post_logout_redirect_uri": "https://attacker.test/"},
        "to an attacker for a client": {"post_logout_redirect_uri": "https://attacker.test/", "client_id": "gateway"},
        "to where a log-in leads": {"post_logout_redirect_uri": CALLBACK, "client_id": "gateway"},
        "to a path below": {"post_logout_redirect_uri": f"{AFTER_LOGOUT}attacker", "client_id": "gateway"},
        "with JavaScript": {"post_logout_redirect_uri": "javascript:alert(1)", "client_id": "gateway"},
        "for nobody": {"post_logout_redirect_uri": AFTER_LOGOUT, "client_id": "nobody"},
    }

    @pytest.mark.parametrize("way", OUT)
    def test_not_on_the_way_out(self, idp: Idp, way: str) -> None:
        assert is_a_page_that_leads_nowhere(idp.get("/logout?" + urlencode(self.OUT[way])))


class TestParametersThatComeTwice:
    """OAS-06 in the browser: two readers of one link must not see two requests (RFC 6749 §3.1, ASVS 15.3.7)."""

    OTHERS = (
        *("response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce", "prompt", "max_age"),
        *("id_token_hint", "login_hint", "response_mode", "ui_locales", "acr_values", "claims", "request", "unknown"),
    )

    @pytest.mark.parametrize("second", ["the same", "another"])
    @pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
    def test_a_client_or_a_redirect_uri_gets_a_page(
        self, idp: Idp, form: tuple[Browser, dict[str, str]], name: str, second: str
    ) -> None:
        good = {"client_id": "gateway", "redirect_uri": CALLBACK}[name]
        other = {"client_id": "portal", "redirect_uri": "https://attacker.test/"}[name]
        for values in ([good, good],) if second == "the same" else ([good, other], [other, good]):
            twice: dict[str, Any] = {name: values}
            for answer in doors(idp, form, idp.request(**twice)):
                assert is_a_page_that_leads_nowhere(answer)

    @pytest.mark.parametrize("second", ["the same", "another"])
    @pytest.mark.parametrize("name", OTHERS)
    def test_any_other_is_an_invalid_request(self, idp: Idp, name: str, second: str) -> None:
        good = dict(parse_qsl(urlsplit(idp.request()).query)).get(name, "x")
        twice: dict[str, Any] = {name: [good, good if second == "the same" else f"{good}x"]}
        answer = idp.get(idp.request(**twice))
        assert answer.location.startswith(f"{CALLBACK}?error=invalid_request&")
        assert "code" not in dict(parse_qsl(urlsplit(answer.location).query))

    @pytest.mark.parametrize("name", [*OTHERS, "client_id", "redirect_uri"])
    def test_a_form_gets_a_page(self, idp: Idp, name: str) -> None:
        asked = dict(parse_qsl(urlsplit(idp.request()).query))
        data = {**asked, name: [asked.get(name, "x")] * 2}
        assert is_a_page_that_leads_nowhere(idp.browser().post("/authorize", base_url=ISSUER, data=data))

    @pytest.mark.parametrize("name", ["username", "password", "csrf", "unknown"])
    def test_the_log_in_form_gets_a_page(self, idp: Idp, form: tuple[Browser, dict[str, str]], name: str) -> None:
        browser, filled_in = form
        page = idp.get(idp.request()).location
        for second in (filled_in.get(name, "x"), "bob"):
            data = {**filled_in, name: [filled_in.get(name, "x"), second]}
            assert is_a_page_that_leads_nowhere(browser.post(page, base_url=ISSUER, data=data))

    @pytest.mark.parametrize("name", ["id_token_hint", "post_logout_redirect_uri", "client_id", "state"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_log_out_gets_a_page(self, idp: Idp, method: str, name: str) -> None:
        twice = {"client_id": "gateway", name: ["gateway", "gateway"]}
        where = {"data": twice} if method == "POST" else {"query_string": urlencode(twice, True)}
        assert is_a_page_that_leads_nowhere(idp.browser().open("/logout", method=method, base_url=ISSUER, **where))

    def test_what_a_forms_address_says_as_well_does_not_count(self, idp: Idp) -> None:
        asked = dict(parse_qsl(urlsplit(idp.request()).query))
        answer = idp.browser().post("/authorize?redirect_uri=https://attacker.test/", base_url=ISSUER, data=asked)
        assert answer.status_code == 303
        assert dict(parse_qsl(urlsplit(answer.location).query)) == asked

    def test_name_and_password_in_the_address_do_not_count(self, idp: Idp) -> None:
        browser = idp.browser()
        page = idp.get(idp.request()).location + "&username=alice&password=wonderland"
        token = csrf(idp.get(page, browser))
        assert 'value="alice"' not in idp.get(page, browser).text
        answer = browser.post(f"{page}&csrf={token}", base_url=ISSUER, data={"unknown": "x"})
        assert answer.status_code == 400
        assert "code" not in idp.authorize(None, browser).parameters


class TestResponseTypes:
    """OAS-15: nothing but a code comes by way of the browser (RFC 9700 §2.1.2, ASVS 10.6.1)."""

    KINDS = (
        *("token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"),
        *("code code", "CODE", "code ", " code", "code,token", "code+token", "device_code", "tоken", "<script>", '"'),
    )

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_other_is_offered(self, idp: Idp, kind: str) -> None:
        browser = idp.browser()
        idp.authorize(browser=browser)  # even for who is logged in
        answer = idp.authorize(None, browser, response_type=kind)
        assert answer.parameters["error"] == "unsupported_response_type"
        assert not {"code", "access_token", "id_token"} & set(answer.parameters)
        assert "#" not in answer.response.location

    @pytest.mark.parametrize("mode", ["fragment", "form_post", "jwt", "query.jwt", "web_message", "QUERY"])
    def test_nor_another_way_for_it_to_come(self, idp: Idp, mode: str) -> None:
        answer = idp.authorize(None, response_mode=mode)
        assert answer.parameters["error"] == "invalid_request"
        assert "#" not in answer.response.location
