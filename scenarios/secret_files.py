"""The secrets of a shop's processes, as those who run the shop change them: by writing files.

Nobody but the one who provisioned them may: in Compose every process sees its own secrets read-only, so they are
written by another run of the container that made them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from compose import remember
from compose.containers import ComposeShop
from scenarios.levers import insist
from scenarios.world import World

WRITE = """
import json, os, pathlib, sys
from compose import remember
for process, name, content in json.loads(sys.argv[1]):
    remember.replace(pathlib.Path(os.environ["SHOP_DIR"], process, "secrets", name), content)
"""
Secrets = Mapping[tuple[str, str], str]
"""Contents by process and name of the file."""


def kept(world: World, *files: tuple[str, str]) -> dict[tuple[str, str], str]:
    """What these files hold now."""
    return {(process, name): (world.shop.secrets_dir(process) / name).read_text("utf-8") for process, name in files}


def write(world: World, secrets: Secrets) -> None:
    """Replace these files, each as a whole, in this order."""
    shop = world.shop
    if not isinstance(shop, ComposeShop):
        for (process, name), content in secrets.items():
            remember.replace(shop.dir / process / "secrets" / name, content)
        return
    told = json.dumps([[process, name, content] for (process, name), content in secrets.items()])
    ran = shop.compose("run", "--rm", "--no-deps", "--no-TTY", "provision", "python", "-c", WRITE, told)
    insist(ran.returncode == 0, f"the secrets cannot be written: {ran.stderr[-300:]}")
