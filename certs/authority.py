"""The CA itself: it issues leaves, takes them back, and keeps what it signed from running out.

Its directory holds `root.pem`, `root-key.pem` (0600), `crl.pem`, `index.json` and `lock`. Into the
directory of a leaf it writes what that process needs, and nothing of anybody else:

    leaf.pem     who it is                  key.pem   the proof (0600)
    bundle.pem   whom it believes: the root   crl.pem   whom it believes no longer

Every change holds the lock, reads `index.json` afresh, and records before it moves files into
place. So several processes may issue and revoke at once, no leaf is out there that the index has
never heard of, and what a crash left undone is found by comparing, and mended by `renew_due`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import files, homes, profiles
from certs.errors import AlreadyExists, CAError, NoAuthority, Undelivered, UnknownLeaf
from certs.homes import Event
from certs.index import Index, Leaf, whole_second
from certs.profiles import Issuer, Lifetimes

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now; tests pass another clock."""
    return datetime.now(UTC)


class CA:
    """One certificate authority, which lives in a directory."""

    def __init__(self, directory: Path, issuer: Issuer, clock: Clock) -> None:
        self.directory = directory
        self._issuer = issuer
        self._clock = clock

    @classmethod
    def create(
        cls,
        directory: Path,
        trust_domain: str = "shop.test",
        name: str = "Five Locks",
        *,
        lifetimes: Lifetimes | None = None,
        clock: Clock = utc_now,
    ) -> Self:
        """Make a new root and an empty CRL; raises AlreadyExists rather than overwrite a key."""
        files.private(directory)
        with files.locked(directory):
            if (directory / "index.json").exists():
                raise AlreadyExists(f"{directory} holds a CA already: remove the directory to start anew")
            now, lives, key = whole_second(clock()), lifetimes or Lifetimes(), profiles.new_key()
            root = profiles.root(key, name=name, trust_domain=trust_domain, now=now, lifetimes=lives)
            issuer = Issuer(root, key, trust_domain)
            index = Index(trust_domain, lives, crl_number=1, crl_signed=now)
            first = profiles.crl(issuer, number=1, revoked=(), now=now, lifetimes=lives)
            made = {
                "root-key.pem": profiles.key_pem(key),
                "root.pem": profiles.pem(root),
                "crl.pem": profiles.pem(first),
                "index.json": index.dumps(),  # last: where it is, a CA is
            }
            files.replace(directory, made)
        return cls(directory, issuer, clock)

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = utc_now) -> Self:
        """Open the CA that lives in `directory`; raises NoAuthority when none does."""
        try:
            index = Index.loads((directory / "index.json").read_bytes())
            root = x509.load_pem_x509_certificate((directory / "root.pem").read_bytes())
            key = serialization.load_pem_private_key((directory / "root-key.pem").read_bytes(), password=None)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoAuthority(f"there is no CA in {directory}: `python -m certs init` makes one") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NoAuthority(f"{directory}/root-key.pem is not an EC key: this CA did not make it")
        return cls(directory, Issuer(root, key, index.trust_domain), clock)

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor."""
        return self._issuer.certificate

    def index(self) -> Index:
        """What the CA remembers at this moment."""
        return Index.loads((self.directory / "index.json").read_bytes())

    def issue(self, name: str, into: Path, dns_names: Sequence[str] = ()) -> Leaf:
        """Issue a leaf for `spiffe://<trust domain>/<name>`, with a new key, into that directory.

        `dns_names` are where it may answer; by default its own name. Raises BadName, RootExpired, OSError.
        """
        with self._changing() as index:
            now = self._now()
            if self._crl_is_due(index, now):  # or the newcomer might start with a list that has run out
                index = self._sign_crl(index, now)
            leaf, _ = self._issue(index, name, into.absolute(), dns_names or (name,), now)
        return leaf

    def revoke(
        self, name_or_serial: str, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> list[Leaf]:
        """Take back one leaf by serial number, or by name all that somebody could still show.

        All, because a copy of a superseded leaf is as good as the newest until it expires. The
        CRL is signed again; `publish`, or the timer's next round, carries it to its readers.
        Raises UnknownLeaf.
        """
        with self._changing() as index:
            now = self._now()
            leaves = index.valid(name_or_serial, now)
            if not leaves:
                raise UnknownLeaf(f"no valid leaf has the name or serial number {name_or_serial!r}")
            index = self._sign_crl(index.with_revoked(leaves, now, reason), now)
            return [leaf for known in leaves for leaf in index.leaves if leaf.serial == known.serial]

    def publish(self) -> int:
        """Sign the CRL again, write it and the root beside every leaf, and return its number.

        A directory that is gone is passed over. One that cannot be written does not keep the
        others from theirs; then Undelivered is raised.
        """
        with self._changing() as index:
            index = self._sign_crl(index, self._now())
            failed = [event for event in self._deliver(index) if event.event == "failed"]
        if failed:
            raise Undelivered("; ".join(str(event.details["reason"]) for event in failed))
        return index.crl_number

    def renew_due(self, now: datetime | None = None) -> list[Event]:
        """Renew every leaf past half its life, and the CRL past a quarter of its own; say what was done.

        A revoked leaf is not renewed: whoever took it back decides what comes next. A superseded
        one is not revoked: its holder is the same. What fails is reported as `failed`, keeps
        nothing else from being done, and is due again next time.
        """
        now = whole_second(now) if now else self._now()
        events = []
        with self._changing() as index:
            if self._crl_is_due(index, now):
                index = self._sign_crl(index, now)
                events.append(Event("crl_signed", {"crl_number": index.crl_number}))
            for leaf in index.current():
                if leaf.revoked or not leaf.into.is_dir() or not self._is_due(index, leaf, now):
                    continue
                try:
                    fresh, index = self._issue(index, leaf.name, leaf.into, leaf.dns_names, now)
                    events.append(Event("renewed", _details(fresh)))
                except (OSError, CAError) as error:
                    events.append(homes.failed(leaf, error))
                    index = self.index()  # it may have been recorded before it failed
            return events + self._deliver(index)

    def _now(self) -> datetime:
        return whole_second(self._clock())

    @contextmanager
    def _changing(self) -> Iterator[Index]:
        """Hold the lock, and see what other processes did before us."""
        with files.locked(self.directory):
            yield self.index()

    def _issue(
        self, index: Index, name: str, into: Path, dns_names: Sequence[str], now: datetime
    ) -> tuple[Leaf, Index]:
        key = profiles.new_key()
        certificate = profiles.leaf(
            self._issuer, key.public_key(), name=name, dns_names=dns_names, now=now, lifetimes=index.lifetimes
        )
        serial, not_after = f"{certificate.serial_number:040x}", certificate.not_valid_after_utc
        leaf = Leaf(serial, name, tuple(dns_names), into, issued=now, not_after=not_after)
        index = index.with_leaf(leaf)
        files.private(into)
        # The key before its leaf: a reader that sees a new leaf.pem finds the pair complete.
        made = {"key.pem": profiles.key_pem(key), "leaf.pem": profiles.pem(certificate)}
        with files.staged(into, self._trust() | made):
            self._record(index)
        return leaf, index

    def _sign_crl(self, index: Index, now: datetime) -> Index:
        entries, index = index.revocations(), index.with_crl_signed(now)
        signed = profiles.crl(
            self._issuer, number=index.crl_number, revoked=entries, now=now, lifetimes=index.lifetimes
        )
        with files.staged(self.directory, {"crl.pem": profiles.pem(signed)}):
            self._record(index)
        return index

    def _record(self, index: Index) -> None:
        files.replace(self.directory, {"index.json": index.dumps()})

    def _trust(self) -> dict[str, bytes]:
        """What every reader gets: whom to believe, and whom no longer."""
        ours = {"bundle.pem": "root.pem", "crl.pem": "crl.pem"}
        return {name: (self.directory / path).read_bytes() for name, path in ours.items()}

    def _deliver(self, index: Index) -> list[Event]:
        return homes.deliver(index.current(), self._trust())

    def _crl_is_due(self, index: Index, now: datetime) -> bool:
        """Past a quarter of its life, or not the one that the index tells of (a crash between the two)."""
        if now >= index.crl_signed + index.lifetimes.crl / 4 or not (self.directory / "crl.pem").exists():
            return True
        signed = x509.load_pem_x509_crl((self.directory / "crl.pem").read_bytes())
        return signed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number != index.crl_number

    def _is_due(self, index: Index, leaf: Leaf, now: datetime) -> bool:
        """Past half its life, if a new one would last longer; or not what lies in its directory."""
        if not homes.holds(leaf):
            return True
        ends = min(now + index.lifetimes.leaf, self.root.not_valid_after_utc)
        return now >= leaf.half_life and (ends > leaf.not_after or leaf.not_after <= now)


def _details(leaf: Leaf) -> dict[str, object]:
    return {"name": leaf.name, "serial": leaf.serial, "not_after": leaf.not_after.isoformat()}
