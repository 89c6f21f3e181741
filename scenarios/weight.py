"""What a process of the shop weighs: the memory that it has in use, and the handles that it has open.

In a container a program that reads /proc is asked; here the marks tell which processes are the shop's.
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from compose import processes
from scenarios.levers import insist
from scenarios.world import World

PROGRAM = """
import json, os, pathlib
memory = handles = 0
for there in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        passing = there.name == str(os.getpid()) or b"services.health" in (there / "cmdline").read_bytes()
        if not passing:
            memory += int((there / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            handles += len(os.listdir(there / "fd"))
    except OSError:
        continue  # gone
print(json.dumps({"memory": memory, "handles": handles}))
"""


@dataclass(frozen=True)
class Weight:
    """Of one process, and of all that it has started."""

    memory: int
    """Bytes that are resident."""
    handles: int


def weigh(world: World, names: Sequence[str]) -> dict[str, Weight]:
    """What each of these processes weighs now."""
    if world.shop.runtime == "local":
        found = _weighed_here(world)
    else:
        with ThreadPoolExecutor(2) as hands:
            found = dict(hands.map(lambda name: (name, _weighed_inside(world, name)), names))
    for name in names:
        insist(found[name].memory > 0 and found[name].handles > 0, f"{name} cannot be found where it is")
    return found


def _weighed_here(world: World) -> dict[str, Weight]:
    found: dict[str, Weight] = defaultdict(lambda: Weight(0, 0))
    for process, shop_dir, role in processes.marked():
        if shop_dir == world.shop.dir:
            with contextlib.suppress(psutil.NoSuchProcess):
                memory, handles = process.memory_info().rss, process.num_fds()
                found[role] = Weight(found[role].memory + memory, found[role].handles + handles)
    return found


def _weighed_inside(world: World, name: str) -> Weight:
    ran = world.shop.run(name, ["python", "-c", PROGRAM])
    insist(ran.returncode == 0, f"{name} cannot be weighed: {ran.stderr[-300:]}")
    return Weight(**json.loads(ran.stdout))
