"""The face of a shop: what it is, and what can be done with it, whichever runtime carries it.

`local` and `containers` fill in the verbs; what both must do alike (refuse, remember, clean up) is here, once.
"""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from compose import ports as port_book
from compose import remember
from compose.difference import refuse_another
from compose.refusals import CannotRun
from compose.status import Status
from compose.topology import REPO, Ports, Variant, environment, variant

RUN_ROOT = REPO / ".run"
RuntimeName = Literal["local", "compose"]
Say = Callable[[str], None]


def nothing(_: str) -> None:
    """Say nothing: progress is for people."""


@dataclass(frozen=True)
class Shop(ABC):
    """One shop under one pattern, on its own ports, with its own directory, secrets and CA."""

    runtime: ClassVar[RuntimeName]

    pattern: str
    ports: Ports
    run_root: Path = RUN_ROOT
    say: Say = field(default=nothing, repr=False, compare=False)
    manage: bool = False
    """Whether the identity provider can be managed (`idp.manage`): for tests, and off unless asked for."""
    cache_seconds: float = 0.0
    """How long services use an answer of the identity provider's again; 0, as patterns are compared, is not at all."""

    @property
    def name(self) -> str:
        """`fivelocks-jwt`, or `fivelocks-jwt-9100` on ports of its own: also the name of the Compose project."""
        return f"fivelocks-{self.pattern}" + (f"-{self.ports.gateway}" if self.ports.gateway != Ports.gateway else "")

    @property
    def meant(self) -> str:
        """What a `make` command adds to mean this shop: `PATTERN=jwt`, and PORT_BASE off the usual ports."""
        return f"PATTERN={self.pattern}" + remember.port_base(self.ports)

    @property
    def dir(self) -> Path:
        """Where this shop's files are; gone once it is down."""
        return self.run_root / self.name

    @property
    def variant(self) -> Variant:
        return variant(self.pattern)

    @property
    def edge(self) -> str:
        """The gateway's public origin."""
        return f"https://localhost:{self.ports.gateway}"

    @property
    def ca_file(self) -> Path:
        """This shop's trust bundle; `crl.pem` lies beside it."""
        return self.dir / "gateway" / "tls" / "bundle.pem"

    @property
    @abstractmethod
    def issuer(self) -> str:
        """What the identity provider calls itself in tokens."""

    @property
    @abstractmethod
    def urls(self) -> dict[str, str]:
        """Where each process that can be reached from this machine answers."""

    @property
    @abstractmethod
    def peers(self) -> dict[str, str]:
        """Where the services inside answer each other."""

    def environment(self, name: str, *, shop_dir: str, host: str) -> dict[str, str]:
        """What process `name` is told from outside."""
        managed = {"SHOP_MANAGE_PORT": str(self.ports.manage) if self.manage else ""} if name == "idp" else {}
        return managed | environment(
            self.pattern,
            shop_dir=shop_dir,
            host=host,
            port=self.ports.of(name),
            issuer=self.issuer,
            edge=self.edge,
            peers=self.peers,
            cache_seconds=self.cache_seconds,
        )

    @property
    @abstractmethod
    def manage_url(self) -> str | None:
        """Where the management door answers this machine; None when it is shut, or answers only its own container."""

    @abstractmethod
    def tls_dir(self, name: str) -> Path:
        """The leaf, key, bundle and CRL of process `name`, as they are at this moment."""

    @abstractmethod
    def secrets_dir(self, name: str) -> Path:
        """The secrets of process `name`, as they are at this moment."""

    def up(self) -> float:
        """Bring the shop up, wait until every process is healthy, and return the seconds that took.

        Raises `CannotRun` when something stands in the way; then nothing is left behind.  A shop that is up already
        stays as it is, for 0.0 seconds.
        """
        wanted = {name: port for name in self._listeners() if (port := self.ports.of(name))}
        with remember.locked(self.run_root, self.name):
            if self._is_up_already(wanted):
                return 0.0
            self._sweep()
            port_book.refuse_taken(wanted, self.pattern, remember.shops(self.run_root))
            began = time.monotonic()
            try:
                self._launch()
            except BaseException:
                self._clear()
                raise
            known = remember.Known(self.pattern, self.runtime, self.ports, time.time(), self.manage, self.cache_seconds)
            remember.remember_shop(self.dir, known)
            took = time.monotonic() - began
        remember.publish_trust(self.run_root)
        return took

    def _is_up_already(self, wanted: Mapping[str, int]) -> bool:
        """Whether all of it is well; `CannotRun` when only a part of it is, or when it is not what is asked for."""
        known = remember.shop(self.dir)
        if known:
            refuse_another(self, wanted, known)
        found = self.status()
        ill = [status for status in found if status.health != "healthy"]
        if not known or not any(status.ident for status in found):
            return False
        if ill:
            what = ", ".join(f"{status.name} is {status.health}" for status in ill)
            raise CannotRun(f"{self.name} is up, but {what}", self.mend(ill))
        return True

    def _sweep(self) -> None:
        """Clear what an earlier shop of this name left behind: a reboot, a kill, a deleted `.run`."""
        if self.dir.exists() or any(status.ident for status in self.status()):
            self._clear()
            self.say(f"{self.name} was left over from an earlier run that did not end well: cleaned up")

    def renew_trust(self) -> None:
        """Have clients on this machine trust whom the shop trusts now: two roots while one gives way to the next."""
        with remember.locked(self.run_root, self.name):
            bundle = (self.tls_dir("gateway") / "bundle.pem").read_text()
            remember.replace(self.dir / "ca.pem", bundle, 0o644)
        remember.publish_trust(self.run_root)

    def down(self) -> None:
        """End every process of the shop, and its data and secrets with it; what is gone already does not matter."""
        with remember.locked(self.run_root, self.name):
            self._clear()

    def end_left_over(self) -> bool:
        """End what is left of a shop that nothing remembers, and tell whether it was: by now it may have come up."""
        with remember.locked(self.run_root, self.name):
            left_over = remember.shop(self.dir) is None
            if left_over:
                self._clear()
        return left_over

    def _clear(self) -> None:
        self._end()
        try:
            remember.remove(self.dir)
        finally:
            remember.publish_trust(self.run_root)

    def restart(self, *names: str) -> None:
        """Stop these processes, start them again, and wait until they are healthy; their data stays.

        Raises `CannotRun` when somebody has ended the shop since it was looked for.
        """
        with remember.locked(self.run_root, self.name):
            if remember.shop(self.dir) is None:
                raise CannotRun(f"{self.name} is not up any more", f"make up {self.meant}")
            self.stop(*names)
            self.start(*names)

    def mend(self, ill: Sequence[Status]) -> str:
        """What to type when these processes are not well."""
        return f"make restart {self.meant}"

    @abstractmethod
    def _listeners(self) -> Sequence[str]:
        """The processes whose ports this machine has to have free."""

    @abstractmethod
    def _launch(self) -> None:
        """Provision, start everything, wait until all is healthy; `CannotRun` with the last words of whatever died."""

    @abstractmethod
    def _end(self) -> None:
        """End everything that runs, however little is known of it."""

    @abstractmethod
    def stop(self, *names: str) -> None:
        """End these processes as they are meant to end (SIGTERM)."""

    @abstractmethod
    def start(self, *names: str) -> None:
        """Start those of these processes that do not run, and wait until all of them are healthy."""

    @abstractmethod
    def kill(self, name: str) -> None:
        """Kill process `name` with everything it started (SIGKILL); it is gone when this returns."""

    @abstractmethod
    def status(self, *names: str) -> list[Status]:
        """How each process is doing, or each of `names`, in the order of `PROCESSES`."""

    @abstractmethod
    def logs(self, name: str) -> str:
        """Everything that process `name` has said so far."""

    @abstractmethod
    def following(self, names: Sequence[str]) -> list[str]:
        """The command that prints the logs of `names` and goes on as they grow."""

    @abstractmethod
    def run(self, name: str, argv: Sequence[str], *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command where process `name` is: in its directory, with its environment, seeing what it sees.

        Raises `subprocess.TimeoutExpired`.
        """
