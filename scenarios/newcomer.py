"""Somebody who comes to the shop for one story only, so that what is done to their account harms nobody else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from compose.topology import CUSTOMER, TOKEN_PATTERNS
from scenarios.levers import insist
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Verdict
from scenarios.world import World

# Runs in the identity provider's place: nobody else may write the user store.
CHANGE = """
import json, os, pathlib, sys
from services.users import UserStore
store = UserStore(pathlib.Path(os.environ["SHOP_DIR"], "users", "users.db"), writable=True)
verb, arguments = json.loads(sys.argv[1])
getattr(store, verb)(*arguments)
"""


AT_THE_DOOR = {"add": "add_person"}
"""What the door calls by another name than the store."""


@dataclass(frozen=True)
class Newcomer:
    """One person, and what they show at the door."""

    world: World
    shopper: Shopper

    def changed(self, verb: str, *arguments: Any) -> None:
        """Have the administrator do `verb` of the user store to this person, at the management door if there is one."""
        if self.world.shop.manage:
            getattr(self.world.manager, AT_THE_DOOR.get(verb, verb))(self.shopper.who, *arguments)
            return
        wanted = json.dumps([verb, [self.shopper.who, *arguments]])
        ran = self.world.shop.run("idp", ["python", "-c", CHANGE, wanted])
        insist(ran.returncode == 0, f"the user store refuses {verb}: {ran.stderr[-300:]}")

    def logged_in(self) -> Newcomer:
        """This person with a credential that works: logged in, and served once."""
        insist(self.shows("GET", "/api/items").verdict is Verdict.SERVED, "the newcomer is not served to begin with")
        return self

    def shows(self, method: str, path: str, **body: Any) -> Answer:
        """What they get at the gateway with the credential that they first had, whatever has become of it since."""
        shopper = self.shopper
        if self.world.pattern in TOKEN_PATTERNS:
            return self.world.outside(method, path, {"Authorization": f"Bearer {shopper.token()}"}, body or None)
        return self.world.outside(method, path, {"Authorization": basic(shopper.who, shopper.password)}, body or None)

    def token_taken_back(self) -> None:
        """Have the client that the token was issued to take it back (RFC 7009 §2.1)."""
        form = {"token": self.shopper.token(), "client_id": "cli"}
        answer = self.shopper.session.post(f"{self.shopper.shop.issuer}/revoke", data=form, timeout=15)
        insist(answer.status_code == 200, f"the IdP does not revoke: {answer.status_code}")


def basic(name: str, password: str) -> str:
    """The Authorization header of HTTP Basic (RFC 7617 §2)."""
    import base64

    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@contextmanager
def newcomer(world: World, scopes: tuple[str, ...] = CUSTOMER) -> Iterator[Newcomer]:
    """A person with a name and password of their own inside the block, shut out after it."""
    name, password = f"guest-{secrets.token_hex(6)}", secrets.token_urlsafe(16)
    guest = Newcomer(world, Shopper(world.shop, name, password))
    guest.changed("add", password, list(scopes))
    try:
        yield guest.logged_in()
    finally:
        guest.changed("disable")
