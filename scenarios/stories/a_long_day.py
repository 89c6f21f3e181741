"""Customers come and go all day, and some of what they send makes no sense; in the evening the shop is as it was.

Whatever a request takes, memory, a connection, an open file, it gives back, and that holds for the requests that fail
as well.  What is kept by mistake is a little each time, and the night's restart would hide it.  So the same few dozen
requests come round after round, and each process is weighed in between.  What grows in every round is a leak; what
grows in one is a pool that has filled up.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

from compose.topology import EDGE, INSIDE
from scenarios.levers import insist
from scenarios.sending import answered
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.weight import Weight, weigh
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    name: Expect(Verdict.SERVED, "what a request takes it gives back, whether it was served or refused")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("OWASP ASVS 15.2.2", "OWASP API4:2023", "CWE-401", "CWE-772")
CATALOGUE = ("FLT-14",)
ROUNDS, TIMES, AT_ONCE = 5, 5, 4
MOST_BYTES, MOST_HANDLES = 80 * 1024, 2
"""What a process may keep in every single round, of 25 requests."""


def attempt(world: World) -> Answer:
    """Round after round; the last order counts, if nobody has grown in every one of them."""
    _, *weights = islice(rounds(world), ROUNDS + 1)  # in the first round everything is still being set up
    for name in (*EDGE, *INSIDE):
        grown = [(after[name], before[name]) for before, after in pairwise(weights)]
        memory = min(after.memory - before.memory for after, before in grown)
        handles = min(after.handles - before.handles for after, before in grown)
        insist(memory <= MOST_BYTES, f"{name} keeps {memory} bytes or more of every round")
        insist(handles <= MOST_HANDLES, f"{name} keeps {handles} handles or more of every round")
    return answered(world.shopper("alice").order("book"))


def rounds(world: World) -> Iterator[dict[str, Weight]]:
    """The weight of each process after each round."""
    requests = [request for request in REQUESTS for _ in range(TIMES)]
    while True:
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            statuses = {answer.status for answer in crowd.map(lambda request: request(world), requests)}
        insist(statuses == {200, 201, 401, 404, 422}, f"not what was expected of a day: {statuses}")
        yield weigh(world, (*EDGE, *INSIDE))


def called(method: str, path: str, **arguments: object) -> Callable[[World], Answer]:
    """Something that alice's program sends."""
    return lambda world: answered(world.shopper("alice").call(method, path, **arguments))


REQUESTS: list[Callable[[World], Answer]] = [
    lambda world: answered(world.shopper("alice").order("book")),
    called("GET", "/api/items"),
    called("GET", f"/api/orders/{'0' * 32}"),
    called("POST", "/api/orders", json={"sku": "book", "quantity": 0}, headers={"Idempotency-Key": "0" * 32}),
    lambda world: world.outside("GET", "/api/orders"),
]
