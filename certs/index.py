"""What the CA remembers: every leaf that somebody could still show, and the number of its last CRL.

An Index is a value. A change makes a new one, and `index.json` is replaced whole.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from certs.errors import DamagedIndex
from certs.profiles import Lifetimes, Revocation


@dataclass(frozen=True)
class Leaf:
    """One leaf that the CA issued; `into` is the directory where its process reads it."""

    serial: str  # 40 hexadecimal digits: a JSON number of 159 bits would not survive every reader
    name: str
    dns_names: tuple[str, ...]
    into: Path
    issued: datetime
    not_after: datetime
    revoked: datetime | None = None
    reason: str | None = None

    @property
    def half_life(self) -> datetime:
        """The moment from which on it should be renewed: half its life is left to notice a failure."""
        return self.issued + (self.not_after - self.issued) / 2


@dataclass(frozen=True)
class Index:
    """The CA's whole memory beside its root and key."""

    trust_domain: str
    lifetimes: Lifetimes
    crl_number: int
    crl_signed: datetime
    leaves: tuple[Leaf, ...] = ()

    def current(self) -> list[Leaf]:
        """The newest leaf of each directory; what was there before it is superseded."""
        return list({leaf.into: leaf for leaf in self.leaves}.values())

    def valid(self, name_or_serial: str, now: datetime) -> list[Leaf]:
        """The unexpired leaves of this serial number or, if there is none, of this name."""
        alive = [leaf for leaf in self.leaves if leaf.not_after > now]
        return [leaf for leaf in alive if leaf.serial == name_or_serial.lower()] or [
            leaf for leaf in alive if leaf.name == name_or_serial
        ]

    def revocations(self) -> list[Revocation]:
        """The CRL's entries; an expired leaf stays until one CRL signed after its end has named it.

        (RFC 5280 §3.3: somebody may be checking what it signed while it was valid.)
        """
        return [
            Revocation(int(leaf.serial, 16), leaf.revoked, x509.ReasonFlags(leaf.reason))
            for leaf in self.leaves
            if leaf.revoked and leaf.not_after >= self.crl_signed
        ]

    def with_leaf(self, leaf: Leaf) -> "Index":
        """The same, and this leaf the newest of its directory."""
        return replace(self, leaves=(*self.leaves, leaf))

    def with_revoked(self, leaves: Iterable[Leaf], now: datetime, reason: x509.ReasonFlags) -> "Index":
        """The same with these leaves taken back; one that was taken back before keeps its first date."""
        serials = {leaf.serial for leaf in leaves if not leaf.revoked}
        return replace(
            self,
            leaves=tuple(
                replace(leaf, revoked=now, reason=reason.value) if leaf.serial in serials else leaf
                for leaf in self.leaves
            ),
        )

    def with_crl_signed(self, now: datetime) -> "Index":
        """The same after one more CRL, without the leaves that the last one was the last to need."""
        current = {leaf.serial for leaf in self.current()}
        kept = (leaf for leaf in self.leaves if leaf.serial in current or leaf.not_after >= self.crl_signed)
        return replace(self, leaves=tuple(kept), crl_number=self.crl_number + 1, crl_signed=now)

    def dumps(self) -> bytes:
        """Write it as JSON, for `loads` and for people."""
        lives = {name: getattr(self.lifetimes, name).total_seconds() for name in ("root", "leaf", "crl")}
        members = vars(self) | {"lifetimes": lives, "leaves": [vars(leaf) for leaf in self.leaves]}
        return json.dumps(members, default=_plain, indent=1).encode()

    @classmethod
    def loads(cls, content: bytes) -> "Index":
        """Read it back; raises DamagedIndex when it is not what `dumps` wrote."""
        try:
            members = json.loads(content)
            lives = {name: timedelta(seconds=life) for name, life in members["lifetimes"].items()}
            return cls(
                trust_domain=members["trust_domain"],
                lifetimes=Lifetimes(**lives),
                crl_number=members["crl_number"],
                crl_signed=datetime.fromisoformat(members["crl_signed"]),
                leaves=tuple(_leaf(leaf) for leaf in members["leaves"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedIndex(f"index.json cannot be read ({error!r}): make a new CA") from error


def whole_second(moment: datetime) -> datetime:
    """The same moment in UTC as X.509 can say it, without fractions (RFC 5280 §4.1.2.5.2)."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _leaf(members: dict[str, Any]) -> Leaf:
    times = {
        name: datetime.fromisoformat(members[name]) if members[name] else None
        for name in ("issued", "not_after", "revoked")
    }
    return Leaf(**members | times | {"dns_names": tuple(members["dns_names"]), "into": Path(members["into"])})
