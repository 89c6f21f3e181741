"""Which shop a command means: the one named, else the one remembered, else the only one there is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from compose import containers, engine, ports, processes, remember
from compose.containers import ComposeShop
from compose.local import LocalShop
from compose.refusals import CannotRun
from compose.shop import RUN_ROOT, Say, Shop, default_runtime, open_shop
from compose.topology import PATTERNS, Ports

MOST_CACHE_SECONDS = 300
YES, NO = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}
NAME = re.compile(r"fivelocks-([a-z0-9]+)(?:-([0-9]+))?", re.ASCII)


def run_root(environ: Mapping[str, str]) -> Path:
    """Where shops live: `.run` in this repository, unless RUN_ROOT says otherwise; `CannotRun` when it is not ours."""
    root = Path(environ.get("RUN_ROOT") or RUN_ROOT).resolve()
    if root.is_dir() and not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise remember.not_open_to_us(root)
    return root


def pattern(environ: Mapping[str, str]) -> str:
    """PATTERN, or the one named last; `CannotRun` with the list when there is neither, or no such pattern."""
    word = environ.get("PATTERN") or remember.pattern(run_root(environ))
    if word is None:
        up = {known.pattern for known in remember.shops(run_root(environ)).values()}
        word = up.pop() if len(up) == 1 else None
    if word is None:
        raise CannotRun("no pattern was named yet", f"make up PATTERN=jwt, or one of {', '.join(PATTERNS)}")
    if word not in PATTERNS:
        raise CannotRun(f"there is no pattern {word!r}", f"choose one of {', '.join(PATTERNS)}")
    return word


def shop_to_be(environ: Mapping[str, str], say: Say) -> Shop:
    """The shop that `make up` is asked for, in RUNTIME or in what this machine offers; says which and why."""
    word, chosen = pattern(environ), ports.chosen(environ)
    runtime = environ.get("RUNTIME") or None
    known = remember.shop(open_shop(word, "local", chosen, run_root(environ)).dir)
    if runtime is None and known is not None:
        runtime = known.runtime
    elif runtime is None:
        runtime, why = default_runtime()
        say(f"runtime: {runtime}, because {why}")
    manage = asks_to_manage(environ) or (known is not None and known.manage)
    chosen = chosen or (known.ports if known else None)
    return open_shop(word, runtime, chosen, run_root(environ), say, manage, cache_seconds(environ, known))


def asks_to_manage(environ: Mapping[str, str]) -> bool:
    """Whether MANAGE opens the management door; `CannotRun` for what is neither yes nor no, for it asks nobody."""
    word = environ.get("MANAGE", "")
    if word.lower() not in YES | NO:
        raise CannotRun(f"MANAGE={word} is neither yes nor no", "MANAGE=1 opens the management door, MANAGE=0 does not")
    return word.lower() in YES


def cache_seconds(environ: Mapping[str, str], known: remember.Known | None) -> float:
    """CACHE_SECONDS, or what the shop that is up was told; `CannotRun` for what is no time, or too long."""
    word = environ.get("CACHE_SECONDS", "")
    if not word:
        return known.cache_seconds if known else 0.0
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_CACHE_SECONDS:
        what = f"CACHE_SECONDS={word} is not a time that an answer of the identity provider's may be used again"
        raise CannotRun(what, f"choose 0 (ask each time) to {MOST_CACHE_SECONDS} seconds")
    return seconds


def shop_meant(environ: Mapping[str, str]) -> Shop:
    """The shop that is up and that every command but `up` means; `CannotRun` when it is not up.

    Without ports named: the one on the usual ports, else the one that came up last.
    """
    word, chosen = pattern(environ), ports.chosen(environ)
    known = [each for each in remember.shops(run_root(environ)).values() if each.pattern == word]
    if chosen is not None:
        known = [each for each in known if each.ports.gateway == chosen.gateway]
    if not known:
        raise CannotRun(f"no shop is up under {word}", f"make up PATTERN={word}")
    last = max(known, key=lambda each: (each.ports == Ports(), each.began))
    return open_shop(
        word,
        last.runtime,
        last.ports,
        run_root(environ),
        manage=last.manage,
        cache_seconds=last.cache_seconds,
    )


def shops_left_over(environ: Mapping[str, str]) -> list[Shop]:
    """The shops that nothing remembers and that are there all the same.

    Only those under PATTERN, if it is named, and on those ports, if any are.
    """
    root, chosen, known = run_root(environ), ports.chosen(environ), remember.shops(run_root(environ))
    word = pattern(environ) if environ.get("PATTERN") else None
    by_hand = [ComposeShop(word, chosen or Ports(), root)] if word and engine.trouble() is None else []
    found: dict[tuple[str, str], Shop] = {(s.name, "compose"): s for s in by_hand if s.name not in known and s.exists()}
    of_processes, of_containers = processes.left_over(root), containers.left_over(root)
    for name in sorted({path.name for path in root.glob("fivelocks-*")} | of_processes | of_containers):
        parts = NAME.fullmatch(name)
        if name in known or parts is None or parts[1] not in PATTERNS or (word and word != parts[1]):
            continue
        of_pattern, taken = parts[1], Ports(gateway=int(parts[2])) if parts[2] else Ports()
        if chosen and chosen.gateway != taken.gateway:
            continue
        if name in of_containers:
            found[name, "compose"] = ComposeShop(of_pattern, taken, root)
        if name in of_processes or name not in of_containers:
            found[name, "local"] = LocalShop(of_pattern, taken, root)
    return list(found.values())
