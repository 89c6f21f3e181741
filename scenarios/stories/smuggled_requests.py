"""Mallory hides a request in the body of another, where two readers would disagree about where the body ends.

She says two lengths, or one length and "chunked", or "chunked" in a spelling that one reader knows and the next does
not.  If whoever reads first sees one request and whoever reads next sees two, the second one passes no guard, and may
be answered to somebody else.  A message that can be read in two ways has to be refused as a whole, and the connection
closed.

The hidden request names a user that nobody else names.  In the end the same two requests are sent openly, one after
the other, as HTTP allows: both must be answered and the name must be found in a log, or this would prove nothing.
"""

from scenarios.doorstep import Message, hiding, order, second
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "from outside"
REASON = "a message that can be read in two ways is refused whole (400, 501), and nothing after it is read"
PATTERNS = ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
EXPECTED = dict.fromkeys(PATTERNS, Expect(Verdict.INVALID, REASON))
REFERENCES = ("RFC 9112 §6.1", "RFC 9112 §6.3", "RFC 9112 §11.2", "RFC 9110 §8.6", "CWE-444", "OWASP ASVS 4.2.1")
CATALOGUE = ("PER-06",)
END = "0\r\n\r\n"
LENGTHS = {
    "signed": "+{n}",
    "negative": "-1",
    "in hexadecimal": "0x{n}",
    "with a space inside": "1 {n}",
    "with an underscore": "1_{n}",
    "with a fraction": "{n}.0",
    "with an exponent": "1e1",
    "empty": "",
    "in other digits": "\xb2",
    "after a vertical tab": "\x0b{n}",
    "before a NUL": "{n}\x00",
    "quoted": '"{n}"',
    "a list": "0, {n}",
    "a list of the same": "{n}, {n}",
}
CODINGS = {
    "xchunked": "xchunked",
    "chunked not last": "chunked, identity",
    "chunked twice": "chunked, chunked",
    "identity": "identity",
    "quoted": '"chunked"',
    "with a parameter": "chunked;q=1",
    "after a comma": ",chunked",
    "empty": "",
    "after a vertical tab": "\x0bchunked",
    "before a NUL": "chunked\x00",
    "with a control character": "chun\x01ked",
    "after a line feed": "\nchunked",
    "after a carriage return": "\rchunked",
    "misspelt": "chunke",
    "an unknown one": "cow",
    "compressed, and chunked inside": "chunked, gzip",
}
TWO_HEADERS = {
    "CL.TE": "Content-Length: {all}\r\nTransfer-Encoding: chunked",
    "TE.CL": "Transfer-Encoding: chunked\r\nContent-Length: {end}",
    "CL.TE, in capitals": "Content-Length: {all}\r\nTRANSFER-ENCODING: CHUNKED",
    "CL.CL": "Content-Length: {end}\r\nContent-Length: {all}",
    "CL.CL, the other way": "Content-Length: {all}\r\nContent-Length: {end}",
    "CL.CL, the same": "Content-Length: {end}\r\nContent-Length: {end}",
    "TE.TE": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "TE.TE, the other way": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: {end}",
    "TE.TE, an unknown one": "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "TE.TE, chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "TE before the colon a space": "Transfer-Encoding : chunked\r\nContent-Length: {end}",
    "TE before the colon a tab": "Transfer-Encoding\t: chunked\r\nContent-Length: {end}",
    "TE folded": "Transfer-Encoding:\r\n chunked\r\nContent-Length: {end}",
    "TE as the fold of another": "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: {end}",
    "TE after a bare line feed": "X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: {end}",
    "TE after a bare carriage return": "X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: {end}",
    "TE with a space before it": " Transfer-Encoding: chunked\r\nContent-Length: {end}",
    "TE with a NUL in its name": "Transfer\x00-Encoding: chunked\r\nContent-Length: {end}",
    "TE with an underscore": "Transfer_Encoding: chunked\r\nContent-Length: {all}",
    "CL with a space before the colon": "Content-Length : {all}",
    "CL folded": "Content-Length:\r\n {all}",
}


def hide(framing: str, version: str = "1.1") -> Message:
    """A body that ends by one reading before the hidden request and by another after it."""

    def write(world: World, mark: str) -> str:
        body = END + second(mark)
        lengths = {"n": len(END), "end": len(END), "all": len(body)}
        head = f"{order(world, version)}Content-Type: application/json\r\n{framing.format(**lengths)}\r\n\r\n"
        return head + body

    return write


CASES = hiding(
    {name: hide(framing) for name, framing in TWO_HEADERS.items()}
    | {f"CL {name}": hide(f"Content-Length: {length}") for name, length in LENGTHS.items()}
    | {f"TE {name}": hide(f"Transfer-Encoding: {coding}") for name, coding in CODINGS.items()}
    | {f"CL, and TE {name}": hide(f"Content-Length: {{end}}\r\nTransfer-Encoding: {c}") for name, c in CODINGS.items()}
    | {"TE in HTTP/1.0": hide("Transfer-Encoding: chunked", "1.0")}
)
