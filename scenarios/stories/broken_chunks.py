"""Mallory sends a body in chunks, and lies about their sizes.

Where one reader takes `+0`, `0x0` or a size that ends in a bare line feed for the last chunk and another does not, the
rest of the body is a request to the one and not to the other.  What is no chunk is refused, and the connection closed.
"""

from scenarios.doorstep import Message, hiding, order, second
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "a body that is not chunked as it says is refused (400), and nothing after it is read"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.INVALID, REASON))
REFERENCES = ("RFC 9112 §7.1", "RFC 9112 §7.1.1", "RFC 9112 §8", "CWE-444")
CATALOGUE = ("PER-06",)
CHUNKS = {
    "a negative size": "-1\r\n\r\n",
    "a signed size": "+0\r\n\r\n",
    "a size with 0x": "0x0\r\n\r\n",
    "a size with an underscore": "1_0\r\naaaaaaaaaaaaaaaa\r\n0\r\n\r\n",
    "a size after a space": " 0\r\n\r\n",
    "no size": "\r\n\r\n",
    "a size and a NUL": "0\x00\r\n\r\n",
    "a size that ends in a line feed": "0\n\n",
    "a size that ends in a carriage return": "0\r\r\r\n",
    "an extension with a line feed": "0;a\nb\r\n\r\n",
    "an extension without an end": "0;" + "a" * 20_000,
    "a chunk without its end": "1\r\na0\r\n\r\n",
    "a chunk longer than it says": "1\r\nab\r\n0\r\n\r\n",
    "a trailer without a colon": "0\r\nX-User alice\r\n\r\n",
}


def cut(chunks: str) -> Message:
    """Chunks, and behind them the hidden request."""

    def write(world: World, mark: str) -> str:
        head = f"{order(world)}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        return f"{head}{chunks}{second(mark)}"

    return write


CASES = hiding({name: cut(chunks) for name, chunks in CHUNKS.items()})
