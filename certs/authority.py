"""The CA itself: it issues leaves, takes them back, and keeps what it signed from running out.

Its directory holds its roots and intermediates (see `vault`), `crl.pem`, `index.json` and `lock`. The root signs
intermediates, and those sign leaves. Into the directory of a leaf it writes what that process needs, and nothing of
anybody else:

    leaf.pem     who it is, and the intermediate   key.pem   the proof (0600)
    bundle.pem   whom it believes: the root        crl.pem   whom it believes no longer

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

from certs import files, homes, names, profiles, rolling
from certs.errors import AlreadyExists, CAError, NoAuthority, OutOfTurn, UnknownLeaf
from certs.homes import Event
from certs.index import Authority, Index, Leaf, half_life, whole_second
from certs.profiles import Lifetimes
from certs.vault import Vault

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now; tests pass another clock."""
    return datetime.now(UTC)


class CA:
    """One certificate authority, which lives in a directory."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory = directory
        self.vault = Vault(directory)
        self._clock = clock

    @classmethod
    def create(
        cls,
        directory: Path,
        trust_domain: str = "shop.test",
        name: str = "Five Locks",
        *,
        hosts: Sequence[str] = names.HOSTS,
        lifetimes: Lifetimes | None = None,
        clock: Clock = utc_now,
    ) -> Self:
        """Make a root, an intermediate that may vouch for `hosts` and what is under them, and empty CRLs.

        Raises AlreadyExists rather than overwrite a key, and BadName.
        """
        names.check_authority(name)
        files.private(directory)
        with files.locked(directory):
            if (directory / "index.json").exists():
                raise AlreadyExists(f"{directory} holds a CA already: remove the directory to start anew")
            ca, lives = cls(directory, clock), lifetimes or Lifetimes()
            index = Index(trust_domain, name, tuple(hosts), lives, 0, ca.now(), signs="issuing.1", authorities=())
            index = ca.vault.with_root(index, ca.now())
            index = ca.vault.with_intermediate(index, index.authorities[0].name, ca.now())
            ca.sign_crl(index, ca.now())  # writes the index last: where it is, a CA is
        return ca

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = utc_now) -> Self:
        """Open the CA that lives in `directory`; raises NoAuthority when none does."""
        ca = cls(directory, clock)
        try:
            index = ca.index()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoAuthority(f"there is no CA in {directory}: `python -m certs init` makes one") from error
        for signer in (index.signs, index.root.name):
            ca.vault.issuer(signer, index.trust_domain)
        return ca

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor above the leaves that are issued now."""
        index = self.index()
        return self.vault.issuer(index.root.name, index.trust_domain).certificate

    @property
    def intermediate(self) -> x509.Certificate:
        """The CA below the root that signs the leaves that are issued now."""
        index = self.index()
        return self.vault.issuer(index.signs, index.trust_domain).certificate

    def index(self) -> Index:
        """What the CA remembers at this moment."""
        return Index.loads((self.directory / "index.json").read_bytes())

    def issue(self, name: str, into: Path, dns_names: Sequence[str] = ()) -> Leaf:
        """Issue a leaf for `spiffe://<trust domain>/<name>`, with a new key, into that directory.

        `dns_names` are where it may answer; by default its own name. Raises BadName, IssuerExpired, OSError.
        """
        with self.changing() as index:
            index = self.with_good_crl(index, self.now())  # or the newcomer might start with one that has run out
            leaf, _ = self._issue(index, name, into.resolve(), dns_names or (name,), self.now())
        return leaf

    def reissue(self, name: str) -> list[Leaf]:
        """Issue each directory of a service a new leaf, with a new key, for the same hosts; raises UnknownLeaf."""
        with self.changing() as index:
            index = self.with_good_crl(index, self.now())
            old = [leaf for leaf in index.current() if leaf.name == name and leaf.into.is_dir()]
            if not old:
                raise UnknownLeaf(f"no directory holds a leaf of {name!r}: `issue` makes one")
            fresh = []
            for leaf in old:
                made, index = self._issue(index, name, leaf.into, leaf.dns_names, self.now())
                fresh.append(made)
        return fresh

    def revoke(
        self, name_or_serial: str, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
    ) -> Sequence[Leaf | Authority]:
        """Take back one leaf by serial number, or by name all that somebody could still show; or an old intermediate.

        All, because a copy of a superseded leaf is as good as the newest until it expires. The
        CRL is signed again; `publish`, or the timer's next round, carries it to its readers.
        Raises UnknownLeaf, and OutOfTurn for an intermediate that still signs.
        """
        with self.changing() as index:
            now, signing = self.now(), (index.signs, index.waiting and index.waiting.name)
            known = index.revocable(name_or_serial, now)
            if not known:
                raise UnknownLeaf(f"no valid leaf has the name or serial number {name_or_serial!r}")
            if any(each.name in signing for each in known):
                raise OutOfTurn(f"{name_or_serial} signs leaves: `rotate intermediate` first")
            index = index.with_revoked([each.serial for each in known], now, reason)
            self.sign_crl(index, now)
            return index.revocable(name_or_serial, now)

    def publish(self) -> int:
        """Sign the CRL again, write it and the root beside every leaf, and return its number.

        A directory that is gone is passed over. One that cannot be written does not keep the
        others from theirs; then Undelivered is raised.
        """
        with self.changing() as index:
            index = self.sign_crl(index, self.now())
            homes.insist(self.deliver(index))
        return index.crl_number

    def renew_due(self, now: datetime | None = None) -> list[Event]:
        """Renew what is past half its life, and the CRL past a quarter of its own; say what was done.

        A revoked leaf is not renewed: whoever took it back decides what comes next. A superseded
        one is not revoked: its holder is the same. What fails is reported as `failed`, keeps
        nothing else from being done, and is due again next time. A root is replaced by hand only.
        """
        now = whole_second(now) if now else self.now()
        events = []
        with self.changing() as index:
            before, index = index.crl_number, self.with_good_crl(index, now)
            if index.crl_number != before:
                events.append(Event("crl_signed", {"crl_number": index.crl_number}))
            self.vault.put_away(index)
            index, advanced = rolling.advance(self, index, now)
            index, renewed = self.renew_leaves(index, now)
            return events + advanced + renewed + self.deliver(index)

    # What follows is for `rolling` as well; whoever calls it holds the lock.

    def now(self) -> datetime:
        """The time by the CA's clock, as certificates can say it."""
        return whole_second(self._clock())

    @contextmanager
    def changing(self) -> Iterator[Index]:
        """Hold the lock, and see what other processes did before us."""
        with files.locked(self.directory):
            yield self.index()

    def record(self, index: Index) -> None:
        """Let this be what the CA remembers."""
        files.replace(self.directory, {"index.json": index.dumps()})

    def sign_crl(self, index: Index, now: datetime) -> Index:
        """Sign the lists of all roots and intermediates, record what became of the index, and return that."""
        before, index = index, index.with_crl_signed(now)
        signed = [
            profiles.crl(
                self.vault.issuer(issuer, index.trust_domain),
                number=index.crl_number,
                revoked=before.revocations(issuer),
                now=now,
                lifetimes=index.lifetimes,
            )
            for issuer in index.crl_issuers
        ]
        with files.staged(self.directory, {"crl.pem": b"".join(map(profiles.pem, signed))}):
            self.record(index)
        self.vault.put_away(index)
        return index

    def with_good_crl(self, index: Index, now: datetime) -> Index:
        """The same, or what became of it by signing the lists that are due."""
        return self.sign_crl(index, now) if self._crl_is_due(index, now) else index

    def renew_leaves(self, index: Index, now: datetime) -> tuple[Index, list[Event]]:
        """Renew every leaf that is due, and say what was done, or failed."""
        events = []
        for leaf in index.current():
            if leaf.revoked or not leaf.into.is_dir() or not self._is_due(index, leaf, now):
                continue
            try:
                fresh, index = self._issue(index, leaf.name, leaf.into, leaf.dns_names, now)
                events.append(Event("renewed", _details(fresh)))
            except (OSError, CAError) as error:
                events.append(homes.failed(leaf, error))
                index = self.index()  # it may have been recorded before it failed
        return index, events

    def deliver(self, index: Index) -> list[Event]:
        """Bring roots and CRL to every directory that lacks them."""
        return homes.deliver(index.current(), self.trust(index))

    def trust(self, index: Index) -> dict[str, bytes]:
        """What every reader gets: whom to believe, and whom no longer."""
        roots = [self.vault.pem(root.name) for root in index.roots]
        return {"bundle.pem": b"".join(roots), "crl.pem": (self.directory / "crl.pem").read_bytes()}

    def _issue(
        self, index: Index, name: str, into: Path, dns_names: Sequence[str], now: datetime
    ) -> tuple[Leaf, Index]:
        issuer, key = self.vault.issuer(index.signs, index.trust_domain), profiles.new_key()
        certificate = profiles.leaf(
            issuer, key.public_key(), name=name, dns_names=dns_names, now=now, lifetimes=index.lifetimes
        )
        names.check_bounds(dns_names, index.hosts)
        serial, not_after = f"{certificate.serial_number:040x}", certificate.not_valid_after_utc
        leaf = Leaf(serial, name, tuple(dns_names), into, issued=now, not_after=not_after, issuer=index.signs)
        index = index.with_leaf(leaf)
        files.private(into)
        # The key before its leaf: a reader that sees a new leaf.pem finds the pair complete. With the leaf goes
        # whoever signed it, for whoever is shown it has the root alone (RFC 8446 §4.4.2).
        chain = profiles.pem(certificate) + profiles.pem(issuer.certificate)
        made = {"key.pem": profiles.key_pem(key), "leaf.pem": chain}
        with files.staged(into, self.trust(index) | made):
            self.record(index)
        return leaf, index

    def _crl_is_due(self, index: Index, now: datetime) -> bool:
        """Past a quarter of its life, or not the one that the index tells of (a crash between the two)."""
        if now >= index.crl_signed + index.lifetimes.crl / 4 or not (self.directory / "crl.pem").exists():
            return True
        signed = x509.load_pem_x509_crl((self.directory / "crl.pem").read_bytes())
        return signed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number != index.crl_number

    def _is_due(self, index: Index, leaf: Leaf, now: datetime) -> bool:
        """Past half its life, if a new one would last longer; or signed by another than signs now; or not there."""
        if leaf.issuer != index.signs or not homes.holds(leaf):
            return True
        ends = min(now + index.lifetimes.leaf, index.authority(index.signs).not_after)
        return now >= half_life(leaf) and (ends > leaf.not_after or leaf.not_after <= now)


def _details(leaf: Leaf) -> dict[str, object]:
    return {"name": leaf.name, "serial": leaf.serial, "not_after": leaf.not_after.isoformat()}
