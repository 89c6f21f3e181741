"""The shop's certificate authority: it says which process is which, for a day at a time.

Read the modules in this order:
    profiles    what a root, an intermediate, a leaf and a CRL look like, and why
    names       which names may go into a certificate, and which an intermediate may vouch for
    index       what the CA remembers of all that it signed
    files       how a file changes under its readers without ever being half there
    vault       the roots and intermediates, and their keys
    homes       the directories where processes read their leaves
    errors      what can go wrong, drawn as a tree
    authority   CA: issue, revoke, publish, renew
    rolling     how a root or an intermediate gives way to the next
    keeper      the timer that renews leaves and signs the CRL again, and its health
    __main__    the same from the command line: python -m certs
    flaws       what can be wrong with a certificate, case by case
    forge       certificates that the CA would never issue, for tests

The names below are looked up when first used, so that the health check, which needs
none of them, starts in a few milliseconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certs.authority import CA
    from certs.errors import (
        AlreadyExists,
        BadName,
        CAError,
        DamagedIndex,
        IssuerExpired,
        NoAuthority,
        OutOfTurn,
        TooSeldom,
        Undelivered,
        UnknownLeaf,
    )
    from certs.index import Leaf
    from certs.profiles import Lifetimes

__all__ = [
    "CA",
    "AlreadyExists",
    "BadName",
    "CAError",
    "DamagedIndex",
    "IssuerExpired",
    "Leaf",
    "Lifetimes",
    "NoAuthority",
    "OutOfTurn",
    "TooSeldom",
    "Undelivered",
    "UnknownLeaf",
]


def __getattr__(name: str) -> object:
    """Import what is asked for, when it is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = {"CA": "authority", "Leaf": "index", "Lifetimes": "profiles"}
    return getattr(import_module(f"certs.{modules.get(name, 'errors')}"), name)
