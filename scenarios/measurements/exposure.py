"""Where the secrets of somebody who shops stay behind, of those that are good for a second use.

Somebody new comes with a random password, logs in, once as a browser and once as a program, and orders a book each
way.  Then every process of the shop is searched: its memory, its log, its environment, its files; and every hop of the
program's order is held against what it carried.  A password counts in both of its spellings, plain and as HTTP Basic
has it; a token counts when it is the program's own, or when it is signed, for access, and about that person.

Reusable is what works for whoever has it: the password, a bearer token, the browser's cookies.  A token that is bound
to a certificate is counted apart, since it works for nobody else.  The argon2 hash in the user store is no secret of
that kind, and a refresh token that only the gateway ever saw is not looked for.  Memory that was set free counts until
it is overwritten, as it does for whoever reads it; so there are several looks, and between them somebody else shops.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from compose.topology import PROCESSES, TOKEN_PATTERNS
from scenarios import search
from scenarios.browser import Browser
from scenarios.canary import Secrets
from scenarios.evidence import Figure, Hop, Measured
from scenarios.hops import story
from scenarios.levers import insist
from scenarios.newcomer import Newcomer, newcomer
from scenarios.search import BOUND, TOKEN, CannotLook, Found
from scenarios.shopper import Shopper
from scenarios.world import World

TITLE = "Credential exposure"
REFERENCES = ("CWE-316", "CWE-522", "RFC 6750 §5.2", "RFC 8705 §3", "OWASP ASVS 13.3.1, 16.2.5", "RFC 9700 §2.2")

PASSWORD, COOKIE = "password", "session cookie"
REUSABLE = frozenset({PASSWORD, TOKEN, COOKIE})
READERS = "processes that can read the user store"
SECRETS = (PASSWORD, TOKEN, COOKIE, BOUND)
LOOKS, ORDERS_BETWEEN = 3, 5
ABOUT_A_TOKEN = frozenset({"POST /introspect", "POST /token"})
"""Questions to the identity provider that carry, in their body, what the asking service was shown."""
Carried = Sequence[tuple[str, set[str]]]
"""The hops of an order, each with the secrets that went along."""


class Seen(NamedTuple):
    """What was found in one place, in each look."""

    looks: Sequence[Found]
    why_not: str = ""
    """Why there was none."""


@dataclass(frozen=True)
class Left:
    """What somebody left behind, to be looked for, and the story of their order."""

    who: str
    secrets: Secrets
    hops: Sequence[Hop]


def measure(world: World) -> Measured:
    """Have somebody shop, and look for what they left."""
    with newcomer(world) as guest:
        browser = Browser(world.shop)
        left = shopped(guest, browser)
        memory = _unless_forbidden(lambda: _looks(world, left))
        environments = _unless_forbidden(lambda: [search.environments(world, left.secrets)])
        logs, files = Seen([search.logs(world, left.secrets)]), search.files(world, left.secrets)
        browser.open("/shelf")
        browser.submit("/logout")
    hops = carried(left.who, left.hops)
    places = {"memory": memory, "environment": environments, "log": logs, "disk": Seen([_by_owner(files)])}
    figures = place_figures(memory, environments, logs, files) | hop_figures(hops) | {READERS: _readers(world)}
    return Measured(figures=figures, rows=tuple(rows(places, hops)))


def shopped(guest: Newcomer, browser: Browser) -> Left:
    """Log in and order, as a browser and as a program."""
    person = guest.shopper
    browser.log_in(person.who, person.password)
    browser.submit("/buy", sku="book", quantity="1")
    insist("/orders/" in browser.page.url, f"the newcomer's browser ends up at {browser.page.url}")
    answer = person.order("book")
    insist(answer.status_code == 201, f"the newcomer cannot order: {answer.status_code}")
    basic = base64.b64encode(f"{person.who}:{person.password}".encode())
    cookies = tuple(each.value.encode() for each in browser.session.cookies if each.value)
    secrets = {PASSWORD: (person.password.encode(), basic), COOKIE: cookies}
    if guest.world.pattern in TOKEN_PATTERNS:
        secrets[TOKEN] = (person.token().encode(),)
    return Left(person.who, secrets, story(guest.world.shop, answer.headers["traceresponse"].split("-")[1]))


def carried(who: str, hops: Sequence[Hop]) -> list[tuple[str, set[str]]]:
    """The secrets of `who` that went over each hop: what was shown, or what the identity provider was asked about."""
    found: list[tuple[str, set[str]]] = []
    shown: dict[str, set[str]] = {}
    for hop in hops:  # callers come before those they call
        if hop.service == "idp":
            secrets = shown.get(hop.caller, set()) if hop.request in ABOUT_A_TOKEN else set()
        else:
            secrets = shown[hop.service] = {name for each in hop.presented if (name := _name(each, who, hop.checked))}
        found.append((f"{hop.caller} → {hop.service}", secrets))
    return found


def _name(presented: str, who: str, checked: str) -> str:
    """Which secret of `who` this is; empty for what is none of theirs: a service's password, a certificate, a word."""
    if presented == f"Basic {who}:***":
        return PASSWORD
    if presented.startswith("Bearer "):
        return BOUND if "cnf" in checked else TOKEN
    return ""


def place_figures(
    memory: Seen, environments: Seen, logs: Seen, files: Mapping[str, Sequence[set[str]]]
) -> dict[str, Figure]:
    """What was found in each place, counted."""
    kept = [names for each in files.values() for names in each if names & REUSABLE]
    return {
        "processes whose memory holds a reusable secret": _holders(memory, REUSABLE),
        "processes whose memory holds the password": _holders(memory, frozenset({PASSWORD})),
        "processes whose memory holds a bound token": _holders(memory, frozenset({BOUND})),
        "logs": _holders(logs, REUSABLE, "logs that hold a reusable secret"),
        "environments": _holders(environments, REUSABLE, "environments that hold a reusable secret"),
        "files": Figure(value=len(kept), unit="files that hold a reusable secret"),
    }


def _holders(seen: Seen, of: frozenset[str], unit: str = f"of {len(PROCESSES)} processes") -> Figure:
    """How many processes hold any `of` these, in each look; or why that cannot be told."""
    if not seen.looks:
        return Figure(value=None, unit=unit, note=seen.why_not)
    trials = tuple(float(sum(bool(held & of) for held in look.values())) for look in seen.looks)
    who = [name for name in PROCESSES if any(look[name] & of for look in seen.looks)]
    return Figure(value=median(trials), unit=unit, trials=trials if len(trials) > 1 else (), note=", ".join(who))


def hop_figures(hops: Carried) -> dict[str, Figure]:
    """The hops over which something reusable went, and of these the ones with a password."""
    kinds = {"a reusable secret": REUSABLE, "the password": frozenset({PASSWORD})}
    return {
        f"hops that carry {what}": Figure(
            value=sum(bool(secrets & kind) for _, secrets in hops),
            unit="hops of an order",
            note=f"of {len(hops)}: " + ", ".join(label for label, secrets in hops if secrets & kind),
        )
        for what, kind in kinds.items()
    }


def rows(places: Mapping[str, Seen], hops: Carried) -> Iterator[dict[str, Any]]:
    """One record per process, place and secret, found in any of the looks; and one per hop and secret."""
    for where, seen in places.items():
        for process in PROCESSES if seen.looks else ():
            yield from _told(process, where, {name for look in seen.looks for name in look[process]})
    for label, secrets in hops:
        yield from _told(label, "hop", secrets)


def _told(process: str, where: str, held: set[str]) -> Iterator[dict[str, Any]]:
    for secret in SECRETS:
        yield {"process": process, "where": where, "secret": secret, "found": secret in held}


def _looks(world: World, left: Left) -> list[Found]:
    """Several looks into memory, and life goes on between them."""
    alice = Shopper(world.shop, "alice")
    looks = [search.memory(world, left.secrets, left.who)]
    while len(looks) < LOOKS:
        for _ in range(ORDERS_BETWEEN):
            insist(alice.order("book").status_code == 201, "alice cannot order meanwhile")
        looks.append(search.memory(world, left.secrets, left.who))
    return looks


def _unless_forbidden(look: Callable[[], list[Found]]) -> Seen:
    """What was seen, or why this user may not see it."""
    try:
        return Seen(look())
    except CannotLook as error:
        return Seen([], str(error))


def _by_owner(files: Mapping[str, Sequence[set[str]]]) -> Found:
    return {name: {secret for names in each for secret in names} for name, each in files.items()}


def _readers(world: World) -> Figure:
    names, how = search.readers_of_the_user_store(world)
    return Figure(value=len(names), unit=f"of {len(PROCESSES)} processes", note=f"{', '.join(names)}: {how}")
