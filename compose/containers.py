"""The shop as containers, through Docker Compose.

compose.yaml says what there is; this module brings it up and down, and looks inside.  Everything is found by the name
of the Compose project, which is the name of the shop: `down` works also when `.run` is gone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from compose import engine, remember
from compose.face import Shop
from compose.refusals import CannotRun
from compose.status import Status
from compose.topology import EDGE, INSIDE, PROCESSES, REPO, Ports, assignments, env_file

HEALTHY_WITHIN, STOPPED_WITHIN = 90, 8  # seconds
LAST_WORDS = 15  # lines
GONE = "without its container"
_LOOK = "see above; and: make doctor"
PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
OWNER, OWNER_VARIABLE = "fivelocks.dir", "FIVELOCKS_DIR"


class ComposeShop(Shop):
    """A shop of containers."""

    runtime = "compose"

    @property
    def issuer(self) -> str:
        return f"https://idp.localhost:{self.ports.idp}"

    @property
    def urls(self) -> dict[str, str]:
        return {"gateway": self.edge, "idp": f"https://localhost:{self.ports.idp}"}

    @property
    def peers(self) -> dict[str, str]:
        inner = Ports()  # nobody outside sees these, so they are the same in every shop
        return {name: f"{self.variant.inner_scheme}://{name}:{inner.of(name)}" for name in INSIDE}

    @property
    def manage_url(self) -> None:
        return None  # its own loopback is not ours: `run` gets there

    def tls_dir(self, name: str) -> Path:
        return self._copy(name, "tls")

    def secrets_dir(self, name: str) -> Path:
        return self._copy(name, "secrets")

    def _copy(self, name: str, part: str) -> Path:
        """A copy of one directory of a container, running or not; what is private there is private here."""
        home = remember.private(self.dir / name)
        fresh = Path(tempfile.mkdtemp(dir=home))
        answer = engine.docker("cp", f"{self._container(name)}:/shop/{name}/{part}/.", str(fresh))
        if answer.returncode:
            raise CannotRun(f"cannot look into {name}: {_last(answer.stderr)}", f"make status {self.meant}")
        fresh.chmod(0o700)
        shutil.rmtree(home / part, ignore_errors=True)
        return fresh.rename(home / part)

    def compose(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` for this shop; its env file counts for more than the terminal's environment."""
        chosen = {f"PORT_{name.upper()}": str(self.ports.of(name)) for name in EDGE}
        door = {"MANAGE_PORT": str(self.ports.manage) if self.manage else ""}
        told = {"CACHE_SECONDS": f"{self.cache_seconds:g}"}
        environ = {**assignments(self.pattern), **chosen, **door, **told, OWNER_VARIABLE: str(self.dir)}
        return engine.docker(*self._command(*arguments)[1:], timeout=timeout, environ=environ)

    def _command(self, *arguments: str) -> list[str]:
        where = ["--project-name", self.name, "--env-file", str(env_file(self.pattern))]
        return ["docker", "compose", *where, "--file", str(REPO / "compose" / "compose.yaml"), *arguments]

    def _listeners(self) -> Sequence[str]:
        return EDGE

    def _launch(self) -> None:
        """Build if need be, then let Compose provision, start and wait."""
        engine.require()
        engine.build(self.say)
        remember.private(self.dir)
        answer = self.compose("up", "--detach", "--no-build", timeout=HEALTHY_WITHIN + 60)
        if answer.returncode:
            raise CannotRun(self._what_went_wrong(answer.stderr), _LOOK)
        self._await_healthy(PROCESSES)
        for name in EDGE:
            self._copy(name, "tls")
        shutil.copyfile(self.ca_file, self.dir / "ca.pem")

    def _await_healthy(self, names: Sequence[str]) -> None:
        """Look until each of `names` is well; `CannotRun` as soon as one has ended, or when time is up.

        Compose could wait too, but only for looks of Docker's, which are seconds apart.
        """
        waiting, deadline = list(names), time.monotonic() + HEALTHY_WITHIN
        while waiting:
            container = self._containers().get(waiting[0])
            if container is None:
                raise CannotRun(f"the container of {waiting[0]} was removed while it started", _LOOK)
            health = _health(container)
            if health == "healthy":
                del waiting[0]
            elif health == "down" or time.monotonic() > deadline:
                raise CannotRun(self._what_went_wrong(""), _LOOK)
            else:
                time.sleep(0.2)  # other processes' doings: there is nothing to wait on but the next look

    def _what_went_wrong(self, said: str) -> str:
        """The last words of every container that is not well, or else Compose's own."""
        health = {name: _health(container) for name, container in self._containers().items()}
        ill = [name for name in ("provision", *PROCESSES) if health.get(name, "healthy") != "healthy"]
        words = [f"{name} ({health[name]}):\n{_last(self.logs(name))}" for name in ill]
        return "the containers did not become healthy\n" + "\n".join(words or [_last(said)])

    def _containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says of each container of this shop, by service."""
        listed = engine.asked("ps", "--all", "--quiet", "--filter", f"label={PROJECT}={self.name}").split()
        found: list[dict[str, Any]] = json.loads(engine.docker("inspect", *listed).stdout or "[]") if listed else []
        owners = {container["Config"]["Labels"].get(OWNER) or str(self.dir) for container in found}
        if owners - {str(self.dir)}:
            raise CannotRun(f"{self.name} is up already, from {owners.pop()}", "end it there, or choose a PORT_BASE")
        return {container["Config"]["Labels"].get(SERVICE, ""): container for container in found}

    def _container(self, name: str) -> str:
        """The id of the container of process `name`, running or not; `CannotRun` when there is none."""
        mine, its = f"label={PROJECT}={self.name}", f"label={SERVICE}={name}"
        container = engine.asked("ps", "--all", "--quiet", "--filter", mine, "--filter", its).strip()
        if not container:
            raise CannotRun(f"{name} is {GONE}", f"make down up {self.meant}")
        return container

    def _end(self) -> None:
        """Containers, networks, volumes: all that carries the project's name, at once, for nothing of it stays."""
        missing = engine.trouble()
        if missing and self.dir.exists():
            raise CannotRun(f"{self.name} cannot end: {missing}", "start the engine, then: make down")
        if missing or not self.exists():
            return
        answer = self.compose("down", "--volumes", "--remove-orphans", "--timeout", "0")
        if answer.returncode:
            raise CannotRun(f"the shop did not end: {_last(answer.stderr)}", "look at the engine, and again: make down")

    def exists(self) -> bool:
        """Whether anything at all carries the project's name: asking is cheaper than `down`."""
        if self._containers():
            return True
        kinds = ("volume", "network")
        mine = f"label={PROJECT}={self.name}"
        return any(engine.asked(kind, "ls", "--quiet", "--filter", mine).strip() for kind in kinds)

    def stop(self, *names: str) -> None:
        for name in names:
            self._container(name)  # before any is stopped: what was removed cannot be started again
        answer = self.compose("stop", "--timeout", str(STOPPED_WITHIN), *names)
        if answer.returncode:
            raise CannotRun(
                f"{', '.join(names)} did not stop: {_last(answer.stderr)}", "look at the engine: docker info"
            )

    def start(self, *names: str) -> None:
        started = engine.docker("start", *(self._container(name) for name in names))
        if started.returncode:
            raise CannotRun(self._what_went_wrong(started.stderr), _LOOK)
        self._await_healthy(names)

    def kill(self, name: str) -> None:
        container = self._container(name)
        engine.docker("kill", container)
        engine.docker("wait", container)

    def status(self, *names: str) -> list[Status]:
        missing = engine.trouble() and not self.dir.exists()  # then it is not here, whatever the engine would say
        containers = {} if missing else self._containers()
        gone = GONE if containers else "down"
        wanted = [name for name in PROCESSES if not names or name in names]
        return [self._status(name, containers.get(name), gone) for name in wanted]

    def _status(self, name: str, container: dict[str, Any] | None, gone: str) -> Status:
        port = self.ports.of(name) if name in EDGE else Ports().of(name)
        if container is None:
            return Status(name, "", port, gone, None)
        health = _health(container)
        since = datetime.fromisoformat(container["State"]["StartedAt"][:19] + "+00:00").timestamp()
        return Status(name, container["Id"][:12], port, health, None if health == "down" else since)

    def mend(self, ill: Sequence[Status]) -> str:
        return super().mend(ill) if all(status.ident for status in ill) else f"make down up {self.meant}"

    def logs(self, name: str) -> str:
        return engine.asked("logs", self._container(name), merged=True)

    def following(self, names: Sequence[str]) -> list[str]:
        return self._command("logs", "--follow", *names)

    def run(self, name: str, argv: Sequence[str], *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = ["docker", "exec", self._container(name), *argv]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )


def left_over(run_root: Path) -> set[str]:
    """The names of the shops under `run_root` of which there are containers."""
    if engine.trouble():
        return set()
    owners = engine.asked("ps", "--all", "--filter", f"label={OWNER}", "--format", f'{{{{.Label "{OWNER}"}}}}')
    return {Path(owner).name for owner in owners.split("\n") if owner and Path(owner).parent == run_root}


def _health(container: dict[str, Any]) -> str:
    """Docker's several words for how a container is doing, as ours; unless it says that all is well, we look too.

    Docker looks every few seconds: what it says of a container that has just started, or was held up, is old news.
    """
    state, service = container["State"], container["Config"]["Labels"].get(SERVICE)
    if state["Status"] != "running":
        return "healthy" if service == "provision" and state["ExitCode"] == 0 else "down"
    said = str(state.get("Health", {}).get("Status", "healthy"))
    if said == "healthy":
        return said
    looked = engine.docker("exec", container["Id"], *container["Config"]["Healthcheck"]["Test"][1:])
    return said if looked.returncode else "healthy"


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LAST_WORDS:]) or "(none)"
