"""The key that the identity provider signs with: published ahead, then signing, then withdrawn.

Only what is signed says which key is in force where, so each service is shown a token: one by the new key, to see that
it has fetched it, and at last one by the old key.  That one is made for the purpose where the keys lie, with times that
are still good when everything that was really signed has run out: what a thief of the old key would make.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from functools import cache, partial
from typing import Any

from compose.topology import INSIDE
from idp.tokens import ACCESS_SECONDS
from scenarios.door import TIMEOUT_SECONDS, door
from scenarios.levers import passed_along
from scenarios.rotations.client_secrets import OFTEN, logs_in
from scenarios.rotations.passwords import KNOWN, READ
from scenarios.rotations.rotation import Rotation, Step, buys, done
from scenarios.shopper import Shopper
from scenarios.verdict import Verdict
from scenarios.world import World
from services.keys import COOLDOWN, LIFETIME

WAYS = {
    "orders": ("gateway", "orders"),
    "inventory": ("gateway", "inventory"),
    "billing": ("gateway", "orders", "billing"),
}
"""By which exchanges somebody's token gets to each service (RFC 8693)."""
SIGN = """
import json, os, pathlib, sys
from joserfc import jwt
from idp import key_files
kid, several = sys.argv[1], json.loads(sys.argv[2])
kept = key_files.found(pathlib.Path(os.environ["SHOP_DIR"], "idp", "data"))
[key] = [key for file in kept if (key := file.read()).kid == kid]
header = {"alg": "ES256", "kid": kid, "typ": "at+jwt"}
print(json.dumps({name: jwt.encode(header, claims, key, ["ES256"]) for name, claims in several.items()}))
"""


def signing_key(world: World) -> Rotation:
    """The key for ES256, with which every client's tokens are signed.

    A service asks for keys again when it is shown the name of one that it does not know, but only every so often: so
    that long after a key is published it can sign.  And that long after a service has asked, it asks again for a key
    that nobody has, and finds that the old one is gone.
    """
    [before] = _keys_that(world, "signing")
    old = Shopper(world.shop, "alice").tokens()
    by_the_old: dict[str, str] = {}
    ahead: list[str] = []

    def publish() -> None:
        if not _keys_that(world, "ahead"):  # one that was interrupted has left its own there
            _command(world, "publish")
        ahead.extend(_keys_that(world, "ahead"))

    def withdraw() -> None:
        if world.pattern != "oauth2":
            by_the_old.update(_signed(world, before, {name: _carried(world, name) for name in _services(world)}))
        for kid in _keys_that(world, "retired"):
            _command(world, "withdraw", "--", kid)

    @cache
    def by_the_new(name: str) -> str:
        return _carried(world, name)

    def knows(name: str) -> bool:
        return logs_in(world) if world.pattern == "oauth2" else _accepts(world, name, by_the_new(name))

    def refuses(name: str) -> bool:
        _accepts(world, name, _by_nobody(by_the_old[name]))
        return not _accepts(world, name, by_the_old[name])

    def hint_refused() -> bool:
        return before not in _published(world) and not _hint_taken(world, old["id_token"])

    services = _services(world)
    return Rotation(
        "signing key",
        (
            Step(
                "the identity provider publishes the new key, ahead of its time",
                publish,
                {"idp": lambda: ahead[0] in _published(world)},
            ),
            Step(
                "the identity provider signs with the new key",
                lambda: _command(world, "rotate"),
                {"idp": lambda: _kid(Shopper(world.shop, "alice").tokens()["id_token"]) == ahead[0]}
                | {name: partial(knows, name) for name in services},
                after=COOLDOWN,
            ),
        ),
        lambda: buys(world),
        Step(
            "the identity provider withdraws the old key"
            + ("" if world.pattern == "oauth2" else ", and a key that nobody has makes each service ask again"),
            withdraw,
            {"idp": hint_refused} | {name: partial(refuses, name) for name in services if world.pattern != "oauth2"},
            grace=ACCESS_SECONDS,
        ),
        note=f"a service that is shown no unknown key forgets the old one within {LIFETIME:.0f} s"
        if world.pattern != "oauth2"
        else "it signs ID tokens alone, and only the gateway reads those, from the identity provider itself",
    )


def _services(world: World) -> tuple[str, ...]:
    """Who verifies what is signed."""
    return ("gateway",) if world.pattern == "oauth2" else ("gateway", *INSIDE)


def _command(world: World, *words: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(done(world, "idp", "-m", "idp", "keys", *words))
    return found


def _keys_that(world: World, state: str) -> list[str]:
    """The names of the keys for ES256 in that state."""
    return [key["kid"] for key in _command(world, "list") if (key["algorithm"], key["state"]) == ("ES256", state)]


def _published(world: World) -> set[str]:
    """The names of the keys that every worker publishes."""
    with door(world.shop) as asking:
        answers = []
        for _ in range(OFTEN):
            asking.close()  # each time over a connection of its own, so that each worker answers
            answers.append(asking.get(f"{world.shop.issuer}/jwks", timeout=TIMEOUT_SECONDS).json()["keys"])
    return set.intersection(*({key["kid"] for key in keys} for keys in answers))


def _hint_taken(world: World, id_token: str) -> bool:
    """Whether the identity provider takes this for an ID token of its own; one that has expired is still its own."""
    with door(world.shop) as asking:
        where, hint = f"{world.shop.issuer}/logout", {"id_token_hint": id_token}
        return asking.get(where, params=hint, timeout=TIMEOUT_SECONDS).ok


def _carried(world: World, name: str) -> str:
    """A token of alice's, as `name` is shown it; the gateway is shown her own."""
    token = Shopper(world.shop, "alice").token()
    return passed_along(world, token, *WAYS[name]) if world.pattern == "zerotrust" and name in WAYS else token


def _accepts(world: World, name: str, token: str) -> bool:
    """Whether `name` takes the token, shown by whoever shows it one in earnest."""
    shown = {"Authorization": f"Bearer {token}"}
    if name == "gateway":
        return world.outside("GET", "/api/orders", shown).verdict is Verdict.SERVED
    if world.pattern == "zerotrust":
        return world.breached(WAYS[name][-2], name, "GET", READ[name], shown).verdict in KNOWN
    return world.inside(name, "GET", READ[name], shown).verdict in KNOWN


def _signed(world: World, kid: str, tokens: dict[str, str]) -> dict[str, str]:
    """The same tokens, but signed with the key called `kid`, and good for longer than any service keeps a key."""
    until = int(time.time() + LIFETIME + ACCESS_SECONDS)
    claims = {name: _part(token, 1) | {"exp": until} for name, token in tokens.items()}
    found: dict[str, str] = json.loads(done(world, "idp", "-c", SIGN, kid, json.dumps(claims)))
    return found


def _by_nobody(token: str) -> str:
    """The same token under the name of a key that nobody has."""
    header = json.dumps({**_part(token, 0), "kid": secrets.token_hex(16)})
    return ".".join((base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode(), *token.split(".")[1:]))


def _kid(token: str) -> str:
    return str(_part(token, 0)["kid"])


def _part(token: str, number: int) -> dict[str, Any]:
    part = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
