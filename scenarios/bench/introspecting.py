"""Questions to the identity provider about tokens, as a service asks them, among as many other tokens as one likes."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from scenarios.bench.asking import asked, served
from scenarios.bench.chain import FIRST, Chain
from scenarios.bench.contest import NotProven
from scenarios.bench.load import Bounds
from scenarios.bench.wire import Connection, Target
from services import tls

HELD = 100
"""Tokens that are really asked about, so that no row is the one that has just been read."""


@dataclass(frozen=True)
class Introspecting:
    """The identity provider of a chain under `oauth2`, asked by its first link (RFC 7662 §2.1)."""

    chain: Chain

    def among(self, others: int) -> Sequence[bytes]:
        """Questions about tokens that somebody holds, once there are `others` alive besides."""
        assert self.chain.issuing, "under this pattern nobody issues tokens"
        self.chain.issuing.fill_up(others)
        return [self._question(self.chain.issuing.token()) for _ in range(HELD)]

    def microseconds(self, questions: Sequence[bytes], bounds: Bounds) -> float:
        """CPU of the provider for each of them."""
        with Connection(self._target()) as connection:
            for octets in itertools.islice(questions, 3):
                served(connection, octets)
            before = self.chain.cpu()
            answers = asked(connection, questions, bounds)
            return (self.chain.cpu() - before).idp * 1e6 / len(answers)

    def prove(self) -> list[str]:
        """Show that it tells the tokens that it has issued from others; `NotProven` otherwise."""
        assert self.chain.issuing, "under this pattern nobody issues tokens"
        with Connection(self._target()) as connection:
            said = [connection.ask(self._question(token))[1] for token in (self.chain.issuing.token(), "made-up")]
        if b'"active":true' not in said[0].replace(b" ", b"") or b'"active":false' not in said[1].replace(b" ", b""):
            raise NotProven("the identity provider does not tell live tokens from others")
        return ["the identity provider tells live tokens from others"]

    def _target(self) -> Target:
        context = tls.client_context(self.chain.shop.tls_dir("gateway") / "bundle.pem", None)
        secret = (self.chain.shop.secrets_dir(FIRST) / "client_secret").read_text().strip()
        proof = base64.b64encode(f"{FIRST}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {proof}", "Content-Type": "application/x-www-form-urlencoded"}
        return Target(self.chain.shop.issuer + "/introspect", headers, context, method="POST")

    def _question(self, token: str) -> bytes:
        target = self._target()
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        return Target(target.url, target.headers, method="POST", body=body).octets()
