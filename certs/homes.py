"""The directories where processes read their leaves, and how root and CRL come to all of them.

Each is looked at for itself: one that cannot be written does not keep the others from theirs, and
one that is gone is passed over, because nobody reads there any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certs import files
from certs.errors import Undelivered
from certs.index import Leaf


@dataclass(frozen=True)
class Event:
    """Something that the CA did, or could not do (`failed`), with its details for the log."""

    event: str
    details: dict[str, object] = field(default_factory=dict)


def failed(leaf: Leaf, error: Exception) -> Event:
    """Say for whom something could not be done, and why."""
    return Event("failed", {"name": leaf.name, "reason": str(error)})


def deliver(leaves: Iterable[Leaf], trust: Mapping[str, bytes]) -> list[Event]:
    """Bring root and CRL to every directory that holds anything else; those of revoked leaves too.

    Comparing, rather than remembering who has what, mends by itself what failed last time, and
    leaves alone what is right: readers load a file again when it changes.
    """
    events = []
    for leaf in leaves:
        try:
            stale = {name: new for name, new in trust.items() if files.differs(leaf.into / name, new)}
            if stale and leaf.into.is_dir():
                files.replace(leaf.into, stale)
                events.append(Event("delivered", {"name": leaf.name, "files": sorted(stale)}))
        except OSError as error:
            events.append(failed(leaf, error))
    return events


def insist(events: Sequence[Event]) -> None:
    """Raise Undelivered when something failed."""
    reasons = [str(event.details["reason"]) for event in events if event.event == "failed"]
    if reasons:
        raise Undelivered("; ".join(reasons))


def behind(leaves: Iterable[Leaf], trust: Mapping[str, bytes]) -> list[str]:
    """Whose directories hold anything else than this root and CRL, or cannot be looked into."""
    return [leaf.name for leaf in leaves if leaf.into.is_dir() and not _has(leaf, trust)]


def _has(leaf: Leaf, trust: Mapping[str, bytes]) -> bool:
    try:
        return not any(files.differs(leaf.into / name, content) for name, content in trust.items())
    except OSError:
        return False


def holds(leaf: Leaf) -> bool:
    """Say whether its directory holds this leaf and its key, rather than what an interruption left."""
    try:
        certificate = x509.load_pem_x509_certificate((leaf.into / "leaf.pem").read_bytes())
        key = serialization.load_pem_private_key((leaf.into / "key.pem").read_bytes(), password=None)
    except (OSError, ValueError):
        return False
    return certificate.serial_number == int(leaf.serial, 16) and certificate.public_key() == key.public_key()
