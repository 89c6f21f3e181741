"""What a process of the shop weighs: the memory that it has in use, and the handles that it has open.

It is asked where the process is, by a program that reads /proc: in its container, or here, where it is known by the
environment that it was started with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scenarios.levers import insist
from scenarios.world import World

PROGRAM = """
import json, os, pathlib
ours = {f"{name}={os.environ[name]}".encode() for name in ("SHOP_DIR", "SHOP_PORT")}
memory = handles = 0
for there in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        told = set((there / "environ").read_bytes().split(b"\\0"))
        passing = there.name == str(os.getpid()) or b"services.health" in (there / "cmdline").read_bytes()
        if ours <= told and not passing:
            memory += int((there / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            handles += len(os.listdir(there / "fd"))
    except OSError:
        continue  # somebody else's, or gone
print(json.dumps({"memory": memory, "handles": handles}))
"""


@dataclass(frozen=True)
class Weight:
    """Of one process, and of all that it has started."""

    memory: int
    """Bytes that are resident."""
    handles: int


def weigh(world: World, names: Iterable[str]) -> dict[str, Weight]:
    """What each of these processes weighs now."""
    with ThreadPoolExecutor(2) as hands:
        return dict(hands.map(lambda name: (name, _weigh(world, name)), names))


def _weigh(world: World, name: str) -> Weight:
    ran = world.shop.run(name, ["python", "-c", PROGRAM])
    insist(ran.returncode == 0, f"{name} cannot be weighed: {ran.stderr[-300:]}")
    found = Weight(**json.loads(ran.stdout))
    insist(found.memory > 0 and found.handles > 0, f"{name} cannot be found where it is")
    return found
