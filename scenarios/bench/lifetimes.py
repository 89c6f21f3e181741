"""A token's lifetime: how often an hour needs a new one, and what a new one costs the identity provider."""

from __future__ import annotations

import json
import time
from unittest import mock
from urllib.parse import urlencode

from idp import tokens
from scenarios.bench.chain import Chain
from scenarios.bench.issuing import Issuing
from scenarios.bench.wire import Connection, Target, Unexpected
from services import tls

HOUR, STEP = 3600, 10


def reissues(links: Chain, life: int) -> int:
    """How often somebody gets a new token in an hour, when each lasts for `life` seconds.

    The hour passes in steps, by a clock that only the provider's code in this process goes by.
    """
    clock = [time.time()]
    with (
        mock.patch.object(tokens, "ACCESS_SECONDS", life),
        Issuing(links.shop.dir, links.shop.issuer, lambda: clock[0]) as issuing,
    ):
        token, count = issuing.token(), 0
        for _ in range(HOUR // STEP):
            clock[0] += STEP
            if issuing.find(token) is None:
                token, count = issuing.token(), count + 1
    return count


def reissue_ms(links: Chain, times: int) -> float:
    """CPU milliseconds of the provider that serves, for a token got by a refresh token (RFC 6749 §6)."""
    assert links.issuing, "under this pattern nobody issues tokens"
    fresh = links.issuing.tokens_for()["refresh_token"]
    target = Target(
        links.shop.issuer + "/token",
        {"Content-Type": "application/x-www-form-urlencoded"},
        tls.client_context(links.shop.tls_dir("gateway") / "bundle.pem", None),
        method="POST",
    )
    with Connection(target) as connection:
        fresh = _refreshed(connection, target, fresh)
        before = links.cpu()
        for _ in range(times):
            fresh = _refreshed(connection, target, fresh)
        return (links.cpu() - before).idp * 1000 / times


def _refreshed(connection: Connection, target: Target, refresh_token: str) -> str:
    """The refresh token that comes with a new access token; each is good for once."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "cli"}
    sent = Target(target.url, target.headers, method="POST", body=urlencode(form).encode())
    status, body = connection.ask(sent.octets())
    if status != 200:
        raise Unexpected(f"{status}: {body[:200].decode(errors='replace')}")
    return str(json.loads(body)["refresh_token"])
