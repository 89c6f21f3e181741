"""Guessing names and passwords where a pattern asks for them: at the shop's API, or at the identity provider's page."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from compose.topology import TOKEN_PATTERNS
from scenarios.browser import forms
from scenarios.levers import FORM
from scenarios.newcomer import basic
from scenarios.shopper import REDIRECT_URI
from scenarios.verdict import Answer
from scenarios.world import World

Guess = tuple[str, str]
"""A name, and a password."""


def guess(world: World, guesses: Sequence[Guess]) -> list[Answer]:
    """What comes of each guess, made from a place where nobody else logs in."""
    return (_at_the_idp if world.pattern in TOKEN_PATTERNS else _at_the_api)(world, guesses)


def _at_the_api(world: World, guesses: Sequence[Guess]) -> list[Answer]:
    """Each guess in a header of its own."""
    shown = [[("Authorization", basic(*each))] for each in guesses]
    asked = [{"method": "GET", "path": "/api/me", "headers": headers, **_elsewhere(world)} for headers in shown]
    return world.inside_many("gateway", asked)


def _at_the_idp(world: World, guesses: Sequence[Guess]) -> list[Answer]:
    """Walk to the log-in page as a browser does, and fill its form in again and again."""
    query = {"response_type": "code", "client_id": "cli", "redirect_uri": REDIRECT_URI, "scope": "openid", "state": "s"}
    query |= {"code_challenge": secrets.token_urlsafe(32), "code_challenge_method": "S256"}
    led = world.inside("idp", "GET", f"/authorize?{urlencode(query)}", **_elsewhere(world))
    here = _path(led.headers["location"])
    page = world.inside("idp", "GET", here, **_elsewhere(world))
    cookie = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
    [form] = forms(page.body)
    to = {"method": "POST", "path": _path(urljoin(here, form.action)), "headers": [*FORM.items(), *cookie.items()]}
    filled_in = [urlencode({**form.fields, "username": name, "password": password}) for name, password in guesses]
    return world.inside_many("idp", [{**to, "body": body, **_elsewhere(world)} for body in filled_in])


def _path(url: str) -> str:
    """What of an address is sent in a request."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _elsewhere(world: World) -> dict[str, Any]:
    """How to come from another address than people do: the inner network in Compose, another of loopback locally."""
    return {"source": "127.77.0.1"} if world.shop.runtime == "local" else {}
