"""Mallory begins seventy times and never comes to an end: with a handshake, a head, a body, or with hearing an answer.

She adds an octet now and then, so that she is there, and busy; and she asks again and again for a page, and takes none.
Whoever gives her a thread each time, and has it wait for the rest, soon has none left: eight of her beginnings are
enough, and to begin costs her nothing.  Alice comes in between, and may not notice.  What mallory has begun is a
request all the same: one that she ends is answered.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from socket import socket
from typing import Any

from scenarios.doorstep import connected, credential, host
from scenarios.levers import eventually, insist
from scenarios.sending import answered
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
EXPECTED = {
    name: Expect(Verdict.SERVED, "what has not all come is put by, and takes nobody's time: alice is served at once")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP ASVS 15.2.2", "OWASP API4:2023", "RFC 9112 §9.5", "CWE-400", "CWE-410")
CATALOGUE = ("XC-12",)
EACH = 20
DEAF, ANSWERS, ROOM = 10, 600, 4096
"""So many ask for so many pages of eleven kilobytes, with room for so many octets at her end: more than finds room."""
LENGTHS = (
    "Content-Length: 500",
    "Content-Length: 00000000000000000500",
    "Transfer-Encoding: chunked\r\n\r\n500",
    "Transfer-Encoding: chunked\r\n\r\n00000000000000000500",
)
"""How long a body is said to be; one may say it at any length (RFC 9110 §8.6, RFC 9112 §7.1)."""
HALT_WITHIN = 60.0
"""Seconds; some megabytes on each connection."""
AT_ONCE = 4.0
"""Seconds; whoever waits for a thread waits for five, until the first of mallory's has had its time."""


def attempt(world: World) -> Answer:
    """Begin, and add a little; alice orders meanwhile."""
    alice = world.shopper("alice")
    insist(alice.call("GET", "/api/me").ok, "alice cannot log in")
    head = f"GET /api/items HTTP/1.1\r\nHost: {host(world)}\r\n{credential(world)}Connection: clo"
    bodies = [f"POST /login HTTP/1.1\r\nHost: {host(world)}\r\n{length}\r\n\r\n" for length in LENGTHS]
    page = f"GET /static/style.css HTTP/1.1\r\nHost: {host(world)}\r\n\r\n"
    with ExitStack() as crowd:

        def begun(said: bytes, **how: Any) -> socket:
            connection = crowd.enter_context(connected(world, **how))
            connection.sendall(said)
            return connection

        before = _pages(world)
        for _ in range(DEAF):
            begun(page.encode() * ANSWERS, room=ROOM)
        eventually(_comes_to_a_halt(world), "mallory has as many answers as there is room for", within=HALT_WITHIN)
        insist(_pages(world) - before < DEAF * ANSWERS, "there is room for all that mallory asks for: she is not slow")
        shaking = [begun(b"\x16\x03", tls=False) for _ in range(EACH)]
        saying = [begun(body.encode()) for body in bodies for _ in range(EACH // len(bodies))]
        asking = [begun(head.encode()) for _ in range(EACH)]
        for connection in shaking:
            connection.sendall(b"\x01")
        for connection in saying:
            connection.sendall(b"c")
        began = time.monotonic()
        order = answered(alice.order("book"))
        took = time.monotonic() - began
        asking[0].sendall(b"se\r\n\r\n")
        insist(asking[0].recv(8192).startswith(b"HTTP/1.1 200 "), "not even what mallory ends is answered")
    insist(took < AT_ONCE, f"alice waits for {took:.1f} s, with mallory at every window")
    return order


def _comes_to_a_halt(world: World) -> Callable[[], bool]:
    """Whether the page was sent, but no more often than at the last look."""
    looks = [_pages(world)]

    def halts() -> bool:
        looks.append(_pages(world))
        return looks[0] < looks[-2] == looks[-1]

    return halts


def _pages(world: World) -> int:
    """How often the gateway has answered with the page."""
    return world.shop.logs("gateway").count('"/static/style.css"')
