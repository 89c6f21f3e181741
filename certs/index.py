"""What the CA remembers: its roots and intermediates, every leaf that somebody could still show, its last CRL's number.

An Index is a value. A change makes a new one, and `index.json` is replaced whole.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

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
    issuer: str
    """The intermediate that signed it."""
    revoked: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Authority:
    """A root or an intermediate: `name` is the beginning of its files' names, and no service can have it."""

    name: str
    serial: str
    issuer: str
    """The root that signed it: for a root, itself."""
    issued: datetime
    not_after: datetime
    revoked: datetime | None = None
    reason: str | None = None

    @property
    def is_root(self) -> bool:
        return self.issuer == self.name


Known = TypeVar("Known", Leaf, Authority)


def half_life(known: Leaf | Authority) -> datetime:
    """The moment from which on it should be renewed: half its life is left to notice a failure."""
    return known.issued + (known.not_after - known.issued) / 2


@dataclass(frozen=True)
class Index:
    """The CA's whole memory beside its certificates and keys; which of those count is said here, and only here."""

    trust_domain: str
    name: str
    hosts: tuple[str, ...]
    """What the intermediates may vouch for."""
    lifetimes: Lifetimes
    crl_number: int
    crl_signed: datetime
    signs: str
    """The intermediate that signs leaves."""
    authorities: tuple[Authority, ...]
    """In the order in which they were made; each root among them is in everybody's trust bundle."""
    leaves: tuple[Leaf, ...] = ()

    def authority(self, name: str) -> Authority:
        """The root or intermediate of this name; KeyError when there is none."""
        return {each.name: each for each in self.authorities}[name]

    @property
    def roots(self) -> list[Authority]:
        """Whom everybody trusts: one, or two while a root is replaced."""
        return [each for each in self.authorities if each.is_root]

    @property
    def root(self) -> Authority:
        """The root above the intermediate that signs leaves."""
        return self.authority(self.authority(self.signs).issuer)

    @property
    def intermediates(self) -> list[Authority]:
        return [each for each in self.authorities if not each.is_root]

    @property
    def crl_issuers(self) -> list[str]:
        """Whose lists readers need: that of the intermediate that signs comes first, those of the roots last."""
        others = [each.name for each in reversed(self.intermediates) if each.name != self.signs]
        return [self.signs, *others, *(root.name for root in self.roots)]

    @property
    def waiting(self) -> Authority | None:
        """The intermediate that is to sign next, once every reader has its CRL and its root."""
        newest = self.intermediates[-1]
        return newest if newest.name != self.signs else None

    @property
    def rolling(self) -> Literal["root", "intermediate"] | None:
        """What is being replaced, if anything is."""
        if len(self.roots) > 1:
            return "root"
        return "intermediate" if self.waiting else None

    def next_name(self, kind: Literal["root", "issuing"]) -> str:
        """A name that no root or intermediate has had: the last of each kind is never forgotten."""
        numbers = [int(each.name.partition(".")[2]) for each in self.authorities if each.name.startswith(kind)]
        return f"{kind}.{max(numbers, default=0) + 1}"

    def current(self) -> list[Leaf]:
        """The newest leaf of each directory; what was there before it is superseded."""
        return list({leaf.into: leaf for leaf in self.leaves}.values())

    def revocable(self, name_or_serial: str, now: datetime) -> Sequence[Leaf | Authority]:
        """What has not expired and has this serial number or, if nothing has, this name: leaves, or an intermediate."""
        signed: list[Leaf | Authority] = [*self.leaves, *self.intermediates]
        alive = [each for each in signed if each.not_after > now]
        return [each for each in alive if each.serial == name_or_serial.lower()] or [
            each for each in alive if each.name == name_or_serial
        ]

    def revocations(self, issuer: str) -> list[Revocation]:
        """The entries of this issuer's CRL; what expired stays until one CRL signed after its end has named it.

        (RFC 5280 §3.3: somebody may be checking what it signed while it was valid.)
        """
        signed: list[Leaf | Authority] = [*self.leaves, *self.authorities]
        return [
            Revocation(int(each.serial, 16), each.revoked, x509.ReasonFlags(each.reason))
            for each in signed
            if each.issuer == issuer and each.revoked and each.not_after >= self.crl_signed
        ]

    def with_leaf(self, leaf: Leaf) -> "Index":
        """The same, and this leaf the newest of its directory."""
        return replace(self, leaves=(*self.leaves, leaf))

    def with_authorities(self, *made: Authority) -> "Index":
        """The same, and these among its roots and intermediates."""
        return replace(self, authorities=(*self.authorities, *made))

    def signed_by(self, intermediate: str) -> "Index":
        """The same, with leaves signed by this intermediate from now on."""
        return replace(self, signs=intermediate)

    def trusting_one_root(self) -> "Index":
        """The same without any root but that of the intermediate that signs, and without what is under the others."""
        return replace(self, authorities=tuple(each for each in self.authorities if each.issuer == self.root.name))

    def with_revoked(
        self, serials: Iterable[str], now: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> "Index":
        """The same with these taken back; one that was taken back before keeps its first date."""
        taken = set(serials)

        def revoked(known: Known) -> Known:
            again = known.revoked or known.serial not in taken
            return known if again else replace(known, revoked=now, reason=reason.value)

        return replace(
            self,
            leaves=tuple(revoked(leaf) for leaf in self.leaves),
            authorities=tuple(revoked(each) for each in self.authorities),
        )

    def with_crl_signed(self, now: datetime) -> "Index":
        """The same after one more CRL, without what the last one was the last to need."""
        current = {leaf.serial for leaf in self.current()}
        kept = (leaf for leaf in self.leaves if leaf.serial in current or leaf.not_after >= self.crl_signed)
        signing = self.intermediates[self.intermediates.index(self.authority(self.signs)) :]
        needed = {each.name for each in (*self.roots, *signing)}
        return replace(
            self,
            leaves=tuple(kept),
            authorities=tuple(
                each for each in self.authorities if each.name in needed or each.not_after >= self.crl_signed
            ),
            crl_number=self.crl_number + 1,
            crl_signed=now,
        )

    def dumps(self) -> bytes:
        """Write it as JSON, for `loads` and for people."""
        lives = {name: life.total_seconds() for name, life in vars(self.lifetimes).items()}
        lists = {name: [vars(each) for each in getattr(self, name)] for name in ("authorities", "leaves")}
        return json.dumps(vars(self) | {"lifetimes": lives} | lists, default=_plain, indent=1).encode()

    @classmethod
    def loads(cls, content: bytes) -> "Index":
        """Read it back; raises DamagedIndex when it is not what `dumps` wrote."""
        try:
            members = json.loads(content)
            lives = {name: timedelta(seconds=life) for name, life in members["lifetimes"].items()}
            read = {
                "hosts": tuple(members["hosts"]),
                "lifetimes": Lifetimes(**lives),
                "crl_signed": datetime.fromisoformat(members["crl_signed"]),
                "authorities": tuple(Authority(**each | _times(each)) for each in members["authorities"]),
                "leaves": tuple(_leaf(leaf) for leaf in members["leaves"]),
            }
            return cls(**members | read)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedIndex(f"index.json cannot be read ({error!r}): make a new CA") from error


def whole_second(moment: datetime) -> datetime:
    """The same moment in UTC as X.509 can say it, without fractions (RFC 5280 §4.1.2.5.2)."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _times(members: Mapping[str, Any]) -> dict[str, datetime | None]:
    names = ("issued", "not_after", "revoked")
    return {name: datetime.fromisoformat(members[name]) if members[name] else None for name in names}


def _leaf(members: dict[str, Any]) -> Leaf:
    places = {"dns_names": tuple(members["dns_names"]), "into": Path(members["into"])}
    return Leaf(**members | _times(members) | places)
