"""Request bodies: what is read, what is refused, with which status, and that the input is not echoed."""

from __future__ import annotations

import gzip
import json
import re
import string
from typing import Any

import flask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services import bodies
from services.bodies import Body, NewCharge, NewOrder, NewReservation
from services.problems import Problem

GOOD = {"sku": "book", "quantity": 2}
ORDER = "0123456789abcdef" * 2
app = flask.Flask(__name__)


def read(body: bytes | str, media_type: str = "application/json", model: type[Body] = NewOrder, **headers: str) -> Body:
    """What `body` is read as, when a request brings it."""
    octets = body.encode() if isinstance(body, str) else body
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    with app.test_request_context(method="POST", data=octets, content_type=media_type, headers=shown):
        return bodies.read(model)


def refusal(body: bytes | str, media_type: str = "application/json", **more: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        read(body, media_type, **more)
    return refused.value


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_a_good_body_is_read(media_type: str) -> None:
    assert read(json.dumps(GOOD), media_type) == NewOrder(sku="book", quantity=2)


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp", "json"]
)
def test_another_media_type_is_415(media_type: str) -> None:
    assert refusal(json.dumps(GOOD), media_type).status == 415


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
def test_a_compressed_body_is_415(encoding: str) -> None:
    assert refusal(gzip.compress(json.dumps(GOOD).encode()), Content_Encoding=encoding).status == 415


NO_JSON = {
    "nothing": b"",
    "half": b'{"sku": "book"',
    "two": b'{"sku": "book", "quantity": 2} {}',
    "single quotes": b"{'sku': 'book', 'quantity': 2}",
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "Latin-1": '{"sku": "bööok", "quantity": 2}'.encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "a surrogate": b'{"sku": "\xed\xa0\x80", "quantity": 2}',
    "very deep": b"[" * 50_000,
    "4,400 digits": b'{"sku": "book", "quantity": ' + b"1" * 4_400 + b"}",
    "a member twice": b'{"sku": "book", "quantity": 2, "quantity": 3}',
    "a member twice, alike": b'{"sku": "book", "sku": "book", "quantity": 2}',
    "a member twice, escaped": b'{"sku": "book", "\\u0073ku": "mug", "quantity": 2}',
    "not a number": b'{"sku": "book", "quantity": NaN}',
    "infinity": b'{"sku": "book", "quantity": -Infinity}',
    "raw control character": b'{"sku": "bo\nok", "quantity": 2}',
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_not_json_is_400(body: bytes) -> None:
    assert refusal(body).status == 400


def test_a_bomb_of_brackets_is_refused_before_or_after_it_was_read() -> None:
    """How deep its parser goes is Python's to say, and 3.12 goes deeper than 3.11."""
    assert refusal(b"[" * 8_000 + b"]" * 8_000).status in {400, 422}


BREAKS_THE_RULES: dict[str, Any] = {
    "null": None,
    "a list": [GOOD],
    "text": "book",
    "no quantity": {"sku": "book"},
    "no sku": {"quantity": 2},
    "an empty object": {},
    **{f"quantity {value!r}": GOOD | {"quantity": value} for value in (0, -1, 101, 10**18, 1.5, 2.0, "2", True, None)},
    **{f"quantity {value!r}": GOOD | {"quantity": value} for value in ([2], {"a": 2}, float("1e308"))},
    **{f"sku {value!r}": GOOD | {"sku": value} for value in ("", "Book", "book ", "book\n", "böök", "1book", "b" * 33)},
    **{f"sku {value!r}": GOOD | {"sku": value} for value in ("../book", "book'--", "b\0", 1, None, ["book"])},
    **{name: GOOD | {name: 0} for name in ("price", "amount", "owner", "user", "status", "id", "Sku", "__class__", "")},
}


@pytest.mark.parametrize("body", BREAKS_THE_RULES.values(), ids=BREAKS_THE_RULES)
def test_json_that_breaks_the_rules_is_422(body: Any) -> None:
    problem = refusal(json.dumps(body))
    assert problem.status == 422
    assert problem.extra["errors"]


def test_a_number_too_large_to_be_one_is_422() -> None:
    assert refusal('{"sku": "book", "quantity": 1e999}').status == 422


def test_the_problem_names_the_member_and_does_not_echo_its_value() -> None:
    problem = refusal(json.dumps({"sku": "<script>secret</script>", "quantity": "secret"}))
    assert [error["member"] for error in problem.extra["errors"]] == ["sku", "quantity"]
    assert all(set(error) == {"member", "problem"} for error in problem.extra["errors"])
    assert "secret" not in json.dumps(problem.extra)


@pytest.mark.parametrize("body", [b'{"secret": "secret"', b"secret", b"\xff secret"])
def test_what_is_not_json_is_not_echoed_either(body: bytes) -> None:
    assert "secret" not in json.dumps(refusal(body).extra)


@pytest.mark.parametrize(
    ("model", "good"), [(NewReservation, GOOD | {"order": ORDER}), (NewCharge, {"order": ORDER, "amount": 5})]
)
def test_an_inner_body_names_its_order_by_32_hex_digits(model: type[Body], good: dict[str, Any]) -> None:
    assert read(json.dumps(good), model=model).model_dump() == good
    for order in ("", ORDER[:-1], ORDER + "0", ORDER.upper(), ORDER[:-1] + "\n", ORDER + "\n", "../" + ORDER[3:], 1):
        assert refusal(json.dumps(good | {"order": order}), model=model).status == 422


@pytest.mark.parametrize("amount", [0, -1, 1.0, "1", True, 100_000_001, None])
def test_an_amount_is_whole_cents_within_reason(amount: object) -> None:
    assert refusal(json.dumps({"order": ORDER, "amount": amount}), model=NewCharge).status == 422


@pytest.mark.parametrize("quantity", [1, 100])
@pytest.mark.parametrize("sku", ["b", "b" * 32, "a-1"])
def test_the_extremes_are_good(sku: str, quantity: int) -> None:
    assert read(json.dumps({"sku": sku, "quantity": quantity})) == NewOrder(sku=sku, quantity=quantity)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
        st.fixed_dictionaries({"sku": st.text(max_size=40), "quantity": st.integers() | st.floats() | st.text()}).map(
            lambda value: json.dumps(value).encode()
        ),
    )
)
def test_whatever_is_sent_is_an_order_within_the_rules_or_a_problem(body: bytes) -> None:
    found: Body | Problem
    try:
        found = read(body)
    except Problem as problem:
        found = problem
    if isinstance(found, Problem):
        assert found.status in {400, 422}
        assert json.dumps(found.extra).isascii()
    else:
        assert isinstance(found, NewOrder)
        assert type(found.quantity) is int
        assert 1 <= found.quantity <= 100
        assert re.fullmatch("[a-z][a-z0-9-]{0,31}", found.sku)


@settings(max_examples=50, deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=32), st.integers(1, 100))
def test_every_order_within_the_rules_is_read(sku: str, quantity: int) -> None:
    assert read(json.dumps({"quantity": quantity, "sku": sku})).model_dump() == {"sku": sku, "quantity": quantity}


class TestTheIdempotencyKey:
    @staticmethod
    def key(value: str | None) -> str:
        headers = {} if value is None else {"Idempotency-Key": value}
        with app.test_request_context(method="POST", headers=headers):
            return bodies.idempotency_key()

    @pytest.mark.parametrize("value", ["a", "a" * 128, string.punctuation, "two words"])
    def test_one_to_128_printable_characters_are_a_key(self, value: str) -> None:
        assert self.key(value) == value

    @pytest.mark.parametrize(
        "value", [None, "", "a" * 129, "schl\u00fcssel", "a\tb", "a\x7f", "a\x1b[31m", " a", "a ", " "], ids=repr
    )
    def test_anything_else_is_400(self, value: str | None) -> None:
        with pytest.raises(Problem) as refused:
            self.key(value)
        assert refused.value.status == 400
        assert "schl" not in json.dumps(refused.value.extra)


def test_the_same_order_spelt_differently_is_the_same() -> None:
    one, other = read('{"sku": "book", "quantity": 2}'), read('{ "quantity":2,"sku":"\\u0062ook" }')
    assert bodies.fingerprint(one) == bodies.fingerprint(other)


@pytest.mark.parametrize("other", [{"sku": "book", "quantity": 3}, {"sku": "mug", "quantity": 2}])
def test_another_order_is_another(other: dict[str, Any]) -> None:
    assert bodies.fingerprint(NewOrder(**GOOD)) != bodies.fingerprint(NewOrder(**other))  # type: ignore[arg-type]
