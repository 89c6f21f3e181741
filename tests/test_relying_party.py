"""How the gateway proves itself to the IdP when people log in there; the log-in itself is seen in `test_browser`."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import pytest

from services.identity import Unavailable
from services.relying_party import AGAIN_SECONDS, SPARE_SECONDS, RelyingParty
from services.sessions import Session
from services.settings import PatternName
from tests.support import ISSUER, Turnstile, settings


def asking(directory: Path, pattern: PatternName) -> Any:
    """The gateway, which is about to ask its IdP something."""
    secret = directory / "gateway" / "secrets" / "client_secret"
    told = settings(directory, "gateway", pattern)
    if pattern != "zerotrust":
        secret.write_text("the-first\n")
    return RelyingParty(flask.Flask("gateway"), told)._client


@pytest.mark.parametrize("pattern", ["oauth2", "jwt"])
def test_a_changed_secret_is_shown_at_the_next_question(tmp_path: Path, pattern: PatternName) -> None:
    client = asking(tmp_path, pattern)
    assert client._get_oauth_client().client_secret == "the-first"
    (tmp_path / "gateway" / "secrets" / "client_secret").write_text("the-next\n")
    session = client._get_oauth_client()
    assert session.client_secret == "the-next"
    assert session.token_endpoint_auth_method == session.revocation_endpoint_auth_method == "client_secret_basic"


def test_under_zero_trust_there_is_a_certificate_and_no_secret(tmp_path: Path) -> None:
    session = asking(tmp_path, "zerotrust")._get_oauth_client()
    assert session.client_secret is None
    assert session.cert == settings(tmp_path, "gateway", "zerotrust").leaf


class Silent(RelyingParty):
    """The gateway, whose IdP says nothing, once it `may_fail`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(flask.Flask("gateway"), settings(directory, "gateway", "zerotrust"))
        self._known = {"issuer": ISSUER}
        self.asked = 0
        self.may_fail = threading.Event()
        self.may_fail.set()

    def _refresh(self, session: Session) -> None:
        self.asked += 1
        assert self.may_fail.wait(10)
        raise Unavailable("the IdP does not answer")


class TestWhileTheIdpSaysNothing:
    """FLT-03, for a session whose token is about to end, or has."""

    @pytest.fixture
    def party(self, tmp_path: Path) -> Silent:
        return Silent(tmp_path)

    @staticmethod
    def session(seconds: float) -> Session:
        return Session("alice", access_token="a token", refresh_token="another", expires_at=time.time() + seconds)

    def test_a_token_that_is_good_still_is_used_and_the_next_request_does_not_ask_again(self, party: Silent) -> None:
        session = self.session(SPARE_SECONDS - 1)
        assert [party.access_token(session) for _ in range(3)] == ["a token"] * 3
        assert party.asked == 1
        session.silent_at -= AGAIN_SECONDS
        assert party.access_token(session) == "a token"
        assert party.asked == 2

    def test_whoever_waited_meanwhile_does_not_ask_once_more(self, party: Silent) -> None:
        session = self.session(-1)
        session.lock = turnstile = Turnstile()  # type: ignore[assignment]  # all that is used of one
        party.may_fail.clear()
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(party.access_token, session) for _ in range(3)]
            assert all(turnstile.came.acquire(timeout=10) for _ in waiting)
            party.may_fail.set()
            for each in waiting:
                with pytest.raises(Unavailable):
                    each.result(10)
        assert party.asked == 1

    def test_whoever_comes_later_asks_again_once_the_token_has_ended(self, party: Silent) -> None:
        session = self.session(-1)
        for asked in (1, 2):
            with pytest.raises(Unavailable):
                party.access_token(session)
            assert party.asked == asked
