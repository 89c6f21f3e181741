"""What is said of a token: its life, who takes it, and whose it is."""

from __future__ import annotations

from compose.shop import Shop
from compose.topology import INSIDE, TOKEN_PATTERNS
from scenarios.evidence import Hop
from scenarios.measurements import token
from scenarios.world import World


def hop(service: str, *presented: str) -> Hop:
    said = {"checked": "", "user": "", "vouched_by": "", "authorized_by": "", "answer": "200", "idp_calls": 0}
    told = {"caller": "you", "service": service, "request": "GET /", "presented": presented, "milliseconds": 1.0}
    return Hop.model_validate(said | told)


def test_only_who_was_shown_the_same_token_took_it() -> None:
    told = [hop("gateway", "Bearer sha256:1"), hop("orders", "certificate of x", "Bearer sha256:2"), hop("billing")]
    assert [row["service"] for row in token.taken(told, "sha256:1") if row["same"]] == ["gateway"]


def test_it_measures(shop: Shop) -> None:
    with World(shop) as world:
        figures = token.measure(world).figures
    if shop.pattern not in TOKEN_PATTERNS:
        assert {figure.value for figure in figures.values()} == {None}
        return
    assert 0 < (figures[token.LIFE].value or 0) <= 600
    assert figures[token.HOPS].value == (1 if shop.pattern == "zerotrust" else len(INSIDE) + 1)
    assert figures[token.NAMED].value == 1
