"""The identity provider answers, at its own address and with its own certificate; only it talks nonsense.

Half an answer, a web page, a megabyte, an error; `"active": "true"`, which is a word and not the truth.  A service that
makes the best of it would sooner or later let somebody in whom nobody has vouched for.
"""

from typing import Any

from scenarios.levers import insist
from scenarios.registry import Attempt
from scenarios.sending import answered
from scenarios.shopper import Shopper
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "faults"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "basic": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "subsystem": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "mtls": Expect(Verdict.SERVED, "nobody asks the identity provider anything"),
    "oauth2": Expect(Verdict.UNAVAILABLE, "an answer that makes no sense is none, and no answer means no"),
    "jwt": Expect(Verdict.SERVED, "the keys are known already, so nobody asks for any"),
    "zerotrust": Expect(Verdict.UNAVAILABLE, "an answer that makes no sense is none: nothing is exchanged"),
}
REFERENCES = ("RFC 7662 §2.2", "RFC 8693 §2.2", "OWASP ASVS 16.5.3", "CWE-20")
CATALOGUE = ("FLT-04",)
ASKED = {"oauth2": "/introspect", "zerotrust": "/token"}
"""What is asked of it during an order."""


def spoilt(**how: Any) -> Attempt:
    """An order while the provider's next answer is spoilt."""

    def attempt(world: World) -> Answer:
        alice, manager = Shopper(world.shop, "alice"), world.manager
        insist(alice.call("GET", "/api/me").ok, "alice cannot log in")
        endpoint = ASKED.get(world.pattern, "/jwks")
        manager.fault(endpoint, **how)
        try:
            answer = answered(alice.order("book"))
            [armed] = manager.faults()
        finally:
            manager.clear_faults()
        insist(armed.remaining == 0 or world.pattern not in ASKED, f"nobody asked at {endpoint}")
        return answer

    return attempt


def not_the_truth(world: World) -> Answer:
    """`active` as a word; where nobody asks whether something is active, half an answer has to do."""
    return spoilt(answer="active-as-text" if world.pattern == "oauth2" else "malformed")(world)


CASES = {
    "half an answer": spoilt(answer="malformed"),
    "a web page": spoilt(answer="html"),
    "a megabyte": spoilt(answer="oversized"),
    "an answer cut off": spoilt(answer="dropped"),
    "an error": spoilt(status=500),
    "a word for the truth": not_the_truth,
}
