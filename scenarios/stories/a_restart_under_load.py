"""Orders, inventory and billing are restarted, all at once, in the middle of the day.

First as one rolls out a new version: new workers take over the door, the old ones finish what they have begun.  Nobody
who shops may notice.  Then the hard way: each is told to end, and begun anew.  For a moment nobody is there.  Who comes
then is told so at once, and when to come again; what was under way is finished; and who does come again has what they
ordered, once.
"""

from collections.abc import Callable
from secrets import token_hex

from scenarios.levers import insist, relieved
from scenarios.sending import answered
from scenarios.steady_load import WORKERS, Load, under_load
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    name: Expect(Verdict.SERVED, "the door changes hands open, or is shut; who finds it shut comes again and pays once")
    for name in ("perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust")
}
REFERENCES = ("RFC 9110 §15.6.4", "RFC 9112 §9.3.1", "RFC 9112 §9.6", "OWASP ASVS 16.5.2")
CATALOGUE = ("FLT-12",)
RATE = 4.0
"""Orders per second."""
AFTERWARDS = (WORKERS + 1) / RATE
"""Seconds in which somebody is answered who came after they began: each customer may have one order under way."""
SERVICES = ("orders", "inventory", "billing")


def during(world: World, event: Callable[[Load], None]) -> dict[str, Answer]:
    """The answers to orders that come at a steady rate before, during and after `event`, by the orders' keys."""
    alice, came = world.shopper("alice"), dict[str, Answer]()
    insist(alice.order("book").ok, "alice cannot order to begin with")

    def ask(_: int) -> bool:
        key = token_hex(16)
        came[key] = answered(alice.order("book", key=key))
        return came[key].verdict is Verdict.SERVED

    with under_load(lambda: ask, RATE) as load:
        load.goes_on(0.5, RATE)
        event(load)
        load.goes_on(0.5, RATE)
    dropped = len(load.sent) - len(came)
    insist(not dropped, f"{dropped} of {len(load.sent)} orders were hung up on, without an answer")
    return came


def rolled_out(world: World) -> Answer:
    """New workers take over: every order has to be served."""
    came = during(world, lambda _: relieved(world, *SERVICES))
    missed = [each for each in came.values() if each.verdict is not Verdict.SERVED]
    return missed[0] if missed else next(iter(came.values()))


def begun_anew(world: World) -> Answer:
    """Ended and begun anew: every order has to be served, or to be told to come again, and served then."""

    def ended(load: Load) -> None:
        world.shop.stop(*SERVICES)
        load.goes_on(AFTERWARDS, RATE)
        world.shop.start(*SERVICES)

    came = during(world, ended)
    missed = {key: each for key, each in came.items() if each.verdict is not Verdict.SERVED}
    told = {(each.status, "retry-after" in each.headers) for each in missed.values()}
    silence = {(504, False)} if world.shop.runtime == "compose" else set()  # for who knocks as its network goes with it
    insist({(503, True)} <= told <= {(503, True)} | silence, f"not everybody was served, or told when to come: {told}")
    again = {key: answered(world.shopper("alice").order("book", key=key)) for key in missed}
    still = [each for each in again.values() if each.verdict is not Verdict.SERVED]
    if still:
        return still[0]
    served = (came | again).values()
    insist(len({each.json()["charge"] for each in served}) == len(came), "what was ordered once is not charged once")
    return next(iter(served))


CASES = {"new workers take over": rolled_out, "ended and begun anew": begun_anew}
