"""Servers as fixtures, each for all tests of a module: in the open, patient, and one that asks for certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import certs
from tests.serving import PATIENCE, Served, serving


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    return certs.CA.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    """A process without TLS."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    """A process without TLS that gives everybody time."""
    with serving(head=PATIENCE) as served:
        yield served


@pytest.fixture(scope="module")
def home(ca: certs.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("tls")
    ca.issue("orders", into, ["orders", "localhost"])
    return into


@pytest.fixture(scope="module")
def secured(home: Path) -> Iterator[Served]:
    """A process that asks for certificates."""
    with serving(home, "required") as served:
        yield served
