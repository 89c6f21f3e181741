"""Mallory wants to know who shops here; she tries names with a wrong password, and watches the clock.

Checking a password is slow, on purpose.  A door that knew sooner that there is nobody of that name would tell her by
answering sooner.  So each name costs as much as another, whether it is somebody's or not.
"""

from secrets import token_hex

from scenarios.families import WrongAnswer, together
from scenarios.guessing import guess
from scenarios.verdict import Answer, Expect, Verdict
from scenarios.world import World

GROUP = "bent Basic headers"
ONE_HASH = "a name that nobody has is checked against a hash that fits nobody, for as long"
AT_THE_IDP = Expect(Verdict.FORBIDDEN, "the identity provider's page says no, whoever it is: " + ONE_HASH)
EXPECTED = {
    "perimeter": Expect(Verdict.UNAUTHENTICATED, ONE_HASH),
    "basic": Expect(Verdict.UNAUTHENTICATED, ONE_HASH),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, ONE_HASH),
    "mtls": Expect(Verdict.UNAUTHENTICATED, ONE_HASH),
    "oauth2": AT_THE_IDP,
    "jwt": AT_THE_IDP,
    "zerotrust": AT_THE_IDP,
}
REFERENCES = ("OWASP ASVS 6.3.8", "RFC 7617 §4", "CWE-204", "CWE-208")
CATALOGUE = ("BAS-07",)
KNOWN = ("bob", "carol", "mallory") * 2
SOMEBODY, NOBODY = "a name that exists", "a name that does not exist"


def attempts(world: World) -> dict[str, Answer]:
    """Try both kinds in turn; `WrongAnswer` when one of them is answered in half the time, and each time."""
    names = [each for name in KNOWN for each in (name, f"{name}-{token_hex(3)}")]
    told = guess(world, [(name, "wrong") for name in names])
    kinds = {SOMEBODY: told[0::2], NOBODY: told[1::2]}
    ratios = [nobody.seconds / somebody.seconds for somebody, nobody in zip(*kinds.values(), strict=True)]
    if max(ratios) < 0.5 or min(ratios) > 2:
        raise WrongAnswer(f"nobody is answered in {[f'{each:.2f}' for each in ratios]} of the time that somebody is")
    return {kind: answers[0] for kind, answers in kinds.items()}


CASES = together((SOMEBODY, NOBODY), attempts)
