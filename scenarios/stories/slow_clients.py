"""Mallory begins sixty times and never comes to an end: with a handshake, with a head, with a body.

She adds an octet now and then, so that she is there, and busy.  Whoever gives her a thread each time, and has it wait
for the rest, soon has none left: eight of her beginnings are enough, and to begin costs her nothing.  Alice comes in
between, and may not notice.  What mallory has begun is a request all the same: one that she ends is answered.
"""

import time
from contextlib import ExitStack
from socket import socket

from scenarios.doorstep import connected, credential, host
from scenarios.levers import insist
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
AT_ONCE = 4.0
"""Seconds; whoever waits for a thread waits for five, until the first of mallory's has had its time."""


def attempt(world: World) -> Answer:
    """Begin, and add a little; alice orders meanwhile."""
    alice = world.shopper("alice")
    insist(alice.call("GET", "/api/me").ok, "alice cannot log in")
    head = f"GET /api/items HTTP/1.1\r\nHost: {host(world)}\r\n{credential(world)}Connection: clo"
    body = f"POST /api/orders HTTP/1.1\r\nHost: {host(world)}\r\nContent-Length: 500\r\n\r\n"
    with ExitStack() as crowd:

        def begun(said: bytes, *, tls: bool = True) -> socket:
            connection = crowd.enter_context(connected(world, tls=tls))
            connection.sendall(said)
            return connection

        shaking = [begun(b"\x16\x03", tls=False) for _ in range(EACH)]
        saying = [begun(body.encode()) for _ in range(EACH)]
        asking = [begun(head.encode()) for _ in range(EACH)]
        for connection in shaking:
            connection.sendall(b"\x01")
        for connection in saying:
            connection.sendall(b"{")
        began = time.monotonic()
        order = answered(alice.order("book"))
        took = time.monotonic() - began
        asking[0].sendall(b"se\r\n\r\n")
        insist(asking[0].recv(8192).startswith(b"HTTP/1.1 200 "), "not even what mallory ends is answered")
    insist(took < AT_ONCE, f"alice waits for {took:.1f} s, with mallory at every window")
    return order
