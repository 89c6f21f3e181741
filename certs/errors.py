"""What can go wrong at the CA, in words for the person who asked.

    CAError
    ├── NoAuthority      there is no CA in that directory
    ├── AlreadyExists    there is one already, and its key is not overwritten
    ├── DamagedIndex     its index.json cannot be read
    ├── BadName          a name that must not go into a certificate
    ├── UnknownLeaf      no valid leaf has this name or serial number
    ├── RootExpired      the root's time is over, and so is everything under it
    └── Undelivered      signed and recorded, but some directories could not be written

Trouble with the disk itself stays what it is: OSError.
"""


class CAError(Exception):
    """The CA refuses, or cannot; the message says what and what to do about it."""


class NoAuthority(CAError):
    """There is no CA in that directory."""


class AlreadyExists(CAError):
    """There is a CA in that directory already."""


class DamagedIndex(CAError):
    """The CA's index.json cannot be read."""


class BadName(CAError):
    """This name must not go into a certificate."""


class UnknownLeaf(CAError):
    """No leaf that is still valid has this name or serial number."""


class RootExpired(CAError):
    """The root is past its notAfter, so nothing signed by it would be accepted."""


class Undelivered(CAError):
    """The CRL is signed and recorded, but some directories could not be written."""
