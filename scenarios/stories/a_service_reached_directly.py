"""Mallory walks round the front door, and knocks at the services from outside.

Orders, inventory and billing listen too; the question is where.  She stands on another machine, so she comes by an
address that machines have for each other: any of this one's but loopback.  If a service listened there, all that the
patterns do at the edge would be for nothing, and under `perimeter` everything.
"""

import itertools
import socket

import psutil

from compose.topology import Ports
from scenarios import probe
from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict, answer, furthest, refused
from scenarios.world import World

GROUP = "from outside"
CLOSED = "the services listen inside, and nowhere that another machine could reach"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = {
    **dict.fromkeys(PATTERNS, Expect(Verdict.REFUSED, CLOSED)),
    "perimeter": Expect(Verdict.REFUSED, CLOSED + ": here all of the security depends on it"),
}
REFERENCES = ("NIST SP 800-204 MS-SS-2", "OWASP ASVS 8.3.1", "CWE-288")
CATALOGUE = ("PER-03",)
KNOCKS = {"orders": "/orders", "inventory": "/items", "billing": "/charges"}


def knock(service: str) -> Attempt:
    """One knock, at each address that this machine has for others, as a case of the family."""

    def attempt(world: World) -> Answer:
        scheme = world.shop.variant.inner_scheme
        port = (world.shop.ports if world.shop.runtime == "local" else Ports()).of(service)
        told = [refused("nothing listens at any address that this machine has for others")]
        for address in addresses():
            came_back = probe.attempt({"url": f"{scheme}://{address}:{port}{KNOCKS[service]}", "timeout": 3})
            if "refused" not in came_back:
                told.append(answer(came_back["status"], came_back["headers"], came_back["body"]))
        return furthest(told)

    return attempt


def addresses() -> list[str]:
    """The addresses by which other machines could reach this one (IPv4)."""
    known = itertools.chain.from_iterable(psutil.net_if_addrs().values())
    found = [each.address for each in known if each.family is socket.AF_INET]
    return [address for address in found if not address.startswith("127.")]


CASES = {service: knock(service) for service in KNOCKS}
