"""Looking through a shop for secrets, process by process, wherever they may have stayed.

Locally the processes are this user's own.  In Compose they are looked at from this machine, by the process ids that
they have here, as far as this user may; their files are looked at from inside.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from compose import engine
from compose.topology import PROCESSES
from scenarios import canary
from scenarios.canary import Secrets
from scenarios.levers import insist
from scenarios.world import World

TOKEN, BOUND = "token", "bound token"
PROGRAM = Path(canary.__file__).read_text(encoding="utf-8")
READ_USERS = "open('/shop/users/users.db', 'rb').read(1)"
Found = dict[str, set[str]]
"""The names of the secrets that each process of the shop holds."""


class CannotLook(Exception):
    """This user, here, does not see into the processes; the message says which one it was."""


def memory(world: World, secrets: Secrets, who: str) -> Found:
    """Which of `secrets` are in memory, and which kinds of access token about `who`, known to us or not."""

    def held(pid: int) -> Iterator[str]:
        for piece in canary.memory(pid):
            yield from canary.in_octets(piece, secrets)
            yield from (BOUND if bound else TOKEN for bound in canary.access_tokens(piece, who))

    return _by_process(world, held)


def environments(world: World, secrets: Secrets) -> Found:
    """Which of `secrets` are in the environment that a process was started with."""
    return _by_process(world, lambda pid: canary.in_octets(Path(f"/proc/{pid}/environ").read_bytes(), secrets))


def logs(world: World, secrets: Secrets) -> Found:
    """Which of `secrets` a process has written into its log."""
    return {name: canary.in_octets(world.shop.logs(name).encode(), secrets) for name in PROCESSES}


def files(world: World, secrets: Secrets) -> dict[str, list[set[str]]]:
    """What is in each file of a process that holds any of `secrets`; the user store is among those of the IdP."""
    return {
        name: [names for root in _roots(name) for names in _in_files(world, name, root, secrets)] for name in PROCESSES
    }


def readers_of_the_user_store(world: World) -> tuple[list[str], str]:
    """The processes that can open the user store, and how we know."""
    if world.shop.runtime == "local":  # here each process runs as the same user, so that trying would tell nothing
        return ["idp", *world.shop.variant.readers], "those to which the pattern gives the store; not tried"
    tried = {name: world.shop.run(name, ["python", "-c", READ_USERS]).returncode for name in PROCESSES}
    return [name for name, code in tried.items() if code == 0], "tried in each container"


def _by_process(world: World, held: Callable[[int], Iterator[str] | set[str]]) -> Found:
    """What `held` says of every process of the shop and of all that it started."""
    found: Found = {}
    for name, ident in [(status.name, status.ident) for status in world.shop.status()]:
        try:
            found[name] = {each for pid in _family(world, ident) for each in held(pid)}
        except (OSError, psutil.Error) as error:
            raise CannotLook(f"this user cannot look into {name} from here: {type(error).__name__}") from error
    return found


def _family(world: World, ident: str) -> list[int]:
    """The process ids, on this machine, of a process and all that it started."""
    if world.shop.runtime == "compose":
        ident = engine.docker("inspect", "--format", "{{.State.Pid}}", ident).stdout
    first = psutil.Process(int(ident))
    if b"SHOP_PATTERN=" not in Path(f"/proc/{first.pid}/environ").read_bytes():
        raise psutil.NoSuchProcess(first.pid, msg="the engine counts processes of another machine")
    return [first.pid, *(each.pid for each in first.children(recursive=True))]


def _roots(name: str) -> tuple[str, ...]:
    return (name, "users") if name == "idp" else (name,)


def _in_files(world: World, name: str, root: str, secrets: Secrets) -> list[set[str]]:
    if world.shop.runtime == "local":
        return list(canary.in_files(world.shop.dir / root, secrets).values())
    spelt = {each: [base64.b64encode(one).decode() for one in spellings] for each, spellings in secrets.items()}
    ran = world.shop.run(name, ["python", "-c", PROGRAM, json.dumps({"root": f"/shop/{root}", "secrets": spelt})])
    insist(ran.returncode == 0, f"the files of {name} cannot be looked through: {ran.stderr[-300:]}")
    return [set(names) for names in json.loads(ran.stdout).values()]
