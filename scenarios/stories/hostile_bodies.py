"""Mallory sends orders that are too large, too deep, said twice, packed, or no JSON at all.

She is after a parser that gives up in an untidy way: one that takes the first of two members where the next one takes
the last, that unpacks a few bytes into gigabytes, or that runs out of stack.
"""

import gzip
from collections.abc import Callable
from secrets import token_hex

from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.INVALID, "a body is a small JSON object that says each thing once, or it is refused")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP API4:2023", "RFC 8259 §4", "RFC 9110 §15.5.14", "RFC 9110 §15.5.16", "CWE-400")
CATALOGUE = ("XC-11",)
ORDER = b'{"sku": "book", "quantity": 1}'


def body(octets: bytes, **headers: str) -> Callable[[World], Answer]:
    """An order whose body is exactly that."""
    named = {"Content-Type": "application/json", "Idempotency-Key": token_hex(16)}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}

    def attempt(world: World) -> Answer:
        mallory: Shopper = world.shopper("mallory")
        return answered(mallory.call("POST", "/api/orders", data=octets, headers=named))

    return attempt


CASES = {
    "nothing": body(b""),
    "half an order": body(ORDER[:-1]),
    "an order and a bit": body(ORDER + b"}"),
    "a list of orders": body(b"[" + ORDER + b"]"),
    "a quantity said twice": body(b'{"sku": "book", "quantity": 1, "quantity": 100}'),
    "a key in single quotes": body(b"{'sku': 'book', 'quantity': 1}"),
    "with a comment": body(b'{"sku": "book", "quantity": 1 /* one */}'),
    "in UTF-16": body(ORDER.decode().encode("utf-16")),
    "with a byte order mark": body(b"\xef\xbb\xbf" + ORDER),
    "not UTF-8": body(ORDER.replace(b"book", b"b\xff\xffk")),
    "seven thousand brackets deep": body(b"[" * 7000 + b"]" * 7000),
    "seventeen kilobytes": body(ORDER[:-1] + b" " * 17_000 + b"}"),
    "packed": body(gzip.compress(ORDER), Content_Encoding="gzip"),
    "a form": body(b"sku=book&quantity=1", Content_Type="application/x-www-form-urlencoded"),
    "as text": body(ORDER, Content_Type="text/plain"),
    "as XML": body(b"<order><sku>book</sku></order>", Content_Type="application/xml"),
}
