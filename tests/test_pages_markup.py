"""The gateway's pages as markup: what the content security policy, a keyboard and a screen reader need of them."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import flask
import pytest

from services import pages, policy
from services.app import Reference
from services.edge import Edge
from services.identity import Identity
from services.inventory import SHELF
from services.patterns import PATTERNS
from services.settings import Settings
from tests.markup import Page

ALICE = Identity("alice", "alice", policy.CUSTOMER, "password", "session")
CAROL = dataclasses.replace(ALICE, caller="carol", user="carol", scopes=policy.SUPPORT)
STATUSES = ["pending", "confirmed", "rejected", "releasing", "declined", "refunded"]
Show = Callable[..., Page]


def order(status: str, **other: Any) -> dict[str, Any]:
    known = {"id": secrets.token_hex(16), "user": "alice", "sku": "book", "quantity": 2, "amount": 3998, "charge": None}
    return known | {"status": status} | other


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Render one template under one pattern, for one identity."""

    def render(template: str, who: Identity | None = ALICE, pattern: str = "basic", **values: Any) -> Page:
        secret = tmp_path / "gateway" / "secrets" / "cookie_key"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text("not a secret")
        told = {"service": "gateway", "pattern": pattern, "dir": tmp_path, "port": 8443, "peers": {}}
        settings = Settings.model_validate(told | {"issuer": "https://idp.test", "edge": "https://shop.test"})
        app, gateway = flask.Flask("services.app", static_folder=None), flask.Blueprint("gateway", __name__)
        app.url_map.converters["reference"] = Reference
        gateway.register_blueprint(pages.views)
        app.register_blueprint(gateway)
        pages.install(app, settings, cast(Edge, SimpleNamespace(by_form=True)))
        with app.test_request_context("https://shop.test/"):
            if who is not None:
                flask.g.identity = who
            return Page(flask.render_template(f"{template}.html", **values))

    return render


@pytest.fixture(
    params=["home", "login", "failed", "shelf", "bare shelf", "orders", "no orders", "order", "refund", "error"]
)
def page(request: pytest.FixtureRequest, show: Show) -> Page:
    """Every page, each in every state that changes its markup."""
    every = [order(status, amount=None if status == "pending" else 3998) for status in STATUSES]
    return {
        "home": lambda: show("home", None),
        "login": lambda: show("login", None),
        "failed": lambda: show("login", None, failed=True, username='"><script>'),
        "shelf": lambda: show("shelf", items=SHELF, key=secrets.token_hex),
        "bare shelf": lambda: show("shelf", items=[], key=secrets.token_hex),
        "orders": lambda: show("orders", orders=every),
        "no orders": lambda: show("orders", orders=[]),
        "order": lambda: show("order", order=order("pending", amount=None), may_refund=False),
        "refund": lambda: show("order", CAROL, order=order("confirmed"), may_refund=True),
        "error": lambda: show("error", status=409, title="Conflict", detail="there is not enough of it left"),
    }[request.param]()


def test_every_tag_is_closed_where_it_was_opened(page: Page) -> None:
    assert page.open == []


def test_nothing_is_there_that_the_content_security_policy_would_block(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in {"script", "style", "iframe", "object", "base"}
        assert not [name for name in attrs if name == "style" or name.startswith("on")]
        for name in {"src", "href", "action"} & attrs.keys():
            assert (attrs[name] or "").startswith(("/", "#", "data:image/svg+xml,"))


def test_every_form_posts_this_browsers_token(page: Page) -> None:
    tokens = [field for field in page.all("input") if field.get("name") == "csrf"]
    assert len(tokens) == len(page.all("form"))
    assert all(form["method"] == "post" for form in page.all("form"))
    assert all(token["value"] for token in tokens)


def test_every_visible_field_has_a_label(page: Page) -> None:
    visible = {field["id"] for field in page.all("input") if field.get("type") != "hidden"}
    assert visible == {label["for"] for label in page.all("label")}


def test_every_page_has_one_first_heading_and_says_which_pattern_is_in_force(page: Page) -> None:
    assert len(page.all("h1")) == 1
    assert "Guarded by" in page.text


def test_ids_are_given_once(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))


def test_each_form_on_the_shelf_has_an_idempotency_key_of_its_own(show: Show) -> None:
    page = show("shelf", items=SHELF, key=secrets.token_hex)
    keys = {field["value"] for field in page.all("input") if field.get("name") == "key"}
    assert len(keys) == len(SHELF)


def test_what_is_out_of_stock_cannot_be_bought(show: Show) -> None:
    page = show("shelf", items=[SHELF[0] | {"stock": 0}], key=secrets.token_hex)
    assert "Out of stock" in page.text
    assert "/buy" not in page.markup


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_said_in_words_and_only_a_confirmed_order_can_be_refunded(show: Show, status: str) -> None:
    page = show("order", CAROL, order=order(status), may_refund=True)
    assert status.capitalize() in page.text
    assert ("/refund" in page.markup) == (status == "confirmed")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_front_door_shows_five_locks_with_the_one_in_force_marked(show: Show, pattern: str) -> None:
    locks = show("home", None, pattern).all("li")
    assert len(locks) == 5
    assert [lock.get("aria-current") for lock in locks].count("true") == 1


@pytest.mark.parametrize(
    ("voucher", "words"), [("password", "your password"), ("idp", "asked"), ("signature", "signature")]
)
def test_the_footer_says_who_vouches_for_whom(show: Show, voucher: Any, words: str) -> None:
    page = show("orders", dataclasses.replace(ALICE, vouched_by=voucher), orders=[])
    footer = page.text[page.text.index("Guarded by") :]
    assert "alice" in footer
    assert words in footer
