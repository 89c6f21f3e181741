"""An identity provider that runs: what is proven of it, what it costs, how long it took to start, what it holds."""

from __future__ import annotations

import base64
import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jwt as pyjwt

from compose import ports
from scenarios.bench import clock, wire
from scenarios.bench.contest import NotProven, Sample
from scenarios.bench.idps.ground import API, APP, SECRET, tls_dir
from scenarios.bench.idps.recipes import REPO, Recipe, filled

DISCOVERY = "/.well-known/openid-configuration"
WITHIN = 30.0
"""Seconds until it must answer: far more than it takes, even where all processors are busy."""
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class CannotStart(Exception):
    """It did not come up; the message is what it said."""


@dataclass(frozen=True)
class Running:
    """One that runs; it is also the contestant, with `requests` of each kind in a turn."""

    recipe: Recipe
    pid: int
    port: int
    started_in: float
    """Seconds from the start of its process to its first discovery document."""
    tls: ssl.SSLContext | None
    requests: int = 0

    @property
    def name(self) -> str:
        return self.recipe.name

    def target(self, path: str, client_id: str = "", form: str = "", secret: str = SECRET) -> wire.Target:
        """A request to `path`; a form of a client's, unless it is empty."""
        url, headers = f"{'https' if self.tls else 'http'}://localhost:{self.port}{path}", {}
        if form:
            pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
            headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
        method = "POST" if form else "GET"
        return wire.Target(url, headers, self.tls, "localhost", method, form.encode())

    def prove(self) -> Sequence[str]:
        """What it gives is good, and it does not give it to everybody."""
        token = self._token(self.recipe.form)
        return [*self._proven_of_signature(token), *self._proven_of_lock(), *self._proven_of_introspection()]

    def turn(self) -> Sample:
        """Ask for tokens, then about one of them."""
        cost, taken = self._cost(self.target(self.recipe.token or "", APP, self.recipe.form))
        asking, _ = self._cost(self._about(self._token(self.recipe.asked_about or self.recipe.form)))
        return Sample(cost, taken, {"introspection_us": asking})

    def memory_mib(self) -> float:
        """What all its processes hold, what they share counted once (proc(5): PSS)."""
        found = (PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in clock.family(self.pid))
        return sum(int(pss[1]) for pss in found if pss) / 1024

    def _cost(self, target: wire.Target) -> tuple[float, list[float]]:
        processes = clock.family(self.pid)
        before = clock.cpu_seconds(processes)
        taken = wire.keep_asking(target, [target.octets()] * self.requests)
        return (clock.cpu_seconds(processes) - before) / self.requests * 1e6, taken

    def _about(self, token: str) -> wire.Target:
        return self.target(self.recipe.introspect or "", API, f"token={quote(token, safe='')}")

    def _token(self, form: str) -> str:
        status, body = wire.ask(self.target(self.recipe.token or "", APP, form))
        if status != 200:
            raise NotProven(f"{self.name} gives no token: {status} {body[:200]!r}")
        return str(json.loads(body)["access_token"])

    def _proven_of_signature(self, token: str) -> list[str]:
        if not self.recipe.signs:
            return []
        document = json.loads(wire.ask(self.target(DISCOVERY))[1])
        keys = json.loads(wire.ask(self.target(document["jwks_uri"].split(f":{self.port}", 1)[1]))[1])
        name = pyjwt.get_unverified_header(token).get("kid")  # Authlib gives none: it has one key
        [key] = [key for key in pyjwt.PyJWKSet.from_dict(keys).keys if name in (None, key.key_id)]
        claims = pyjwt.decode(token, key, ["ES256"], issuer=document["issuer"], options={"verify_aud": False})
        return [f"its token is signed by a key that it publishes, ES256, by {claims['iss'].rpartition(':')[0]}"]

    def _proven_of_lock(self) -> list[str]:
        if not self.recipe.locked:
            return ["it asks nobody who they are"]
        for path, form in ((self.recipe.token, self.recipe.form), (self.recipe.introspect, "token=x")):
            status, _ = wire.ask(self.target(path or "", APP, form, "another secret"))
            if status != 401:
                raise NotProven(f"{self.name} answers a wrong client secret with {status} at {path}")
        return ["a wrong client secret is answered with 401, at both endpoints"]

    def _proven_of_introspection(self) -> list[str]:
        """Of a mock that believes anything, only that it answers."""
        right, rubbish = (
            json.loads(wire.ask(self._about(token))[1])["active"]
            for token in (self._token(self.recipe.asked_about or self.recipe.form), "rubbish")
        )
        if right is not True or (self.recipe.locked and rubbish is not False):
            raise NotProven(f"{self.name} calls its token {right}, and rubbish {rubbish}")
        return ["its token is active, and rubbish is not" if rubbish is False else "any token is active, rubbish too"]


@contextmanager
def running(recipe: Recipe, directory: Path, requests: int = 0) -> Iterator[Running]:
    """`recipe` in processes of its own, until the block ends.  Raises `CannotStart`."""
    [port] = ports.some(1)
    command, environment = filled(recipe, directory, port)
    tls = ssl.create_default_context(cafile=str(tls_dir(directory) / "bundle.pem")) if recipe.https else None
    with (directory / "log").open("w+b") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=REPO, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            found = Running(recipe, process.pid, port, 0.0, tls, requests)
            _await(found, process, directory / "log")
            yield Running(recipe, process.pid, port, time.perf_counter() - began, tls, requests)
        finally:
            process.terminate()
            process.wait(WITHIN)


def _await(found: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it has told what it offers."""
    deadline = time.monotonic() + WITHIN
    while True:
        with suppress(OSError, wire.Unexpected):
            if wire.ask(found.target(DISCOVERY))[0] == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"{found.name}: {log.read_text(errors='replace')[-2000:] or 'it says nothing'}")
        time.sleep(0.002)  # nobody tells when a port is bound: there is nothing to wait on but the next look
