"""What the management door answers, as data: the door writes these, its client reads them.

Only the standard library, since the client is started anew for each question.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who can log in, unless disabled."""

    name: str
    full_name: str
    email: str
    scopes: list[str]
    disabled: bool
    version: int


@dataclass(frozen=True)
class Registered:
    """A client that may ask for tokens; `added` by the door, or provisioned in `clients.json`."""

    client_id: str
    auth_method: str
    added: bool
    client_secret: str | None = None
    """The secret that was made for it: told once, when it is added."""


@dataclass(frozen=True)
class ArmedFault:
    """A fault, and for how many more answers it stands."""

    id: int
    endpoint: str
    times: int
    remaining: int
    does: dict[str, str | int | float]


@dataclass(frozen=True)
class Key:
    """A key, by the name that tokens call it.

    `state` is `ahead` (published, does not sign yet), `signing`, or `retired` (published, signs no more).  A key that
    was withdrawn is gone.
    """

    kid: str
    algorithm: str
    state: str


@dataclass(frozen=True)
class Time:
    """What time it is for the identity provider, and by how many seconds that is ahead of the machine."""

    now: float
    ahead: float


@dataclass(frozen=True)
class Entry:
    """One request that the identity provider answered, without anything secret."""

    id: int
    time: str
    trace: str
    client: str | None
    user: str | None
    method: str
    endpoint: str | None
    """The route; None when there is none such: what was asked for could hold anything."""
    grant: str | None
    outcome: str
    """`allow`, or `deny`."""
    reason: str | None
    status: int
    milliseconds: float
    fault: int | None
    """The id of the fault that spoilt the answer."""


@dataclass(frozen=True)
class Counts:
    """How many requests there were, by what."""

    total: int
    by_endpoint: dict[str, int]
    by_client: dict[str, int]
    by_status: dict[str, int]


@dataclass(frozen=True)
class Revoked:
    """How many authorizations and tokens were taken back that stood until now."""

    revoked: int
