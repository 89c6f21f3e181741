"""What is tried at the log-in page: planting a log-in, stealing its cookie, guessing, and finding out who is there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest import mock

import flask
import pytest
from argon2 import extract_parameters
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from services import passwords, users
from tests.idp_support import ISSUER, PASSWORDS, Idp, a_client, csrf

pytest_plugins = ("tests.idp_fixtures",)

COOKIE = "__Host-idp-9443"
RANDOM = re.compile(r"[\w-]{43}", re.ASCII)
HEADER = {"X-CSRF-Token": "{token}", "X-CSRFToken": "{token}", "X-XSRF-Token": "{token}"}


def page(idp: Idp, client: str = "gateway") -> str:
    """The address of a log-in page."""
    return str(idp.get(idp.request(client)).location)


def form(token: str | None, who: str = "alice", password: str | None = None) -> dict[str, str]:
    """The form, filled in; without a `token` when there is none."""
    filled_in = {"username": who, "password": PASSWORDS.get(who, "") if password is None else password}
    return filled_in if token is None else filled_in | {"csrf": token}


def cookie_of(browser: Browser) -> str:
    """The value of the browser's cookie."""
    found = browser.get_cookie(COOKIE, domain="localhost")
    return found.value if found else ""


def holding(idp: Idp, cookie: str, name: str = COOKIE) -> Browser:
    """A browser with this cookie."""
    browser = idp.browser()
    browser.set_cookie(name, cookie, domain="localhost", secure=True)
    return browser


def is_logged_in(idp: Idp, browser: Browser) -> bool:
    return "code" in idp.authorize(None, browser).parameters


class TestRedirectsAfterTheLogIn:
    """OAS-23: no redirect has the browser send the password on (RFC 9700 §4.12)."""

    POSTS: ClassVar[dict[str, Callable[[Idp, Browser], TestResponse]]] = {
        "the log-in": lambda idp, browser: idp.log_in(page(idp), browser, "alice"),
        "the log-in, at another client": lambda idp, browser: idp.log_in(page(idp, "cli"), browser, "alice"),
        "a second log-in": lambda idp, browser: idp.log_in(page(idp), _logged_in(idp, browser), "bob"),
        "a request as a form": lambda idp, browser: browser.post("/authorize", base_url=ISSUER, data={"state": "s"}),
        "a log-out as a form": lambda idp, browser: browser.post("/logout", base_url=ISSUER, data={"state": "s"}),
    }

    @pytest.mark.parametrize("post", POSTS)
    def test_a_post_is_answered_with_see_other(self, idp: Idp, post: str) -> None:
        answer = self.POSTS[post](idp, idp.browser())
        assert answer.status_code == 303
        assert not any(password in answer.location for password in PASSWORDS.values())

    def test_on_the_whole_way_to_the_client_nothing_repeats_it(self, idp: Idp) -> None:
        browser = idp.browser()
        answer = idp.log_in(page(idp), browser, "alice")
        while answer.location.startswith("/"):
            answer = idp.get(answer.location, browser)
            assert answer.status_code in {302, 303}
            assert PASSWORDS["alice"] not in answer.location + answer.text + str(answer.headers)


def _logged_in(idp: Idp, browser: Browser) -> Browser:
    idp.authorize(browser=browser)
    return browser


class TestPlantedLogIn:
    """OAS-25: nobody is logged in by a form that was not their own browser's (RFC 9700 §4.7, ASVS 3.5.1)."""

    def forge(self, idp: Idp, way: str) -> tuple[Browser, str, dict[str, str], dict[str, str]]:
        """A browser, the address that it posts to, with which form and headers."""
        there, victim, mallory = page(idp), idp.browser(), idp.browser()
        own, mallorys = csrf(idp.get(there, victim)), csrf(idp.get(there, mallory))
        with_header = {name: value.format(token=own) for name, value in HEADER.items()}
        victims = cookie_of(victim)
        ways: dict[str, tuple[Browser, str, dict[str, str], dict[str, str]]] = {
            "without cookies": (idp.browser(), there, form(mallorys), {}),
            "without cookies or a token": (idp.browser(), there, form(None), {}),
            "without a token": (victim, there, form(None), {}),
            "with an empty token": (victim, there, form(""), {}),
            "with a token of nobody's": (victim, there, form("x" * 43), {}),
            "with a token that begins alike": (victim, there, form(own[:-1]), {}),
            "with mallory's token": (victim, there, form(mallorys), {}),
            "with the token in the address": (victim, f"{there}&csrf={own}", form(None), {}),
            "with the token in a header": (victim, there, form(None), with_header),
            "with a cookie of another name": (holding(idp, victims, "idp-9443"), there, form(own), {}),
            "with a cookie for another port": (holding(idp, victims, "__Host-idp-9444"), there, form(own), {}),
            "with an empty cookie": (holding(idp, ""), there, form(own), {}),
            "with an altered cookie": (holding(idp, f"A{victims[1:]}"), there, form(own), {}),
            "with an unsigned cookie": (holding(idp, victims.rpartition(".")[0]), there, form(own), {}),
            "with a cookie signed by mallory": (holding(idp, _signed_by_mallory(own)), there, form(own), {}),
        }
        return ways[way]

    WAYS = (
        *("without cookies", "without cookies or a token", "without a token", "with an empty token"),
        *("with a token of nobody's", "with a token that begins alike", "with mallory's token"),
        *("with the token in the address", "with the token in a header", "with a cookie of another name"),
        *("with a cookie for another port", "with an empty cookie", "with an altered cookie"),
        *("with an unsigned cookie", "with a cookie signed by mallory"),
    )

    @pytest.mark.parametrize("way", WAYS)
    def test_a_forged_form_logs_nobody_in(self, shared: Idp, way: str) -> None:
        browser, there, filled_in, headers = self.forge(shared, way)
        answer = browser.post(there, base_url=ISSUER, data=filled_in, headers=headers)
        assert answer.status_code == 400
        assert not is_logged_in(shared, browser)

    def test_the_forms_token_of_before_the_log_in_is_worth_nothing_after_it(self, shared: Idp) -> None:
        browser, there = shared.browser(), page(shared)
        before = csrf(shared.get(there, browser))
        shared.log_in(there, browser, "alice")
        assert browser.post(there, base_url=ISSUER, data=form(before, "bob")).status_code == 400

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_an_address_that_holds_it_all_logs_nobody_in(self, shared: Idp, method: str) -> None:
        browser, there = shared.browser(), page(shared)
        token = csrf(shared.get(there, browser))
        browser.open(f"{there}&username=alice&password=wonderland&csrf={token}", method=method, base_url=ISSUER)
        assert not is_logged_in(shared, browser)

    def test_a_planted_cookie_is_not_the_one_that_is_logged_in(self, shared: Idp) -> None:
        """Session fixation: mallory plants a cookie that she knows, and waits for alice to log in with it."""
        mallory, there = shared.browser(), page(shared)
        shared.get(there, mallory)
        planted = cookie_of(mallory)
        alice = holding(shared, planted)
        shared.log_in(there, alice, "alice")
        assert is_logged_in(shared, alice)
        assert not is_logged_in(shared, holding(shared, planted))

    @pytest.mark.parametrize("token", ["", "x" * 43, None])
    def test_nor_is_anybody_logged_out_by_one(self, shared: Idp, token: str | None) -> None:
        browser = _logged_in(shared, shared.browser())
        shared.get("/logout", browser)
        browser.post("/logout", base_url=ISSUER, data={} if token is None else {"csrf": token})
        assert is_logged_in(shared, browser)


def _signed_by_mallory(token: str) -> str:
    """A session cookie that says the right thing, under another key."""
    mallorys = flask.Flask("mallorys")
    mallorys.secret_key = "a key of mallory's"
    serializer = SecureCookieSessionInterface().get_signing_serializer(mallorys)
    assert serializer is not None
    return str(serializer.dumps({"csrf": token, "login": "x" * 43}))


class TestCookies:
    """OAS-25: the cookie is out of reach of scripts, of neighbours and of plain HTTP (ASVS 3.3)."""

    MOMENTS: ClassVar[dict[str, Callable[[Idp, Browser], TestResponse]]] = {
        "before the log-in": lambda idp, browser: idp.get(page(idp), browser),
        "after it": lambda idp, browser: idp.log_in(page(idp), browser, "alice"),
        "after another one": lambda idp, browser: idp.log_in(page(idp), _logged_in(idp, browser), "bob"),
        "on the log-out page": lambda idp, browser: idp.get("/logout", _logged_in(idp, browser)),
        "after the log-out": lambda idp, browser: _logged_out(idp, _logged_in(idp, browser)),
    }

    @pytest.mark.parametrize("moment", MOMENTS)
    def test_it_is_well_guarded(self, shared: Idp, moment: str) -> None:
        browser = shared.browser()
        [line] = self.MOMENTS[moment](shared, browser).headers.getlist("Set-Cookie")
        name, *attributes = (part.strip() for part in line.split(";"))
        assert name.startswith(f"{COOKIE}=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert not [each for each in attributes if each.lower().startswith("domain")]
        held = shared.session(name.removeprefix(f"{COOKIE}="))
        assert held.keys() <= {"csrf", "login"}
        assert all(RANDOM.fullmatch(each) for each in held.values()), "names, not people's"

    @pytest.mark.parametrize(
        "path", ["/jwks", "/.well-known/openid-configuration", "/userinfo", "/nowhere", "/healthz"]
    )
    def test_no_other_answer_sets_one(self, shared: Idp, path: str) -> None:
        assert "Set-Cookie" not in shared.get(path).headers

    def test_the_answers_to_clients_set_none(self, shared: Idp) -> None:
        answers = (
            shared.post(path, "gateway", token="x", grant_type="client_credentials") for path in ("/token", "/revoke")
        )
        assert not any("Set-Cookie" in answer.headers for answer in answers)

    def test_a_copied_one_is_worth_nothing_after_the_log_out(self, shared: Idp) -> None:
        browser = _logged_in(shared, shared.browser())
        copied = cookie_of(browser)
        _logged_out(shared, browser)
        assert not is_logged_in(shared, holding(shared, copied))


def _logged_out(idp: Idp, browser: Browser) -> TestResponse:
    token = csrf(idp.get("/logout", browser))
    return browser.post("/logout", base_url=ISSUER, data={"csrf": token})


class TestBruteForce:
    """OAS-30: guesses are slowed down, whatever changes between them; the owner is not locked out (ASVS 6.3.1)."""

    ELSEWHERE: ClassVar[dict[str, Any]] = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}

    def guess(self, idp: Idp, password: str, *, who: str = "alice", there: str | None = None, **arguments: Any) -> int:
        """The status that a guess ends with, made in a browser of its own."""
        browser, there = idp.browser(), there or page(idp)
        data = form(csrf(idp.get(there, browser)), who, password) | arguments.pop("more", {})
        return browser.post(there, base_url=ISSUER, data=data, **arguments).status_code

    EVASIONS: ClassVar[dict[str, Callable[[int], dict[str, Any]]]] = {
        "a new browser": lambda n: {},
        "a forwarded address": lambda n: {"headers": {"X-Forwarded-For": f"192.0.2.{n}"}},
        "a forwarded address, as a list": lambda n: {"headers": {"X-Forwarded-For": f"192.0.2.{n}, 127.0.0.1"}},
        "a real address, so it says": lambda n: {"headers": {"X-Real-IP": f"192.0.2.{n}", "True-Client-IP": f"::{n}"}},
        "a standard forwarded address": lambda n: {"headers": {"Forwarded": f"for=192.0.2.{n}"}},
        "a client's address": lambda n: {"headers": {"X-Client-IP": f"192.0.2.{n}", "X-Remote-Addr": f"192.0.2.{n}"}},
        "another program": lambda n: {"headers": {"User-Agent": f"browser {n}", "Accept-Language": f"x-{n}"}},
        "another field": lambda n: {"more": {f"field{n}": "x"}},
        "another origin": lambda n: {"headers": {"Origin": f"https://{n}.test", "Referer": f"https://{n}.test/"}},
    }

    @pytest.mark.parametrize("evasion", EVASIONS)
    def test_no_disguise_brings_more_than_five_guesses(self, idp: Idp, evasion: str) -> None:
        statuses = [self.guess(idp, f"guess {n}", **self.EVASIONS[evasion](n)) for n in range(6)]
        assert statuses == [403] * 5 + [429]

    def test_nor_does_going_by_way_of_another_client(self, idp: Idp) -> None:
        ways = itertools.cycle([page(idp, client) for client in ("gateway", "portal", "cli")])
        assert [self.guess(idp, f"guess {n}", there=next(ways)) for n in range(6)] == [403] * 5 + [429]

    def test_nor_does_another_spelling_of_the_name(self, idp: Idp) -> None:
        idp.users.add("ren\u00e9e", "a password", [])
        spellings = itertools.cycle(["ren\u00e9e", "rene\u0301e"])
        assert [self.guess(idp, "wrong", who=next(spellings)) for _ in range(6)] == [403] * 5 + [429]

    def test_nor_does_guessing_all_at_once(self, idp: Idp) -> None:
        real: Callable[[str, str], users.User] = idp.users.check
        there, tried = page(idp), []

        def check(name: str, password: str) -> users.User:
            tried.append(password)
            return real(name, password)

        with mock.patch.object(idp.users, "check", check), ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(lambda n: self.guess(idp, f"guess {n}", there=there), range(12)))
        assert sorted(statuses) == [403] * 5 + [429] * 7
        assert len(tried) == 5

    def test_nor_does_a_right_log_in_of_ones_own_in_between(self, idp: Idp) -> None:
        statuses = []
        for n in range(6):
            statuses.append(self.guess(idp, f"guess {n}"))
            assert self.guess(idp, PASSWORDS["bob"], who="bob") == 303
        assert statuses == [403] * 5 + [429]

    def test_then_the_right_password_is_not_looked_at_either(self, idp: Idp) -> None:
        for n in range(5):
            self.guess(idp, f"guess {n}")
        with mock.patch.object(idp.users, "check", side_effect=AssertionError("it was looked at")):
            assert self.guess(idp, PASSWORDS["alice"]) == 429

    def test_who_is_slowed_down_is_told_for_how_long(self, idp: Idp) -> None:
        for n in range(5):
            self.guess(idp, f"guess {n}")
        browser, there = idp.browser(), page(idp)
        answer = browser.post(there, base_url=ISSUER, data=form(csrf(idp.get(there, browser)), password="x"))
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert "wait a minute" in answer.text

    def test_the_owner_gets_in_from_elsewhere_and_so_do_others_from_there(self, idp: Idp) -> None:
        for n in range(6):
            self.guess(idp, f"guess {n}")
        assert self.guess(idp, PASSWORDS["alice"], **self.ELSEWHERE) == 303
        assert self.guess(idp, PASSWORDS["bob"], who="bob") == 303

    def test_what_the_owner_has_open_stays_open(self, idp: Idp) -> None:
        browser = _logged_in(idp, idp.browser())
        tokens = idp.tokens()
        for n in range(6):
            self.guess(idp, f"guess {n}")
        assert is_logged_in(idp, browser)
        assert idp.introspect(tokens["access_token"])["active"]
        assert idp.refresh(tokens["refresh_token"]).status_code == 200


@contextmanager
def counted_work() -> Iterator[list[str]]:
    """What each look at a password is compared with: the costly part, and all of the time that could be measured."""
    compared: list[str] = []
    real = passwords.HASHER

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            compared.append(stored)
            return real.verify(stored, password)

    passwords.decoy()  # its costs are those of the hasher that is replaced here
    with mock.patch("services.passwords.HASHER", Counting()):
        yield compared


class TestEnumeration:
    """OAS-30: neither the answer nor the time that it takes tells who is there (ASVS 6.3.8)."""

    WHO: ClassVar[dict[str, tuple[str, str]]] = {
        "a wrong password": ("alice", "wrong"),
        "nobody": ("nobody", "wrong"),
        "a name in another case": ("ALICE", "wonderland"),
        "a disabled person, rightly": ("bob", "builder"),
        "a disabled person, wrongly": ("bob", "wrong"),
        "a person called like a client, rightly": ("orders", "secret"),
        "a person called like a client, wrongly": ("orders", "wrong"),
        "a client": ("portal", "wrong"),
        "no name": ("", "wrong"),
        "no password": ("alice", ""),
        "neither": ("", ""),
        "a name that is too long": ("x" * 257, "wrong"),
        "a password that is too long": ("alice", "x" * 257),
        "a name that no store can hold": ("\u0085", "wrong"),
        "SQL": ("' OR 1=1 --", "' OR 1=1 --"),
        "a pattern": ("ali%", "wrong"),
    }

    @pytest.fixture
    def crowd(self, idp: Idp) -> Idp:
        """With somebody who is disabled, and somebody who is called like a client."""
        idp.users.add("orders", "secret", [])
        idp.users.disable("bob")
        return idp

    def answer(self, idp: Idp, who: str, password: str) -> TestResponse:
        browser, there = idp.browser(), page(idp)
        return browser.post(there, base_url=ISSUER, data=form(csrf(idp.get(there, browser)), who, password))

    @pytest.mark.parametrize("who", WHO)
    def test_each_costs_the_hash_of_one_password(self, crowd: Idp, who: str) -> None:
        with counted_work() as compared:
            assert self.answer(crowd, *self.WHO[who]).status_code == 403
        assert len(compared) == 1

    def test_the_hash_that_nobody_has_is_as_slow_as_everybodys(self, crowd: Idp) -> None:
        crowd.users.set_password("alice", "looking-glass")
        with counted_work() as compared:
            self.answer(crowd, "alice", "wrong")
            self.answer(crowd, "nobody", "wrong")
        somebodys, nobodys = (extract_parameters(each) for each in compared)
        assert somebodys == nobodys

    def test_all_are_told_the_same(self, crowd: Idp) -> None:
        told = set()
        for who, password in self.WHO.values():
            answer = self.answer(crowd, who, password)
            text = answer.text.replace(csrf(answer), "")
            before, _, rest = text.partition('name="username" value="')  # the name stands there as it was typed
            told.add((answer.status_code, before, rest.partition('"')[2], tuple(sorted(answer.headers.keys()))))
        assert len(told) == 1

    @pytest.mark.parametrize("who", ["alice", "nobody", "bob", "orders"])
    def test_all_are_slowed_down_alike(self, crowd: Idp, who: str) -> None:
        assert [self.answer(crowd, who, "wrong").status_code for _ in range(6)] == [403] * 5 + [429]

    def test_a_client_is_not_told_from_nobody_at_the_token_endpoint(self, shared: Idp) -> None:
        form = {"grant_type": "client_credentials"}
        headers = ({"Authorization": value} for value in ("Basic Z2F0ZXdheTp4", "Basic bm9ib2R5Ong="))
        answers = [shared.browser().post("/token", base_url=ISSUER, data=form, headers=each) for each in headers]
        assert answers[0].data == answers[1].data
        assert answers[0].headers.to_wsgi_list() == answers[1].headers.to_wsgi_list()

    def test_a_registration_that_is_not_there_is_told_like_one_without_that_address(self, idp: Idp) -> None:
        """Who asks for an address learns nothing of the others that a client has."""
        idp.register(a_client("gateway", redirect_uris=["https://a.test/x", "https://b.test/y"]))
        pages = {idp.get(idp.request(redirect_uri=uri)).text for uri in ("https://a.test/y", "https://c.test/")}
        assert len(pages) == 1
