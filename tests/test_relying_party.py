"""How the gateway proves itself to the IdP when people log in there; the log-in itself is seen in `test_browser`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask
import pytest

from services.relying_party import RelyingParty
from services.settings import PatternName
from tests.support import settings


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
