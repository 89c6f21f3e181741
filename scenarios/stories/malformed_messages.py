"""Mallory sends what looks like HTTP, and is not quite.

A header on two lines, a NUL, a lone carriage return, a version that there is not, the first bytes of another protocol.
One reader skips what the next one reads.  Behind each of them she hides a second request, on the same connection.
"""

from scenarios.doorstep import Message, credential, hiding, host, second
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "what is not well-formed is refused (400), and nothing after it is read"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.INVALID, REASON))
REFERENCES = ("RFC 9112 §2.2", "RFC 9112 §3", "RFC 9112 §5.1", "RFC 9112 §5.2", "RFC 9110 §5.5", "CWE-93", "CWE-444")
CATALOGUE = ("PER-10", "PER-12")
LINE = "GET /api/me HTTP/1.1"
LINES = {
    "HTTP/0.9": "GET /api/me",
    "a version 0.9": "GET /api/me HTTP/0.9",
    "a version 2.0": "GET /api/me HTTP/2.0",
    "a version 3.0": "GET /api/me HTTP/3.0",
    "a version without a point": "GET /api/me HTTP/11",
    "a version in lower case": "GET /api/me http/1.1",
    "a version of another protocol": "GET /api/me ICE/1.0",
    "two spaces": "GET  /api/me HTTP/1.1",
    "tabs": "GET\t/api/me\tHTTP/1.1",
    "a space before": " GET /api/me HTTP/1.1",
    "a space in the path": "GET /api/me /healthz HTTP/1.1",
    "a NUL in the path": "GET /api/me\x00 HTTP/1.1",
    "a path without a slash": "GET api/me HTTP/1.1",
    "a backslash": "GET \\api\\me HTTP/1.1",
    "a host for a path": "GET localhost:443 HTTP/1.1",
}
FIELDS = {
    "a folded field": "X-A: b\r\n c",
    "a first field that is folded": " X-A: b",
    "a carriage return in a value": "X-A: b\rX-User: alice",
    "a line feed in a value": "X-A: b\nX-User: alice",
    "a NUL in a value": "X-A: b\x00c",
    "a field without a colon": "X-A",
    "a space before the colon": "X-A : b",
    "a field without a name": ": b",
    "a control character in a name": "X\x01A: b",
    "a name that is not ASCII": "X-\xe9: b",
    "a space in a name": "X A: b",
    "a quote in a name": 'X"A: b',
}
OPENINGS = {
    "PROXY, version 1": "PROXY TCP4 127.0.0.1 127.0.0.1 1 8443\r\n",
    "PROXY, version 2": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + "\x7f\x00\x00\x01" * 2 + "\x00\x01\x20\xfb",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS record inside TLS": "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n",
    "SMTP": "EHLO evil.test\r\n",
}


def say(line: str = LINE, field: str = "X-A: b", opening: str = "", newline: str = "\r\n") -> Message:
    """A message, and behind it the hidden request."""

    def write(world: World, mark: str) -> str:
        # the odd field comes first: were it last, `a first field that is folded` would fold another
        head = [line, field, f"Host: {host(world)}", credential(world).rstrip()]
        return opening + newline.join(head) + newline * 2 + second(mark)

    return write


CASES = hiding(
    {name: say(line=line) for name, line in LINES.items()}
    | {name: say(field=field) for name, field in FIELDS.items()}
    | {name: say(opening=opening) for name, opening in OPENINGS.items()}
    | {"line feeds alone": say(newline="\n")}
)
