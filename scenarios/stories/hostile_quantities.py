"""Mallory orders minus five books, half a book, a million million, and a hundred of what there are twelve.

If the shop multiplies before it thinks, she is paid for shopping; if it compares strings or wraps around, she has the
warehouse.  Numbers that are not whole, not small or not numbers at all have no business in an order.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "another customer"
EXPECTED = {
    name: Expect(Verdict.INVALID, "a quantity is a whole number from 1 to 100, and no more than there is")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP ASVS 2.2.1", "OWASP ASVS 15.3.5", "OWASP API6:2023", "RFC 8259 §6", "CWE-20")
CATALOGUE = ("XC-13",)


def quantity(text: str, sku: str = '"book"') -> Callable[[World], Answer]:
    """An order with that quantity, spelled exactly so."""

    def attempt(world: World) -> Answer:
        headers = [*world.credential_of("mallory").items(), ("Content-Type", "application/json")]
        body = f'{{"sku": {sku}, "quantity": {text}}}'
        return world.outside("POST", "/api/orders", [*headers, ("Idempotency-Key", token_hex(16))], body)

    return attempt


def of_the_thing(sku: Any) -> Callable[[World], Answer]:
    """An order for one piece of something that is no name of a thing."""
    return quantity("1", sku)


CASES = {
    "minus five": quantity("-5"),
    "nothing": quantity("0"),
    "minus nothing": quantity("-0"),
    "half of one": quantity("0.5"),
    "one and a bit": quantity("1.0000000000000001"),
    "one, as a float": quantity("1.0"),
    "one, in powers of ten": quantity("1e0"),
    "beyond any float": quantity("1e999"),
    "no number": quantity("NaN"),
    "without end": quantity("Infinity"),
    "one hundred and one": quantity("101"),
    "ten to the eighteen": quantity("1000000000000000000"),
    "around the corner of 64 bits": quantity("18446744073709551617"),
    "four thousand digits": quantity("9" * 4400),
    "a string": quantity('"1"'),
    "true": quantity("true"),
    "null": quantity("null"),
    "a list": quantity("[1]"),
    "an object": quantity('{"$gt": 0}'),
    "more chairs than there are": quantity("100", '"chair"'),
    "a thing in capitals": of_the_thing('"BOOK"'),
    "a thing with a look-alike letter": of_the_thing('"b\\u043e\\u043ek"'),
    "a thing with a NUL": of_the_thing('"book\\u0000"'),
    "a thing that is a path": of_the_thing('"../orders"'),
    "a thing that is SQL": of_the_thing("\"book' OR '1'='1\""),
    "a thing that is a number": of_the_thing("1"),
    "no thing": of_the_thing("null"),
}
