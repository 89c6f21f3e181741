"""One person gets their share of the gateway, and no more; everybody else gets theirs."""

from __future__ import annotations

import flask
import pytest
from werkzeug.exceptions import TooManyRequests

from services import problems, shares
from services.identity import Identity
from services.shares import MOST, Shares


class TestShares:
    def test_one_person_gets_so_many_at_a_time(self) -> None:
        mine = Shares()
        for _ in range(MOST):
            mine.take("mallory")
        with pytest.raises(TooManyRequests) as refused:
            mine.take("mallory")
        assert refused.value.retry_after == shares.RETRY_AFTER_SECONDS

    def test_another_person_gets_as_many(self) -> None:
        mine = Shares()
        for _ in range(MOST):
            mine.take("mallory")
        for _ in range(MOST):
            mine.take("bob")

    def test_what_is_given_back_can_be_taken_again(self) -> None:
        mine = Shares()
        for _ in range(3 * MOST):
            mine.take("mallory")
            mine.give_back("mallory")
        mine.take("mallory")

    def test_who_has_nothing_under_way_is_forgotten(self) -> None:
        mine = Shares()
        for number in range(100):
            mine.take(f"guest-{number}")
            mine.give_back(f"guest-{number}")
        assert not mine._under_way


class TestRequests:
    """An application in which a request can ask for another, which is then under way at the same time."""

    @pytest.fixture
    def app(self) -> flask.Flask:
        app = flask.Flask(__name__)
        problems.install(app, None)

        @app.before_request
        def guard() -> None:
            name = flask.request.args.get("as")
            if name:
                flask.g.identity = Identity(name, name, frozenset(), "password", "password")

        @app.get("/<int:depth>")
        def ask(depth: int) -> flask.typing.ResponseReturnValue:
            if flask.request.args.get("fails"):
                raise RuntimeError
            inner = flask.request.args.get("then") or flask.request.args.get("as", "")
            return "done" if depth == 1 else app.test_client().get(f"/{depth - 1}?as={inner}").get_data()

        shares.install(app)
        return app

    def test_the_share_of_a_person_is_what_is_under_way_at_once(self, app: flask.Flask) -> None:
        assert app.test_client().get(f"/{MOST}?as=mallory").get_data() == b"done"
        refused = app.test_client().get(f"/{MOST + 1}?as=mallory")
        assert b"Too Many Requests" in refused.get_data()

    def test_whoever_wants_more_is_told_when_to_come_again(self, app: flask.Flask) -> None:
        with app.test_request_context("/1?as=mallory"):
            for _ in range(MOST):
                app.preprocess_request()
            answer = app.test_client().get("/1?as=mallory")
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
            assert app.test_client().get("/1?as=bob").status_code == 200

    @pytest.mark.parametrize("query", ["as=mallory", "as=mallory&fails=1", ""])
    def test_every_request_gives_its_part_back_however_it_ends(self, app: flask.Flask, query: str) -> None:
        for _ in range(2 * MOST):
            assert app.test_client().get(f"/1?{query}").status_code in {200, 500}
        assert app.test_client().get(f"/{MOST}?as=mallory").get_data() == b"done"

    def test_nobody_in_particular_has_no_share_to_run_out_of(self, app: flask.Flask) -> None:
        assert app.test_client().get(f"/{3 * MOST}").get_data() == b"done"
