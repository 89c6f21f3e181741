"""The management door as a program uses it: `Manager`, and the command behind `python -m idp manage`.

    manager = Manager(via(shop))
    manager.fault("/introspect", times=2, status=503)
    ...
    manager.reset()

Only the standard library, since the command starts anew for each question.  In a container the door is on the
container's own loopback, so it is asked from inside, by the command; `via` knows.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from idp.manage.shapes import ArmedFault, Counts, Entry, Key, Person, Registered, Revoked, Time

Transport = Callable[[str, str, Any], Any]
"""Asks METHOD, PATH, and a JSON body or None; returns the JSON of the answer, or raises `Refused` or `OSError`."""
SECONDS = 30.0
SHUT = 2


class Refused(Exception):
    """The door does not do that; the message says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status


class Shop(Protocol):
    """What `via` needs of a shop."""

    @property
    def manage_url(self) -> str | None:
        """Where the door is, if it can be reached from here."""

    def run(self, name: str, argv: Sequence[str], *, timeout: float = ...) -> subprocess.CompletedProcess[str]:
        """Run a command where process `name` is."""


def to(url: str) -> Transport:
    """Ask by HTTP, at `url`."""
    where = urlsplit(url)

    def ask(method: str, path: str, body: Any = None) -> Any:
        status, answer = _send(where.hostname or "", where.port or 80, method, path, body)
        return _understood(status, answer)

    return ask


def via(shop: Shop) -> Transport:
    """Ask the door of `shop`: by HTTP if it can be reached from here, else by the command, from inside."""
    if shop.manage_url is not None:
        return to(shop.manage_url)

    def ask(method: str, path: str, body: Any = None) -> Any:
        told = [] if body is None else [json.dumps(body)]
        said = shop.run("idp", ["python", "-m", "idp", "manage", method, path, *told], timeout=SECONDS)
        if said.returncode not in (0, 1) or not said.stdout:
            raise ConnectionError(said.stderr.strip() or "the management door does not answer")
        return _understood(200 if said.returncode == 0 else 500, said.stdout.encode())

    return ask


def command(port: str, method: str, path: str, body: str | None) -> int:
    """Ask once and print the answer; 0 when it was done, 1 when it was refused, 2 when nobody opened."""
    if not port:
        print("idp: there is no management door (SHOP_MANAGE_PORT)", file=sys.stderr)
        return SHUT
    try:
        status, answer = _send("127.0.0.1", int(port), method, path, None if body is None else json.loads(body))
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"idp: the management door does not answer: {error}", file=sys.stderr)
        return SHUT
    print(answer.decode().strip())
    return 0 if status < 400 else 1


def _send(host: str, port: int, method: str, path: str, body: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        told = None if method == "GET" else json.dumps({} if body is None else body)
        connection.request(method, path, told, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _understood(status: int, answer: bytes) -> Any:
    said = json.loads(answer)
    if status >= 400:
        raise Refused(said["status"], said["detail"])
    return said


class Manager:
    """Everything that the door offers, as methods; each raises `Refused` when the door does."""

    def __init__(self, ask: Transport) -> None:
        self.ask = ask

    # -- people ------------------------------------------------------------------------------------------------------

    def people(self) -> list[Person]:
        """Everybody there is, the disabled among them."""
        return [Person(**each) for each in self.ask("GET", "/people", None)]

    def add_person(
        self, name: str, password: str, scopes: Sequence[str] = (), full_name: str = "", email: str = ""
    ) -> Person:
        """Add somebody."""
        new = {"name": name, "password": password, "scopes": list(scopes), "full_name": full_name, "email": email}
        return Person(**self.ask("POST", "/people", new))

    def disable(self, name: str) -> Person:
        """Shut somebody out."""
        return Person(**self.ask("POST", f"/people/{quote(name, '')}/disable", None))

    def enable(self, name: str) -> Person:
        """Let somebody in again."""
        return Person(**self.ask("POST", f"/people/{quote(name, '')}/enable", None))

    def set_password(self, name: str, password: str) -> Person:
        """Change a password."""
        return Person(**self.ask("PUT", f"/people/{quote(name, '')}/password", {"password": password}))

    def set_scopes(self, name: str, scopes: Sequence[str]) -> Person:
        """Change what somebody may do."""
        return Person(**self.ask("PUT", f"/people/{quote(name, '')}/scopes", {"scopes": list(scopes)}))

    # -- clients -----------------------------------------------------------------------------------------------------

    def clients(self) -> list[Registered]:
        """Every client there is."""
        return [Registered(**each) for each in self.ask("GET", "/clients", None)]

    def add_client(self, **registration: Any) -> Registered:
        """Add a client, told as in `clients.json`; its secret is in the answer, if one was made for it."""
        return Registered(**self.ask("POST", "/clients", {"registration": registration}))

    def remove_client(self, client_id: str) -> Registered:
        """Remove a client, and take back what it was given."""
        return Registered(**self.ask("DELETE", f"/clients/{quote(client_id, '')}", None))

    # -- faults ------------------------------------------------------------------------------------------------------

    def faults(self) -> list[ArmedFault]:
        """Every fault since the last reset."""
        return [ArmedFault(**each) for each in self.ask("GET", "/faults", None)]

    def fault(
        self,
        endpoint: str,
        times: int = 1,
        *,
        delay: float = 0.0,
        status: int | None = None,
        answer: str | None = None,
        token: str | None = None,
        of: str = "access",
    ) -> ArmedFault:
        """Spoil the next `times` answers of `endpoint`; `idp.manage.faults` says how."""
        does = {"delay": delay, "status": status, "answer": answer, "token": token, "of": of}
        return ArmedFault(**self.ask("POST", "/faults", {"endpoint": endpoint, "times": times, **does}))

    def clear_faults(self) -> None:
        """Disarm them all."""
        self.ask("DELETE", "/faults", None)

    # -- keys and clock ----------------------------------------------------------------------------------------------

    def keys(self) -> list[Key]:
        """Every key, with its state."""
        return [Key(**each) for each in self.ask("GET", "/keys", None)]

    def publish_key_ahead(self, algorithm: str = "ES256") -> list[Key]:
        """Make a key and publish it; it signs from the next rotation on."""
        return [Key(**each) for each in self.ask("POST", "/keys", {"algorithm": algorithm})]

    def rotate_keys(self, algorithm: str = "ES256", *, overlap: bool = True) -> list[Key]:
        """Sign with the key that is ahead, or else with a new one; the old one stays published with an overlap."""
        asked = {"algorithm": algorithm, "overlap": overlap}
        return [Key(**each) for each in self.ask("POST", "/keys/rotate", asked)]

    def withdraw_key(self, kid: str) -> list[Key]:
        """Publish a key no more."""
        return [Key(**each) for each in self.ask("DELETE", f"/keys/{quote(kid, '')}", None)]

    def clock(self) -> Time:
        """What time it is for the identity provider."""
        return Time(**self.ask("GET", "/clock", None))

    def advance_clock(self, seconds: float) -> Time:
        """Let so many seconds pass, for the identity provider alone."""
        return Time(**self.ask("POST", "/clock/advance", {"seconds": seconds}))

    # -- journal -----------------------------------------------------------------------------------------------------

    def journal(self, **which: str | int | None) -> list[Entry]:
        """The requests that fit `trace`, `endpoint`, `client`, and came `after` an id; the latest `limit`."""
        return [Entry(**each) for each in self.ask("GET", "/journal" + _query(which), None)]

    def counts(self, **which: str | int | None) -> Counts:
        """How many of those there were."""
        return Counts(**self.ask("GET", "/journal/counts" + _query(which), None))

    # -- taking back -------------------------------------------------------------------------------------------------

    def revoke_token(self, token: str) -> int:
        """Take back a token, a refresh token with its family; returns how much stood until now."""
        return Revoked(**self.ask("POST", "/revoke/token", {"token": token})).revoked

    def revoke_user(self, name: str) -> int:
        """Take back everything that a person allowed, and log them out everywhere."""
        return Revoked(**self.ask("POST", "/revoke/user", {"user": name})).revoked

    def revoke_client(self, client_id: str) -> int:
        """Take back everything that a client was given."""
        return Revoked(**self.ask("POST", "/revoke/client", {"client_id": client_id})).revoked

    def revoke_code(self, code: str) -> int:
        """Take back everything that came of a code."""
        return Revoked(**self.ask("POST", "/revoke/code", {"code": code})).revoked

    def reset(self) -> Time:
        """Start anew: no fault, no journal, the clock right, people and clients as provisioned."""
        return Time(**self.ask("POST", "/reset", None))


def _query(which: dict[str, str | int | None]) -> str:
    asked = {name: value for name, value in which.items() if value is not None}
    return f"?{urlencode(asked)}" if asked else ""
