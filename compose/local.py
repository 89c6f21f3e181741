"""The shop as plain processes on loopback: no Docker, no root.

Each process has a session, a directory, a log and an environment of its own; `processes` finds them again.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from certs import keeper
from compose import preload, processes, remember
from compose.face import Shop
from compose.refusals import CannotRun
from compose.status import Status
from compose.topology import COMMANDS, INSIDE, PROCESSES
from services.health import knock

HEALTHY_WITHIN = 90.0  # seconds
LAST_WORDS = 15  # lines


class LocalShop(Shop):
    """A shop of processes that this user runs."""

    runtime = "local"

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.ports.idp}"

    @property
    def urls(self) -> dict[str, str]:
        return {"gateway": self.edge, "idp": self.issuer, **self.peers}

    @property
    def peers(self) -> dict[str, str]:
        scheme = self.variant.inner_scheme
        return {name: f"{scheme}://127.0.0.1:{self.ports.of(name)}" for name in INSIDE}

    @property
    def manage_url(self) -> str | None:
        return f"http://127.0.0.1:{self.ports.manage}" if self.manage else None

    def tls_dir(self, name: str) -> Path:
        return self.dir / name / "tls"

    def secrets_dir(self, name: str) -> Path:
        return self.dir / name / "secrets"

    def _listeners(self) -> Sequence[str]:
        return (*PROCESSES, "manage") if self.manage else PROCESSES

    def _launch(self) -> None:
        """Provision, then start all at once: they wait for each other by themselves."""
        from compose.provision import provision  # it takes a quarter of a second, and all else does without it

        remember.private(self.dir)
        self._preload()
        provision(self.dir, self.pattern, edge=self.edge, name=self.name)
        for name in PROCESSES:
            self._spawn(name)
        try:
            self._await_healthy(PROCESSES)
        except CannotRun as trouble:
            raise CannotRun(trouble.what, "see above; everything it started has been ended again") from None
        shutil.copyfile(self.ca_file, self.dir / "ca.pem")

    def _preload(self) -> None:
        """Begin to import what processes are made of, since several are to be started."""
        preload.begin(processes.bare_environ(self.dir, self.dir, "any"))

    def _spawn(self, name: str) -> None:
        """Start process `name` in its own directory, with its own environment and log."""
        remember.private(self.dir / "logs")
        argv = [sys.executable, *COMMANDS[name]]
        processes.start(argv, self._environ(name, role=name), remember.private(self.dir / name), self._log(name))

    def _environ(self, name: str, role: str) -> dict[str, str]:
        return {
            **processes.bare_environ(self.dir / name, self.dir, role),
            **self.environment(name, shop_dir=str(self.dir), host="127.0.0.1"),
        }

    def _await_healthy(self, names: Iterable[str]) -> None:
        """Knock until every one of `names` opens; `CannotRun` as soon as one died, or when time is up."""
        waiting = dict.fromkeys(names, "it has not answered yet")
        deadline = time.monotonic() + HEALTHY_WITHIN
        for look in itertools.count():
            if look % 5 == 0:  # to knock costs little, to look at every process of this machine ten times as much
                alive = self._processes()
            for name in tuple(waiting):
                if name not in alive:
                    raise CannotRun(f"{name} ended while starting; its last words:\n{self._last_words(name)}", _LOOK)
                trouble = self._trouble(name)
                if trouble is None:
                    del waiting[name]
                else:
                    waiting[name] = trouble
            if waiting and time.monotonic() > deadline:
                name, trouble = next(iter(waiting.items()))
                what = f"{name} was not healthy within {HEALTHY_WITHIN:.0f} s ({trouble}); its last words:"
                raise CannotRun(f"{what}\n{self._last_words(name)}", _LOOK)
            if not waiting:
                return
            time.sleep(0.05)  # other processes' sockets: there is nothing to wait on but the next knock

    def _trouble(self, name: str) -> str | None:
        """What keeps process `name` from serving, or None; the CA has no door to knock at, but signs of life."""
        if name == "ca":
            return None if keeper.healthy(self.dir / "ca") else "it has not looked after its leaves lately"
        try:
            knock(self.urls[name], self.tls_dir(name))
        except OSError as error:
            return str(error) or type(error).__name__
        return None

    def _processes(self) -> dict[str, list[psutil.Process]]:
        """What runs of this shop, by role; of each role the one that started the others comes first."""
        found: dict[str, list[psutil.Process]] = {}
        for process, shop_dir, role in processes.marked():
            if shop_dir == self.dir:
                found.setdefault(role, []).append(process)
        return {role: sorted(mates, key=lambda p: (p.create_time(), p.pid)) for role, mates in found.items()}

    def _end(self) -> None:
        others = processes.others(self.dir)
        if others:
            raise CannotRun(f"{self.name} is run by {others[0]}", f"as {others[0]}: make down {self.meant}")
        processes.end_marked(self.dir)

    def stop(self, *names: str) -> None:
        running = self._processes()
        processes.send([running[name][0] for name in names if name in running], signal.SIGTERM)
        theirs = [each for name in names for each in running.get(name, [])]
        processes.kill(processes.outlasting(theirs, processes.STOPPED_WITHIN))

    def start(self, *names: str) -> None:
        running = self._processes()
        missing = [name for name in names if name not in running]
        if len(missing) > 2:
            self._preload()
        for name in missing:
            self._spawn(name)
        self._await_healthy(names)

    def kill(self, name: str) -> None:
        while running := self._processes().get(name):
            processes.kill(running)

    def status(self, *names: str) -> list[Status]:
        running = self._processes()
        return [self._status(name, running.get(name, [])) for name in PROCESSES if not names or name in names]

    def _status(self, name: str, running: list[psutil.Process]) -> Status:
        port = self.ports.of(name)
        if not running:
            return Status(name, "", port, "down", None)
        return Status(name, str(running[0].pid), port, self._trouble(name) or "healthy", running[0].create_time())

    def logs(self, name: str) -> str:
        return self._log(name).read_text(errors="replace") if self._log(name).exists() else ""

    def following(self, names: Sequence[str]) -> list[str]:
        return ["tail", "-n", "+1", "-F", *(str(self._log(name)) for name in names)]

    def run(self, name: str, argv: Sequence[str], *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            cwd=self.dir / name,
            env=self._environ(name, role=f"{name}:run"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _log(self, name: str) -> Path:
        return self.dir / "logs" / f"{name}.log"

    def _last_words(self, name: str) -> str:
        return "\n".join(self.logs(name).splitlines()[-LAST_WORDS:]) or "(none)"


_LOOK = "see above; and: make doctor"
