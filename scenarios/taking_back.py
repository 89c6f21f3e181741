"""The ways of taking something back from a person, each tried on somebody new, and what was seen of its effect."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from compose.topology import CUSTOMER, TOKEN_PATTERNS
from scenarios.endurance import EVERY, Lasted, lasting
from scenarios.holdings import Guest, Holding, unserved
from scenarios.levers import insist
from scenarios.world import World

EVERYTHING = frozenset({"password", "token", "exchanged token", "refresh token", "session"})
OF_TOKENS = EVERYTHING - {"password"}
END_IN_SIGHT = 1.0


@dataclass(frozen=True)
class Observed:
    """What was seen of one credential at one place, after it was taken back in one way."""

    credential: str
    way: str
    at: str
    lasted: Lasted
    life: float | None = None
    """For how many seconds it was issued."""
    left: float | None = None
    """How many of them were left when it was taken back."""

    @property
    def after_its_end(self) -> float | None:
        """How long after its own end the refusal came; None when that is not what ended it."""
        if self.left is None or self.lasted.refused is None or self.lasted.refused < self.left - END_IN_SIGHT:
            return None
        return self.lasted.refused - self.left


@dataclass(frozen=True)
class Way:
    """One way of taking something back."""

    touches: frozenset[str]
    """The kinds of credentials that it is about."""
    take: Callable[[World, Guest], object]
    only_tokens: bool = False
    """Whether it is done at the identity provider, to what only that has issued."""


def _revoke(world: World, guest: Guest) -> None:
    """Have the client that the token was issued to take it back (RFC 7009 §2.1)."""
    form = {"token": guest.tokens["access_token"], "client_id": "cli"}
    answer = guest.shopper.session.post(f"{world.shop.issuer}/revoke", data=form, timeout=15)
    insist(answer.status_code == 200, f"the IdP does not revoke: {answer.status_code}")


WAYS: dict[str, Way] = {
    "password changed": Way(
        EVERYTHING, lambda world, guest: world.manager.set_password(guest.shopper.who, secrets.token_urlsafe(16))
    ),
    "person disabled": Way(EVERYTHING, lambda world, guest: world.manager.disable(guest.shopper.who)),
    "role taken away": Way(EVERYTHING, lambda world, guest: world.manager.set_scopes(guest.shopper.who, [])),
    "everything revoked": Way(
        OF_TOKENS, lambda world, guest: world.manager.revoke_user(guest.shopper.who), only_tokens=True
    ),
    "token revoked": Way(frozenset({"token", "exchanged token"}), _revoke, only_tokens=True),
    "logged out": Way(frozenset({"session"}), lambda _, guest: guest.browser.submit("/logout")),
}


def ways(pattern: str) -> list[str]:
    """The ways that there are under `pattern`."""
    return [name for name, way in WAYS.items() if pattern in TOKEN_PATTERNS or not way.only_tokens]


def taken_back(
    world: World,
    name: str,
    within: Callable[[Holding], float],
    every: float = EVERY,
    only: Collection[tuple[str, str]] | None = None,
) -> list[Observed]:
    """Let somebody new log in, take it back in the way called `name`, and see how long each thing is still served.

    `only` narrows what is watched to some pairs of credential and place.  Raises `Surprise` when something is not
    served to begin with.
    """
    way, who, password = WAYS[name], f"guest-{secrets.token_hex(6)}", secrets.token_urlsafe(16)
    kinds = {credential for credential, _ in only} if only else way.touches
    world.manager.add_person(who, password, CUSTOMER)
    guest = Guest(world, who, password, kinds, world.manager.clock().ahead)
    holdings = [each for each in guest.holdings(kinds) if only is None or (each.credential, each.at) in only]
    missing = unserved(holdings)
    insist(not missing, f"not served to begin with: {', '.join(missing)}")
    way.take(world, guest)
    since = time.time()
    with ThreadPoolExecutor(max(1, len(holdings))) as places:
        lasted = places.map(lambda each: lasting(each.ask, within(each), every), holdings)
    return [
        Observed(each.credential, name, each.at, how, each.life, None if each.ends is None else each.ends - since)
        for each, how in zip(holdings, lasted, strict=True)
    ]
