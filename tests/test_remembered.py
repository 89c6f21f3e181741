"""What is remembered, for how long, and what makes room for what."""

from __future__ import annotations

from services.remembered import Remembered


def test_what_was_put_is_found_and_nothing_else() -> None:
    known = Remembered[str, int](3)
    known.put("a", 1)
    assert (known.get("a"), known.get("b")) == (1, None)
    known.put("a", 2)
    assert known.get("a") == 2
    assert known.keys() == {"a"}


def test_what_is_longest_unused_makes_room() -> None:
    known = Remembered[str, int](2)
    known.put("a", 1)
    known.put("b", 2)
    known.get("a")
    known.put("c", 3)
    assert known.keys() == {"a", "c"}


def test_it_is_forgotten_in_time_and_to_ask_does_not_prolong_it() -> None:
    now = [0.0]
    known = Remembered[str, int](2, 10.0, lambda: now[0])
    known.put("a", 1)
    now[0] = 9.9
    assert known.get("a") == 1
    now[0] = 10.0
    assert known.get("a") is None
    assert known.keys() == set()
