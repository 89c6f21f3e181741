"""Mallory asks the front door to speak another protocol from now on.

Whoever answers 101 has left HTTP, and with it every guard that reads HTTP requests; a proxy that only sees the first
one passes the rest on blindly.  h2c smuggling lives from that.  The front door knows no upgrade: it ignores the wish,
and asks for a credential as always.
"""

from scenarios.registry import Attempt
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "the front door switches to nothing: the wish is ignored, and the guard asks as always"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.UNAUTHENTICATED, REASON))
REFERENCES = ("RFC 9110 §7.8", "RFC 9113 §3.1", "RFC 2817 §3", "CWE-444")
CATALOGUE = ("PER-10",)
SETTINGS = ("HTTP2-Settings", "AAMAAABkAAQAAP__")
KEY = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13")]


def upgrade(protocol: str, connection: str = "Upgrade", *more: tuple[str, str]) -> Attempt:
    """A wish, as a case of the family; 101 would be an error, since no attempt may bring it about."""

    def attempt(world: World) -> Answer:
        return world.outside("GET", "/api/orders", [("Connection", connection), ("Upgrade", protocol), *more])

    return attempt


CASES = {
    "h2c": upgrade("h2c", "Upgrade, HTTP2-Settings", SETTINGS),
    "h2c without settings": upgrade("h2c"),
    "h2c not listed in Connection": upgrade("h2c", "keep-alive", SETTINGS),
    "h2": upgrade("h2", "Upgrade, HTTP2-Settings", SETTINGS),
    "HTTP/2.0": upgrade("HTTP/2.0"),
    "TLS/1.3": upgrade("TLS/1.3, HTTP/1.1"),
    "websocket": upgrade("websocket", "Upgrade", *KEY),
    "connect-udp": upgrade("connect-udp", "Upgrade", ("Capsule-Protocol", "?1")),
    "several": upgrade("h2c, websocket, TLS/1.3", "Upgrade, HTTP2-Settings", SETTINGS, *KEY),
    "Alt-Svc": upgrade("h3", "Upgrade", ("Alt-Used", "billing:8103")),
}
