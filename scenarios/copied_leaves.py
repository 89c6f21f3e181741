"""Certificates that somebody has copied, and that can be taken back without harm to the service whose name they bear.

To revoke what a service shows would stop that service as well, until it has a new one.  So the CA issues it some more,
of which the service itself knows nothing: each is as good as its own, and is revoked alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from scenarios.levers import insist
from scenarios.world import World

# Runs in the CA's place.  The directory goes at once, so the CA has nobody to renew it for; and under the CA's lock, or
# its keeper could bring something new there in the middle of it.
ISSUE = """
import json, os, pathlib, shutil, sys
from certs import CA, files
home = pathlib.Path(os.environ["SHOP_DIR"], "ca")
authority, name, number = CA.open(home), sys.argv[1], int(sys.argv[2])
for each in range(number):
    into = home / f"copy-{each}"
    leaf = authority.issue(name, into)
    cert, key = ((into / file).read_text() for file in ("leaf.pem", "key.pem"))
    with files.locked(home):
        shutil.rmtree(into)
    print(json.dumps({"serial": leaf.serial, "cert": cert, "key": key}))
"""


@dataclass(frozen=True)
class Copy:
    """One of them."""

    serial: str
    cert: str
    key: str

    @property
    def pair(self) -> dict[str, str]:
        """As arguments for a request."""
        return {"cert": self.cert, "key": self.key}


def copies(world: World, name: str, number: int) -> list[Copy]:
    """So many certificates in the name of the service `name`, with their keys."""
    ran = world.shop.run("ca", ["python", "-c", ISSUE, name, str(number)])
    insist(ran.returncode == 0, f"the CA issues no copy: {ran.stderr[-300:]}")
    return [Copy(**json.loads(line)) for line in ran.stdout.splitlines()]


def revoke(world: World, copy: Copy) -> None:
    """Take this one back, and tell everybody at once."""
    ran = world.shop.run("ca", ["python", "-m", "certs", "revoke", copy.serial])
    insist(ran.returncode == 0, f"the CA does not revoke: {ran.stderr[-300:]}")
