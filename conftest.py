"""What a run of the tests can be asked for.

    pytest --pattern jwt           narrows to one pattern (may be given several times)
    pytest --runtime local         narrows to one runtime; without it both are used where an engine answers
    pytest --stories               acts everything out: scenarios in containers too, measurements under every pattern
    pytest -n auto                 shares the tests among workers, as `make test` does

It is not in `tests`, for `--runtime compose` names a directory too, and pytest would look for its options in that.
"""

from __future__ import annotations

from typing import get_args

import pytest

from compose.shop import RuntimeName
from compose.topology import PATTERNS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the three choices."""
    parser.addoption("--pattern", action="append", choices=PATTERNS, help="only these patterns")
    parser.addoption("--runtime", action="append", choices=get_args(RuntimeName), help="only these runtimes")
    parser.addoption("--stories", action="store_true", help="all scenarios and measurements")
