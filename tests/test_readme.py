"""What the documentation tells a newcomer to type works, word for word."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compose import ports
from compose.topology import PATTERNS

LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
BLOCK = re.compile(r"^```shell\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(repository: Path) -> list[str]:
    return BLOCK.findall((repository / "README.md").read_text())


@pytest.fixture(scope="session")
def clone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git would clone, with the environment that runs these tests as its own."""
    target = tmp_path_factory.mktemp("clone") / "fivelocks"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (repository / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, target / name)
    (target / ".venv").symlink_to(Path(sys.prefix))
    return target


@pytest.mark.timeout(400)
def test_the_shell_blocks_of_the_readme_run(repository: Path, clone: Path) -> None:
    """In order, as one script, on ports of its own; `make test` only collects this file, or it would run for ever."""
    script = "set -euo pipefail\n" + "\n".join(blocks(repository))
    usual, first, second = free_bases(3)
    for told, ours in (("PORT_BASE=9100", first), ("PORT_BASE=9200", second)):
        script = script.replace(told, f"PORT_BASE={ours}")
    script = script.replace("localhost:8443", f"localhost:{usual}")
    not_theirs = ("MAKE", "MFLAGS", "PYTEST", "PYTHON")  # a newcomer's terminal has none of these
    environ = {name: value for name, value in os.environ.items() if not name.startswith(not_theirs)}
    environ |= {
        "PORT_BASE": str(usual),
        "RUNTIME": "local",
        "PYTEST_ADDOPTS": f"--collect-only -q tests/{Path(__file__).name}",
        "ARGS": "-n0",  # to collect one file takes no crowd
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=clone, env=environ, capture_output=True, text=True, timeout=380, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "orders → billing" in done.stdout
    assert '"quantity":2' in done.stdout
    assert '"pattern":"oauth2"' in done.stdout


def free_bases(shops: int) -> list[int]:
    """A number for each of `shops` shops, from which as many ports in a row are free as a shop takes."""
    length, ours = shops * len(ports.NAMES), ports.own_share()
    while True:
        first = random.randrange(len(ours) - length)
        row = ours[first : first + length]
        if all(map(ports.is_free, row)):
            return list(row[:: len(ports.NAMES)])


def test_every_link_within_the_documentation_leads_somewhere(repository: Path) -> None:
    pages = sorted(repository.glob("*.md"))
    links = [(page.name, target) for page in pages for target in LINK.findall(page.read_text())]
    assert links
    assert not [(page, target) for page, target in links if not (repository / target).exists()]


def test_the_readme_tells_of_every_pattern(repository: Path) -> None:
    text = (repository / "README.md").read_text()
    assert [name for name in PATTERNS if f"(services/patterns/{name}.py)" not in text] == []


def test_nothing_private_is_in_the_repository(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True)
    files = [repository / name for name in filter(None, listed.stdout.decode().split("\0"))]
    begin = "-----BEGIN"
    guilty = [
        path.name
        for path in files
        if path.is_file()
        and re.search(rf"{begin} [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]", path.read_text(errors="replace"))
    ]
    assert not guilty
