"""Whether a Docker engine and Compose answer, and the one image that every container of the shop runs."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from compose import remember
from compose.refusals import CannotRun
from compose.topology import REPO, assignments

IMAGE = "fivelocks"
LABEL = "fivelocks.source"
COPIED = ("services", "idp", "certs", "compose")
SLOW = 900.0  # seconds that a first build may take
COMPOSE = ("compose", "--file", str(REPO / "compose" / "compose.yaml"))
ANY = assignments("jwt")  # the image is the same under every pattern


def docker(
    *arguments: str, timeout: float = 60, environ: Mapping[str, str] | None = None, merged: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the docker command and return what it said, well or not; raises `CannotRun` when it hangs.

    `merged` gives stdout and stderr as one, in the order in which they were written.
    """
    try:
        return subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotRun(
            f"`docker {arguments[0]}` gave no answer within {timeout:.0f} s", "look at the engine with: docker info"
        ) from None


def asked(*arguments: str, merged: bool = False) -> str:
    """What the engine says; `CannotRun` when it says nothing, for then nobody knows what runs."""
    said = trouble()
    if said is None:
        answer = docker(*arguments, merged=merged)
        if answer.returncode == 0:
            return answer.stdout
        said = f"`docker {arguments[0]}` failed: {(answer.stderr or answer.stdout).strip() or '(it said nothing)'}"
    raise CannotRun(said, "start the engine, or look at it with: docker info")


@functools.cache
def trouble() -> str | None:
    """What keeps Compose from working here, or None."""
    if shutil.which("docker") is None:
        return "there is no docker command here"
    for arguments, lacking in (
        (("version", "--format", "{{.Server.Version}}"), "no Docker engine answers"),
        (("compose", "version", "--short"), "docker has no compose plugin (version 2)"),
    ):
        try:
            answer = docker(*arguments, timeout=8)
        except CannotRun:
            return lacking
        if answer.returncode:
            said = answer.stderr.strip().splitlines()
            return lacking + (f" ({said[-1][:120]})" if said else "")
    return None


def require() -> None:
    """Raise `CannotRun` unless Compose works here."""
    missing = trouble()
    if missing:
        raise CannotRun(
            f"RUNTIME=compose needs Docker, and {missing}", "start it, or do without: make up RUNTIME=local"
        )


def build(say: Callable[[str], None]) -> None:
    """Build the image when its sources changed since the last time; who comes second finds it built."""
    with remember.locked(REPO / ".run", "image"):
        _build(say)


def _build(say: Callable[[str], None]) -> None:
    source = fingerprint()
    built = docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', IMAGE)
    if built.returncode == 0 and built.stdout.strip() == source:
        return
    say(f"building the image {IMAGE} (the first time takes a minute or two)")
    answer = docker(*COMPOSE, "build", "--build-arg", f"SOURCE={source}", "provision", timeout=SLOW, environ=ANY)
    if answer.returncode:
        last = "\n".join((answer.stdout + answer.stderr).strip().splitlines()[-20:])
        raise CannotRun(f"the image did not build:\n{last}", "see above; or do without Docker: make up RUNTIME=local")
    # Its predecessors, except those that a shop still runs.
    docker("image", "prune", "--force", "--filter", f"label={LABEL}")


def fingerprint() -> str:
    """A hash of everything that goes into the image."""
    whole = hashlib.sha256()
    for path in _sources():
        whole.update(f"{path.relative_to(REPO)}\0{path.stat().st_mode & 0o111:o}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """What .dockerignore lets through, less what does not reach the image."""
    yield from (REPO / "requirements.txt", REPO / ".dockerignore")
    for tree in COPIED:
        for path in sorted((REPO / tree).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path
