"""Where a request leads: found once, if its path is always the same, and never without its method."""

from __future__ import annotations

import flask
import pytest
from werkzeug.routing import MapAdapter

from services.routing import Application, Paths


@pytest.fixture
def app() -> Application:
    app = Application("shop", "orders", static_folder=None)
    app.add_url_rule("/orders", "all", lambda: "all", methods=["GET"])
    app.add_url_rule("/orders", "new", lambda: "new", methods=["POST"])
    app.add_url_rule("/orders/<name>", "one", lambda name: name)
    app.add_url_rule("/away", "away", lambda: flask.redirect(flask.url_for("all", _external=True)))
    app.add_url_rule("/shelf/", "shelf", lambda: "shelf")
    return app


def found(app: Application) -> dict[tuple[str, str], str]:
    """What is found without a search."""
    assert isinstance(app.url_map, Paths)
    return {asked: rule.endpoint for asked, rule in app.url_map.found.items()}


def test_each_method_of_a_path_has_a_view_of_its_own(app: Application) -> None:
    for _ in range(2):
        assert app.test_client().get("/orders").text == "all"
        assert app.test_client().post("/orders").text == "new"
        assert app.test_client().head("/orders").status_code == 200
        assert app.test_client().delete("/orders").status_code == 405
        assert app.test_client().options("/orders").allow == {"GET", "HEAD", "POST", "OPTIONS"}
    assert found(app) == {
        ("/orders", "GET"): "all",
        ("/orders", "POST"): "new",
        ("/orders", "HEAD"): "all",
        ("/orders", "OPTIONS"): "all",
    }


def test_what_a_client_may_choose_is_not_kept(app: Application) -> None:
    for path in ("/orders/1", "/orders/2", "/orders/<name>", "/none", "/orders//", "/orders/", "/shelf"):
        app.test_client().get(path)
    assert found(app) == {}


def test_it_is_not_searched_for_again(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app.test_client().get("/orders").text == "all"
    monkeypatch.setattr(MapAdapter, "match", None)
    assert app.test_client().get("/orders").text == "all"


@pytest.mark.parametrize("path", ["/orders//1", "/orders//", "/orders/"])
def test_a_path_has_one_spelling(app: Application, path: str) -> None:
    app.test_client().get("/orders")
    assert app.test_client().get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "leads_to"), [("/away", "https://orders/orders"), ("/shelf", "https://orders/shelf/")]
)
def test_the_host_that_a_request_names_has_no_say(app: Application, path: str, leads_to: str) -> None:
    answer = app.test_client().get(path, headers={"Host": "attacker.test"})
    assert answer.location == leads_to


def test_whoever_asks_for_another_protocol_goes_on_in_this_one(app: Application) -> None:
    """RFC 9110 §7.8."""
    asked = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert app.test_client().get("/orders", headers=asked).text == "all"
