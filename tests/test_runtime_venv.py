"""What `make` does before there is a Python of its own: it says what there is, and finds one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from compose.topology import REPO


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_a_python_that_is_too_old_is_refused_before_a_virtual_environment_is_made(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac\n')
    old.chmod(0o755)
    for name in ("Makefile", "requirements-dev.txt"):
        shutil.copy(REPO / name, tmp_path)
    shutil.copytree(REPO / "compose", tmp_path / "compose")
    answer = subprocess.run(
        ["make", "up"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": str(old)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 2
    assert f"this needs Python 3.11, 3.12 or 3.13, and {old} is Python 3.9.2" in answer.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_whose_path_has_a_space_is_taken(tmp_path: Path) -> None:
    good = tmp_path / "a b" / "python"
    good.parent.mkdir()
    good.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.13.0 ;; -m) exit 7 ;; esac\n')
    good.chmod(0o755)
    answer = subprocess.run(
        ["sh", REPO / "compose" / "venv.sh"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": str(good)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "making .venv with Python 3.13.0" in answer.stderr
    assert f"cannot: {good} could not make a virtual environment" in answer.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_alone_prints_every_target() -> None:
    answer = subprocess.run(["make"], cwd=REPO, capture_output=True, text=True, timeout=30, check=True)
    targets = ["up", "down", "restart", "status", "logs", "order", "token", "test", "check", "lint", "clean", "doctor"]
    assert all(f"  make {target} " in answer.stdout for target in targets)
