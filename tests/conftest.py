"""The shop, running under each pattern in turn, and what pytest is told of how its tests belong together."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest

from compose import engine
from compose.shop import RuntimeName, Shop, running
from compose.topology import PATTERNS
from scenarios.shopper import Shopper
from services import passwords
from tests import workers
from tests.support import QUICK

RUNTIMES = get_args(RuntimeName)


def pytest_configure() -> None:
    """Whoever is told to end, ends as after Control-C: the shops that are up are taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `shop` once under each chosen pattern in each chosen runtime, `runtime` in each."""
    runtimes = metafunc.config.getoption("--runtime") or RUNTIMES
    if "runtime" in metafunc.fixturenames:
        metafunc.parametrize("runtime", runtimes, scope="module")
    if "shop" in metafunc.fixturenames:
        patterns = metafunc.config.getoption("--pattern") or PATTERNS
        worlds = [pytest.param((runtime, name), id=f"{runtime}-{name}") for runtime in runtimes for name in patterns]
        metafunc.parametrize("shop", worlds, indirect=True, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has to be asked for unless it was, and begin with what takes longest."""
    everything, narrowed = config.getoption("--stories"), config.getoption("--pattern")
    left_out = [item for item in items if not everything and workers.is_acted_out_in_containers(item)]
    left_out += [item for item in items if not (everything or narrowed) and workers.is_measured_elsewhere(item)]
    gone = set(left_out)
    config.hook.pytest_deselected(items=list(gone))
    items[:] = [item for item in items if item not in gone]
    items[:] = workers.in_order(items)


def pytest_collection() -> None:
    """Have no look for garbage while tests are collected: there is none."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have no look for garbage among what was collected: six thousand tests, which stay until the end."""
    gc.freeze()
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """How many workers `-n auto` means: three more than there are processors, for the tests wait a good deal."""
    return (os.cpu_count() or 1) + 3


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.ByShare:
    """Keep on one worker what shares a shop."""
    return workers.ByShare(config, log)


@pytest.fixture(scope="module")
def quick_hashes() -> Iterator[None]:
    """Have passwords hashed quickly, in a module that looks at many; how slow real ones are is a test of its own."""
    passwords.decoy.cache_clear()
    with mock.patch.object(passwords, "HASHER", QUICK):
        yield
    passwords.decoy.cache_clear()


@pytest.fixture(scope="session")
def containers(pytestconfig: pytest.Config) -> None:
    """A Docker engine with Compose, which everything that starts a container has to ask for."""
    if "compose" not in (pytestconfig.getoption("--runtime") or RUNTIMES):
        pytest.skip("only the local runtime was asked for")
    missing = engine.trouble()
    if missing:
        # In CI a missing engine is a failure: a skipped half of the matrix would pass for a tested one.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Compose runtime: {missing}")


@pytest.fixture(scope="session")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that is up, on free ports and in a directory of its own: it never collides with one that runs already.

    Its identity provider can be managed, since measurements ask its journal and change people and keys.
    """
    runtime, pattern = request.param
    if runtime == "compose":
        request.getfixturevalue("containers")
    root = tmp_path_factory.mktemp("run")
    with running(pattern, runtime=runtime, ports="free", run_root=root, manage=True) as up:
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
