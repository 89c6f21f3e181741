"""What can go wrong at the CA, in words for the person who asked.

    CAError
    ├── NoAuthority      there is no CA in that directory
    ├── AlreadyExists    there is one already, and its key is not overwritten
    ├── DamagedIndex     its index.json cannot be read
    ├── BadName          a name that must not go into a certificate
    ├── UnknownLeaf      no valid leaf, and no intermediate, has this name or serial number
    ├── IssuerExpired    the time of the root or intermediate is over, and so is everything under it
    ├── OutOfTurn        a rotation's step that cannot be taken yet, or any more
    ├── Undelivered      signed and recorded, but some directories could not be written
    └── TooSeldom        a keeper with this period would let something run out between two looks

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
    """No leaf that is still valid, and no intermediate, has this name or serial number."""


class IssuerExpired(CAError):
    """The root or intermediate is past its notAfter, so nothing signed by it would be accepted."""


class OutOfTurn(CAError):
    """Taken now, this step would leave somebody unable to believe somebody else."""


class Undelivered(CAError):
    """What was signed is recorded, but some directories could not be written."""


class TooSeldom(CAError):
    """Something would run out between two looks of the keeper."""
