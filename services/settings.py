"""All that a service is told from outside, read once, at the start.

Nothing secret comes through the environment: secrets are files in a directory of this process's own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

PREFIX = "SHOP_"
DATABASE_URL = "DATABASE_URL"
"""The one name that is not ours alone."""
BEHIND = 0.8
"""What the services behind the gateway have of its time."""
ServiceName = Literal["gateway", "orders", "inventory", "billing"]
PatternName = Literal["perimeter", "basic", "subsystem", "mtls", "oauth2", "jwt", "zerotrust"]


class BadSettings(Exception):
    """The process was told something that makes no sense; the message says what, and never echoes a value."""


class Settings(BaseModel):
    """What this process is, where its files lie, and where the others answer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    service: ServiceName
    pattern: PatternName
    dir: Path
    """The shop's directory; what is ours lies in `dir/service`."""
    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    issuer: str = Field(pattern=r"\Ahttps://[^\s/?#]+\z")
    """The IdP's issuer identifier, at which it also answers (RFC 8414 §2)."""
    edge: str = Field(pattern=r"\Ahttps://[^\s/?#]+\z")
    """The gateway's public origin."""
    peers: dict[ServiceName, str]
    """Base URL of each inner service."""
    database_url: str | None = Field(default=None, validation_alias=DATABASE_URL)
    """PostgreSQL instead of this service's own SQLite file; leave the password to ~/.pgpass."""
    timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds that the calls for one request may take together, at the gateway; see `budget`."""
    cache_seconds: float = Field(default=0.0, ge=0, le=300)
    """How long what the IdP has said of a token, or given for one, is used again; 0 is to ask it each time.

    Within that time a token that was revoked still works here: that is what the calls saved are paid with.
    """

    @field_validator("peers", mode="before")
    @classmethod
    def _peers_come_as_json(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value  # what is no JSON is no value either

    @model_validator(mode="after")
    def _peers_speak_as_the_pattern_needs(self) -> Settings:
        scheme = "http://" if self.pattern == "perimeter" else "https://"
        if not all(url.startswith(scheme) for url in self.peers.values()):
            raise ValueError(f"under {self.pattern}, peers are {scheme} addresses")
        return self

    @property
    def budget(self) -> float:
        """Seconds that the calls for one request may take together.

        Behind the gateway they are fewer: whoever waits for us hears what became of it while they still listen.
        """
        return self.timeout if self.service == "gateway" else self.timeout * BEHIND

    @property
    def tls_dir(self) -> Path:
        """Our certificate, key, trust bundle and CRL; only our own key."""
        return self.dir / self.service / "tls"

    @property
    def bundle(self) -> str:
        """The trust bundle: what `verify=` names."""
        return str(self.tls_dir / "bundle.pem")

    @property
    def leaf(self) -> tuple[str, str]:
        """Our certificate and its key: what `cert=` names."""
        return str(self.tls_dir / "leaf.pem"), str(self.tls_dir / "key.pem")

    @property
    def data_dir(self) -> Path:
        """Where this service keeps what must survive a restart."""
        return self.dir / self.service / "data"

    @property
    def users_file(self) -> Path:
        """The shared user store, where the pattern lets this process see it."""
        return self.dir / "users" / "users.db"

    def secret(self, name: str) -> str:
        """The secret kept in the file `name`, as it is now: a rotated secret counts without a restart."""
        return self.secret_file(name).read_text(encoding="utf-8").strip()

    def secret_file(self, name: str) -> Path:
        """Where the secret `name` is kept."""
        return self.dir / self.service / "secrets" / name


def from_environ(service: str) -> Settings:
    """The settings of `service` from the environment; `BadSettings` names every variable that is wrong or misspelt."""
    told = Settings.model_fields.keys() - {"service"}
    ours = {f"{PREFIX}{name}".upper(): name for name in told - {"database_url"}} | {DATABASE_URL: DATABASE_URL}
    strangers = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in ours)
    if strangers:
        raise BadSettings(f"unknown setting: {', '.join(strangers)}")
    known = {ours[name]: value for name, value in os.environ.items() if name in ours}
    try:
        return Settings.model_validate({**known, "service": service})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise BadSettings(wrong) from None
