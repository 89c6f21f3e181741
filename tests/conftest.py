"""The shop, running under each pattern in turn, and the choice of patterns and runtimes.

pytest --pattern jwt           narrows to one pattern (may be given several times)
pytest --runtime local         narrows to one runtime; without it both are used where an engine answers
pytest --stories               tells the stories too: every scenario under every pattern, which takes its time
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose import engine
from compose.shop import Shop, running
from compose.topology import PATTERNS
from scenarios.shopper import Shopper

RUNTIMES = ("local", "compose")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two choices."""
    parser.addoption("--pattern", action="append", choices=PATTERNS, help="only these patterns")
    parser.addoption("--runtime", action="append", choices=RUNTIMES, help="only these runtimes")
    parser.addoption("--stories", action="store_true", help="every scenario under every pattern too")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the stories to `make stories`, unless they are asked for."""
    return True if collection_path.name == "test_scenarios.py" and not config.getoption("--stories") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `shop` once under each chosen pattern in each chosen runtime."""
    if "shop" in metafunc.fixturenames:
        patterns = metafunc.config.getoption("--pattern") or PATTERNS
        runtimes = metafunc.config.getoption("--runtime") or RUNTIMES
        worlds = [pytest.param((runtime, name), id=f"{runtime}-{name}") for runtime in runtimes for name in patterns]
        metafunc.parametrize("shop", worlds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that is up, on free ports and in a directory of its own: it never collides with one that runs already.

    Its identity provider can be managed, since some stories do.
    """
    runtime, pattern = request.param
    missing = engine.trouble() if runtime == "compose" else None
    if missing:
        # In CI a missing engine is a failure: a skipped half of the matrix would pass for a tested one.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Compose runtime: {missing}")
    with running(pattern, runtime=runtime, ports="free", run_root=tmp_path_factory.mktemp("run"), manage=True) as up:
        yield up


@pytest.fixture
def alice(shop: Shop) -> Shopper:
    """A customer."""
    return Shopper(shop, "alice")


@pytest.fixture
def bob(shop: Shop) -> Shopper:
    """Another customer."""
    return Shopper(shop, "bob")


@pytest.fixture
def carol(shop: Shop) -> Shopper:
    """Support: reads any order, and refunds."""
    return Shopper(shop, "carol")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top of the repository."""
    return Path(__file__).resolve().parent.parent
