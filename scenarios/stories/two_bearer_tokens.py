"""Mallory shows two tokens at once, her own and somebody else's.

One reader takes the first, another the last, and a third joins them with a comma: she hopes that one checks hers and
another obeys the other.  She also tries tokens in other clothes that need a comma, such as JSON.
"""

from contextlib import nullcontext

from compose.topology import TOKEN_PATTERNS
from scenarios.families import Recipe, Request, borrowed, family
from scenarios.verdict import Expect, Verdict
from scenarios.world import World

GROUP = "forged tokens"
EXPECTED = {
    "perimeter": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "basic": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "subsystem": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "mtls": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "oauth2": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "jwt": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
    "zerotrust": Expect(Verdict.INVALID, "400: more than one credential is none, whatever they are"),
}
REFERENCES = ("RFC 6750 §2, §3.1", "RFC 9110 §5.3", "RFC 8725 §2.4", "RFC 7519 §1")
CATALOGUE = ("BRR-02", "BRR-05", "JWT-10")
FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYXJvbCJ9.AAAA"
CLOTHES = {
    "flattened JSON": '{"protected":"eyJhbGciOiJub25lIn0","payload":"eyJzdWIiOiJjYXJvbCJ9","signature":"AAAA"}',
    "general JSON": '{"payload":"eyJzdWIiOiJjYXJvbCJ9","signatures":[{"protected":"e30","signature":"AAAA"}]}',
    "JSON around a token": '{"eyJhbGciOiJub25lIn0.":1,"payload":"e30","protected":"e30",".AAAA":1}',
    "a list": f'["{FORGED}","{FORGED}"]',
}


def shown(*values: str) -> Recipe[World]:
    """Authorization lines with these values, `{}` standing for Mallory's own credential."""

    def write(world: World) -> list[Request]:
        own = world.credential_of("mallory")["Authorization"]
        headers = [("Authorization", value.replace("{}", own)) for value in values]
        doors = [Request("gateway", headers, "/api/orders")]
        if world.pattern in {"basic", "subsystem", *TOKEN_PATTERNS}:  # elsewhere nobody inside looks
            doors.append(Request("orders", headers, more=borrowed(world)))
        return doors

    return write


RECIPES = {
    "her own, then carol's": shown("{}", f"Bearer {FORGED}"),
    "carol's, then her own": shown(f"Bearer {FORGED}", "{}"),
    "her own twice": shown("{}", "{}"),
    "her own, then nothing": shown("{}", "Bearer"),
    "nothing, then her own": shown("Bearer", "{}"),
    "with a comma": shown(f"{{}}, Bearer {FORGED}"),
    "with a comma, carol's first": shown(f"Bearer {FORGED}, {{}}"),
    "with a comma and no space": shown(f"{{}},{FORGED}"),
    "a comma before": shown(",{}"),
    "a comma after": shown("{},"),
    "three": shown("{}", f"Bearer {FORGED}", "{}"),
}
RECIPES |= {name: shown(f"Bearer {text}") for name, text in CLOTHES.items()}
CASES = family(RECIPES, nullcontext)
