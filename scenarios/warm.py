"""A Python that has imported every package already, and runs pytest in forks of itself: `python -I warm.py`.

Each line that it reads is a JSON object: the tree to run in (`root`), what to run (`nodes`), and the file for what
pytest says (`said`).  It answers with two lines: the fork's process id, then pytest's exit code.  Most of a short
test's time is imports; but none of the shop's own is done before the fork, so each run sees its tree as it is.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import sys
from typing import Any

PACKAGES = (
    "argon2",
    "authlib.integrations.flask_client",
    "authlib.integrations.flask_oauth2",
    "authlib.oidc.core",
    "cryptography.x509",
    "flask",
    "gunicorn.app.base",
    "gunicorn.workers.gthread",
    "hypothesis.strategies",
    "joserfc.jwt",
    "jwt",
    "psutil",
    "pydantic",
    "pytest",
    "requests",
    "rich.table",
    "sqlalchemy.dialects.sqlite",
    "typer",
    "unittest.mock",
    "xdist.scheduler.loadscope",
)


def main() -> None:
    """Serve until there is nothing more to read."""
    for name in PACKAGES:
        importlib.import_module(name)
    _plugins()
    gc.freeze()  # a fork need not look through all of that for garbage, and pytest looks ten times
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_pytest(json.loads(line)))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _plugins() -> None:
    """Have pytest import its plugins, by asking it for their versions where it finds nothing of the shop's."""
    import pytest

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main(["--version", "--version", "--noconftest", "-c", os.devnull])


def _pytest(wanted: dict[str, Any]) -> int:
    """Run it, saying everything into the file."""
    import pytest

    signal.signal(signal.SIGINT, signal.default_int_handler)
    said = os.open(wanted["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(theirs, ours)
    os.chdir(wanted["root"])
    sys.path.insert(0, wanted["root"])
    quietly = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*quietly, "--runtime", "local", *wanted["nodes"]])
    sys.stdout.flush()
    return int(code)


if __name__ == "__main__":
    main()
