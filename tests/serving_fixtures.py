"""Servers as fixtures, each for all tests of a module: in the open or asking for certificates, patient or hasty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import certs
from tests.serving import HEAD_SECONDS, Served, serving


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> certs.CA:
    return certs.CA.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    """A process without TLS."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def hasty() -> Iterator[Served]:
    """A process without TLS that soon hangs up on whoever does not say what they want."""
    with serving(head=HEAD_SECONDS) as served:
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


@pytest.fixture(scope="module")
def hasty_secured(home: Path) -> Iterator[Served]:
    """A process that asks for certificates, and gives nobody time."""
    with serving(home, "required", head=HEAD_SECONDS) as served:
        yield served
