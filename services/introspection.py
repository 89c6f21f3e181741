"""The IdP's answer about a token, believed only when every member has the type that RFC 7662 §2.2 gives it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.access_token import Text


class Introspection(BaseModel):
    """An active access token as the IdP describes it; a refresh token does not fit (`token_type`)."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    active: Literal[True]
    token_type: Literal["Bearer"]
    iss: str
    aud: str | list[str]
    sub: str = Text
    client_id: str = Text
    exp: int
    scope: str = ""

    @property
    def audiences(self) -> list[str]:
        """Whom the token is meant for."""
        return [self.aud] if isinstance(self.aud, str) else self.aud

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes, compared whole and case-sensitively (RFC 6749 §3.3)."""
        return frozenset(self.scope.split(" ")) - {""}

    @property
    def user(self) -> str | None:
        """The person the token is about; None for a client's own token (RFC 9068 §2.2)."""
        return None if self.sub == self.client_id else self.sub
