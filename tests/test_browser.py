"""The gateway for people: logging in, buying, looking, logging out, under every pattern and in both runtimes."""

from __future__ import annotations

import pytest
import requests

from compose.shop import Shop
from compose.topology import TOKEN_PATTERNS
from scenarios.browser import Browser, forms
from scenarios.door import door


@pytest.fixture
def browser(shop: Shop) -> Browser:
    """A browser that nobody has logged in with."""
    return Browser(shop)


def own_cookies(browser: Browser) -> dict[str, str]:
    """The gateway's cookies: on loopback, `localhost` carries the IdP's as well."""
    return {cookie.name: cookie.value or "" for cookie in browser.session.cookies if "shop" in cookie.name}


def test_a_person_logs_in_buys_looks_and_logs_out(shop: Shop, browser: Browser) -> None:
    assert "Log in" in browser.open("/").text
    shelf = browser.log_in("alice", "wonderland")
    assert shelf.url == f"{shop.edge}/shelf"
    assert "A mug with a keyhole" in shelf.text
    order = browser.submit("/buy", sku="mug", quantity="2")
    assert order.url.startswith(f"{shop.edge}/orders/")
    assert "2 × mug" in order.text
    assert "17.98" in order.text
    assert order.url.rpartition("/")[2] in browser.open("/orders").text
    browser.submit("/logout")
    assert browser.open("/shelf").url == f"{shop.edge}/"


def test_logging_out_ends_the_session_for_a_copied_cookie_too(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    thief = Browser(shop)
    thief.session.cookies.update(own_cookies(browser))
    assert thief.open("/shelf").url == f"{shop.edge}/shelf"
    browser.submit("/logout")
    assert thief.open("/shelf").url == f"{shop.edge}/"


def test_after_logging_out_the_identity_provider_asks_again(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    browser.submit("/logout")
    page = browser.open("/login")
    assert any("password" in form.fields for form in forms(page.text))


def test_a_wrong_password_is_told_without_saying_which_half_is_wrong(browser: Browser) -> None:
    known = browser.log_in("alice", "jabberwocky").text.replace("alice", "")
    unknown = browser.log_in("nobody", "jabberwocky").text.replace("nobody", "")
    assert not browser.page.ok
    strip = [form.fields.get("csrf", "") for form in forms(known) + forms(unknown)]
    for token in filter(None, strip):
        known, unknown = known.replace(token, ""), unknown.replace(token, "")
    assert known == unknown


def test_a_form_from_elsewhere_does_nothing(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    before = browser.open("/orders").text
    for forged in ({}, {"csrf": ""}, {"csrf": "A" * 43}):
        data = {"sku": "mug", "quantity": "1", "key": "forged-by-mallory"} | forged
        answer = browser.session.post(f"{shop.edge}/buy", data=data, timeout=10, allow_redirects=False)
        assert answer.status_code == 403
    assert browser.open("/orders").text == before


def test_logging_in_needs_the_form_of_this_browser(shop: Shop) -> None:
    answer = door(shop).post(
        f"{shop.edge}/login", data={"username": "mallory", "password": "malice"}, timeout=10, allow_redirects=False
    )
    assert answer.status_code == 403


def test_the_session_of_before_the_log_in_is_not_the_one_after(browser: Browser) -> None:
    browser.open("/login")
    before = own_cookies(browser)
    browser.log_in("alice", "wonderland")
    assert own_cookies(browser) != before


def test_the_cookie_is_kept_from_scripts_neighbours_and_plain_http(browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    [cookie] = [cookie for cookie in browser.session.cookies if "shop" in cookie.name]
    assert cookie.name.startswith("__Host-")
    assert cookie.secure
    assert cookie.path == "/"
    assert not cookie.domain_specified
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


@pytest.mark.parametrize(
    "path", ["/", "/shelf", "/orders", "/login", "/nowhere", "/orders/nothing", "/static/style.css"]
)
def test_every_answer_forbids_scripts_and_frames(shop: Shop, browser: Browser, path: str) -> None:
    browser.log_in("alice", "wonderland")
    answer: requests.Response = browser.session.get(shop.edge + path, timeout=10, allow_redirects=False)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in answer.text
    assert " style=" not in answer.text


def test_the_api_does_not_look_at_cookies(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    assert browser.session.get(f"{shop.edge}/api/orders", timeout=10).status_code == 401


@pytest.mark.parametrize("quantity", ["", "abc", "2.5", "0", "-1", "101"])
def test_a_quantity_that_is_none_buys_nothing(browser: Browser, quantity: str) -> None:
    browser.log_in("alice", "wonderland")
    assert browser.submit("/buy", sku="mug", quantity=quantity).status_code == 422


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/buy", 405)])
def test_an_error_is_a_page_for_people(shop: Shop, browser: Browser, method: str, path: str, status: int) -> None:
    browser.log_in("alice", "wonderland")
    answer = browser.session.request(method, shop.edge + path, timeout=10, allow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")


def test_logging_in_again_ends_the_session_before(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    thief = Browser(shop)
    thief.session.cookies.update(own_cookies(browser))
    if shop.pattern in TOKEN_PATTERNS:
        browser.open("/login")
    else:
        browser.log_in("alice", "wonderland")
    assert browser.open("/shelf").url == f"{shop.edge}/shelf"
    assert thief.open("/shelf").url == f"{shop.edge}/"


def test_somebody_elses_order_is_not_there(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    order = browser.submit("/buy", sku="mug", quantity="1").url
    other = Browser(shop)
    other.log_in("bob", "builder")
    assert other.open(order).status_code == 404
    assert not [form for form in forms(browser.open(order).text) if "refund" in form.action]


def test_support_refunds_from_the_page(shop: Shop, browser: Browser) -> None:
    browser.log_in("alice", "wonderland")
    order = browser.submit("/buy", sku="mug", quantity="1").url
    support = Browser(shop)
    support.log_in("carol", "christmas")
    support.open(order)
    assert "refunded" in support.submit("/refund").text.lower()


def test_a_forged_callback_opens_no_session(shop: Shop, browser: Browser) -> None:
    browser.open("/login")
    answer = browser.session.get(
        f"{shop.edge}/callback",
        params={"code": "of-mallory", "state": "guessed", "iss": shop.issuer},
        timeout=10,
        allow_redirects=False,
    )
    assert answer.status_code == (403 if shop.pattern in TOKEN_PATTERNS else 404)
    assert browser.open("/shelf").url == f"{shop.edge}/"
