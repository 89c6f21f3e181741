"""The identity provider as fixtures: one for each test, and one for all tests of a module that leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.idp_support import Idp


@pytest.fixture
def idp(tmp_path_factory: pytest.TempPathFactory, quick_hashes: None) -> Iterator[Idp]:
    """One of the test's own."""
    with Idp(tmp_path_factory) as idp:
        yield idp


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, quick_hashes: None) -> Iterator[Idp]:
    """One for tests that only look, are refused, or leave nothing behind that another could see."""
    with Idp(tmp_path_factory) as idp:
        yield idp
