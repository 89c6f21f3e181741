"""How often one looks whether a file is another than before."""

from __future__ import annotations

import time

import pytest

from services.following import LOOK_EVERY, Looks


class TestLooks:
    """At most once in so many seconds; and never again later than that."""

    def test_nobody_looks_again_before_it_is_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        times = (100.0, 100.25, 100.49, 100.5, 100.75, 105.0, 105.0)
        monkeypatch.setattr(time, "monotonic", iter(times).__next__)
        looks = Looks(0.5)
        assert [looks.is_due() for _ in times] == [True, False, False, True, False, True, False]

    def test_with_no_time_between_them_it_is_always_time(self) -> None:
        looks = Looks(0)
        assert all(looks.is_due() for _ in range(5))

    def test_whoever_asks_all_the_time_looks_so_often(self) -> None:
        looks, began = Looks(LOOK_EVERY), time.monotonic()
        looked = 0
        while looked < 4:
            looked += looks.is_due()
        assert time.monotonic() - began >= 3 * LOOK_EVERY
