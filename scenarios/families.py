"""Families of attempts: dozens of requests that differ in one detail, sent together.

A case of a family is a recipe: given what the attacker has to work with, it writes down one request for each door that
is tried.  The first case asked for sends those of all, since a container is entered once then, and not once for each.
Whatever else the cases of a story can share (a service that is away, a tap on the wire) they share by `together`.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from compose.topology import TOKEN_PATTERNS
from scenarios.verdict import UNISSUED, Answer, furthest
from scenarios.world import World

Tools = TypeVar("Tools")
Attempt = Callable[[World], Answer]
PARAMETER = re.compile(r'(\w+)="([^"]*)"')
"""Of a challenge (RFC 9110 §11.2)."""
FRESH_SECONDS = 30.0
"""How long an answer may wait for its case to be asked for."""


class WrongAnswer(Exception):
    """An answer has the right status, but lacks what goes with it, or tells too much."""


@dataclass(frozen=True)
class Request:
    """One request, and the door at which it knocks: of a service inside, or of the gateway from outside."""

    door: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    path: str = "/orders"
    method: str = "GET"
    body: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the probe understands: a certificate, a TLS version …"""
    from_inside: bool = False
    """Whether to knock at the gateway, too, from the inner network."""

    def as_told(self) -> dict[str, Any]:
        """As the arguments of the world's methods."""
        told = {"method": self.method, "path": self.path, "headers": self.headers, "body": self.body}
        return {**told, **self.more}


@functools.cache
def borrowed(world: World) -> Mapping[str, str]:
    """Gateway's own certificate inside zero trust, where nobody looks at anything else without one; elsewhere nothing.

    Fetched once for each sending, since a look into a container takes its time.
    """
    return world.certificate_of("gateway") if world.pattern == "zerotrust" else {}


Recipe = Callable[[Tools], list[Request]]
Judge = Callable[[World, Mapping[str, list[Answer]]], None]


def together(names: Iterable[str], act: Callable[[World], Mapping[str, Answer]]) -> dict[str, Attempt]:
    """The cases of a story that come of one act: the first asked for acts, and the others find their answer waiting."""
    waiting: WeakKeyDictionary[World, tuple[float, dict[str, Answer]]] = WeakKeyDictionary()

    def case(name: str) -> Attempt:
        def attempt(world: World) -> Answer:
            acted, answers = waiting.get(world, (0.0, {}))
            if name not in answers or time.monotonic() - acted > FRESH_SECONDS:
                answers = dict(act(world))
                waiting[world] = (time.monotonic(), answers)
            return answers.pop(name)

        return attempt

    return {name: case(name) for name in names}


def family(
    recipes: Mapping[str, Recipe[Tools]],
    prepare: Callable[[World], AbstractContextManager[Tools]],
    judge: Judge | None = None,
) -> dict[str, Attempt]:
    """The cases of a story: each of `recipes` with what `prepare` gets hold of, for as long as it takes.

    Where a case knocks at several doors, the one that lets it furthest in counts; one that knocks nowhere has nothing
    to knock with.  `judge` looks at what else there is to see in the answers, and raises `WrongAnswer`.
    """

    def act(world: World) -> dict[str, Answer]:
        borrowed.cache_clear()
        with prepare(world) as tools:
            found = send(world, {name: recipe(tools) for name, recipe in recipes.items()})
        if judge:
            judge(world, found)
        return {name: furthest(answers) if answers else UNISSUED for name, answers in found.items()}

    return together(recipes, act)


def send(world: World, wanted: Mapping[str, list[Request]]) -> dict[str, list[Answer]]:
    """The answers to each case's requests; a 401 without a challenge is a `WrongAnswer` (RFC 9110 §15.5.2)."""
    flat = [request for requests in wanted.values() for request in requests]
    answers: dict[int, Answer] = {}
    for door in dict.fromkeys(request.door for request in flat):
        inside = [each for each in flat if each.door == door and (door != "gateway" or each.from_inside)]
        for request, answer in zip(inside, world.inside_many(door, [each.as_told() for each in inside]), strict=True):
            answers[id(request)] = answer
    outside = [request for request in flat if id(request) not in answers]
    for request, answer in zip(outside, world.outside_many([each.as_told() for each in outside]), strict=True):
        answers[id(request)] = answer
    found = {name: [answers[id(request)] for request in requests] for name, requests in wanted.items()}
    for name, those in found.items():
        if any(answer.status == 401 and "www-authenticate" not in answer.headers for answer in those):
            raise WrongAnswer(f"{name}: 401 without a challenge")
    return found


def says(error: str, scope: str = "") -> Judge:
    """A judge that wants to see the right challenge in a pattern with tokens (RFC 6750 §3.1).

    Each 401 carries the code `error`, none if that is empty; each 403, where a `scope` is lacking, says which.
    """
    wanted = {401: {"error": error}, 403: {"error": "insufficient_scope", "scope": scope}}

    def judge(world: World, found: Mapping[str, list[Answer]]) -> None:
        for name, answers in found.items() if world.pattern in TOKEN_PATTERNS else ():
            for answer in answers:
                challenge = answer.headers.get("www-authenticate", "")
                shown = {"error": "", **dict(PARAMETER.findall(challenge))}
                due = wanted.get(answer.status or 0, {}) if answer.status == 401 or scope else {}
                if due and (not challenge.startswith("Bearer ") or not due.items() <= shown.items()):
                    raise WrongAnswer(f"{name}: {answer.status} with the challenge {challenge!r}")

    return judge
