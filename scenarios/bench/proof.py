"""Proof that a lock is on, before anybody measures what it costs: whoever has no business there is refused."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from scenarios.bench import wire
from scenarios.bench.contest import NotProven
from scenarios.bench.wire import Target

Ask = Callable[[Target], tuple[int, bytes]]


def refusal(target: Target, ask: Ask = wire.ask) -> str | None:
    """How `target` refuses, by a status or without a handshake; None when it serves."""
    try:
        status, _ = ask(target)
    except (wire.Unexpected, ssl.SSLError, ConnectionError) as error:
        return f"no handshake: {type(error).__name__}"
    return None if 200 <= status < 300 else str(status)


def locked(who: str, target: Target, is_open: bool, ask: Ask = wire.ask) -> str:
    """That `who`, asked as `target` says, refuses; or serves, where there `is_open` to be no lock.  Else `NotProven`.

    A door that nobody stands behind refuses too: show that it serves as well.
    """
    refused = refusal(target, ask)
    if is_open and refused is not None:
        raise NotProven(f"{who} was to be open, and refuses: {refused}")
    if not is_open and refused is None:
        raise NotProven(f"{who} serves whoever shows nothing that counts: its lock is off")
    return f"{who} serves anybody" if is_open else f"{who} refuses whoever shows nothing that counts ({refused})"


def opens(who: str, target: Target, ask: Ask = wire.ask) -> bytes:
    """What `who` answers to somebody with the right credential; `NotProven` when that is no success."""
    try:
        status, body = ask(target)
    except (wire.Unexpected, OSError) as error:
        raise NotProven(f"{who} does not answer whoever has the right credential: {error}") from error
    if not 200 <= status < 300:
        raise NotProven(f"{who} refuses the right credential: {status} {body[:200].decode(errors='replace')}")
    return body
