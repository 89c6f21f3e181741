"""The IdP's answer about a token, believed only when every member has the type that RFC 7662 §2.2 gives it."""

from __future__ import annotations

from typing import Any, Literal

from services.access_token import Statement


class Introspection(Statement):
    """An active access token as the IdP describes it; a refresh token does not fit (`token_type`)."""

    active: bool  # strictly: `Literal[True]` would take 1 for it
    token_type: Literal["Bearer"]
    cnf: dict[str, Any] | None = None
