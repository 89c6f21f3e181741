"""The walk through the patterns: for each a few scenarios in teaching order, as the README shows them.

First what works, then what an attacker gets, and last what the pattern costs.  A test acts every step out and compares
what is printed with what the README says.
"""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.registry import Story
from scenarios.verdict import Expect

WALK: dict[str, tuple[str, ...]] = {
    "perimeter": (
        "place_an_order",
        "no_credential_at_the_edge",
        "knock_at_each_service",
        "forge_the_user_from_inside",
        "read_the_wire",
    ),
    "basic": (
        "place_an_order",
        "knock_at_each_service",
        "read_the_wire",
        "harvest_passwords",
        "replay_from_elsewhere",
        "use_after_a_password_change",
    ),
    "subsystem": (
        "place_an_order",
        "a_service_secret_used_as_another",
        "harvest_passwords",
        "forge_the_user",
        "confused_deputy",
    ),
    "mtls": (
        "place_an_order",
        "no_certificate",
        "strangers_certificates",
        "replay_from_elsewhere",
        "overreach",
        "forge_the_user",
    ),
    "oauth2": (
        "place_an_order",
        "forge_the_user",
        "hand_on_to_the_wrong_audience",
        "replay_from_elsewhere",
        "use_after_revocation",
        "idp_dark",
    ),
    "jwt": (
        "place_an_order",
        "unsigned_tokens",
        "wrong_audience_or_issuer",
        "replay_from_elsewhere",
        "use_after_revocation",
        "idp_dark",
    ),
    "zerotrust": (
        "place_an_order",
        "replay_from_elsewhere",
        "hand_on_to_the_wrong_audience",
        "forge_the_user",
        "overreach",
        "idp_dark",
    ),
}


def last_line(expected: Expect, cases: int) -> str:
    """What `make scenario` says at the end when all came as it was written."""
    family = f" (all {cases} cases)" if cases > 1 else ""
    return f"as expected: {expected.verdict}{family}, {expected.reason}"


def text(stories: Mapping[str, Story]) -> str:
    """The walk as the README has it: a block of commands for each pattern, under each what it says at the end."""
    return "\n".join(_pattern(pattern, [stories[name] for name in names]) for pattern, names in WALK.items())


def _pattern(pattern: str, told: list[Story]) -> str:
    lines = [f"**{pattern}**\n", "```console", f"$ make up PATTERN={pattern}"]
    for story in told:
        lines += [f"$ make scenario NAME={story.name}", f"… {story.title}"]
        lines += [last_line(story.expected[pattern], len(story.cases))]
    return "\n".join([*lines, "$ make down", "```", ""])
