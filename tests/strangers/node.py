"""The strangers that are written in JavaScript, each in a process of Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import IO, Any

from tests.strangers.issuer import Found, Issuer

HERE = Path(__file__).parent
SECONDS = 60
OLDEST = 20


class Failed(Exception):
    """The script ended without a report; the message is what it said."""


def trouble() -> str | None:
    """Why these clients cannot be had here, or None when they can."""
    node = shutil.which("node")
    if node is None:
        return "there is no node"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout.strip()
    if int(version.lstrip("v").partition(".")[0] or 0) < OLDEST:
        return f"node is {version}, and the clients need {OLDEST}"
    if not (HERE / "node_modules" / "openid-client").is_dir():
        return "the clients are not installed: `make test` does it, with npm"
    return None


def run(script: str, issuer: Issuer, *client_ids: str) -> dict[str, Found]:
    """What `script` found as each of the clients."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    process = subprocess.Popen(
        [shutil.which("node") or "node", str(HERE / script)],
        env=kept | {"NODE_EXTRA_CA_CERTS": issuer.bundle},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    try:
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            _say(process.stdin, issuer.told(*client_ids))
            found = _converse(process.stdin, process.stdout, issuer)
            if found is None:
                raise Failed(process.stderr.read())
            return found
    finally:
        late.cancel()


def _converse(to: IO[str], of: IO[str], issuer: Issuer) -> dict[str, Found] | None:
    """Go where the script wants a person to go, until it reports."""
    with issuer.browser() as browser:
        for line in of:
            heard = json.loads(line)
            if "found" in heard:
                found: dict[str, Found] = heard["found"]
                return found
            _say(to, {"at": browser.visit(heard["visit"], issuer.issuer)})
    return None


def _say(to: IO[str], what: dict[str, Any]) -> None:
    print(json.dumps(what), file=to, flush=True)
