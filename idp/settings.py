"""All that the identity provider is told from outside, read once, at the start.

Nothing secret comes through the environment: secrets are files in a directory of this process's own.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

PREFIX = "SHOP_"
DATABASE_URL = "DATABASE_URL"
"""The one name that is not ours alone."""
LOOPBACK = "127.0.0.1"
FOR_SERVICES = frozenset({"SHOP_PATTERN", "SHOP_PEERS", "SHOP_EDGE", "SHOP_TIMEOUT", "SHOP_CACHE_SECONDS"})
"""What the shop's other processes read from the same environment; nothing in it concerns us."""


class BadSettings(Exception):
    """The process was told something that makes no sense; the message says what, and never echoes a value."""


class Settings(BaseModel):
    """Where the identity provider listens, under which name, and where its files lie."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    dir: Path
    """The shop's directory; what is ours lies in `dir/idp`."""
    issuer: str = Field(pattern=r"\Ahttps://[^/?#@\s]+\z")
    """Our issuer identifier, at which we also answer (RFC 8414 §2): an origin, without a slash at its end."""
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    workers: int = Field(default=2, ge=1, le=64)
    database_url: str | None = Field(default=None, validation_alias=DATABASE_URL)
    """PostgreSQL instead of our own SQLite file; leave the password to ~/.pgpass."""
    manage_port: int | None = Field(default=None, ge=1, le=65535)
    """Where the management door listens (`idp.manage`); None, as always outside of tests, is no door at all."""
    manage_host: str = LOOPBACK

    @field_validator("manage_port", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value  # compose.yaml can name a variable, but not leave it out

    @field_validator("manage_host")
    @classmethod
    def _nobody_elsewhere(cls, value: str) -> str:
        if value not in {LOOPBACK, "localhost"}:
            raise ValueError(f"the management door opens on {LOOPBACK} and nowhere else: it asks nobody who they are")
        return LOOPBACK

    @model_validator(mode="after")
    def _two_doors(self) -> Settings:
        if self.manage_port == self.port:
            raise ValueError("the management door needs a port of its own")
        return self

    @property
    def tls_dir(self) -> Path:
        """Our certificate, key, trust bundle and CRL."""
        return self.dir / "idp" / "tls"

    @property
    def data_dir(self) -> Path:
        """Where the signing keys and the store lie."""
        return self.dir / "idp" / "data"

    @property
    def clients_file(self) -> Path:
        """The registered clients."""
        return self.dir / "idp" / "secrets" / "clients.json"

    @property
    def users_file(self) -> Path:
        """The shared user store."""
        return self.dir / "users" / "users.db"

    @property
    def cookie_key(self) -> bytes:
        """What signs the browser's cookie."""
        return (self.dir / "idp" / "secrets" / "cookie_key").read_bytes().strip()

    @property
    def cookie_name(self) -> str:
        """The prefix binds it to this host and to HTTPS (RFC 6265bis §4.1.3.2); cookies ignore ports, so it has one."""
        return f"__Host-idp-{urlsplit(self.issuer).port or 443}"


def from_environ() -> Settings:
    """The settings in the environment; `BadSettings` names every variable that is wrong or misspelt."""
    ours = {f"{PREFIX}{name}".upper(): name for name in Settings.model_fields} | {DATABASE_URL: DATABASE_URL}
    strangers = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in {*ours, *FOR_SERVICES})
    if strangers:
        raise BadSettings(f"unknown setting: {', '.join(strangers)}")
    try:
        return Settings.model_validate({ours[name]: value for name, value in os.environ.items() if name in ours})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise BadSettings(wrong) from None
