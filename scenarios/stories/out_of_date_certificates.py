"""Mallory has found an old certificate of gateway's, and one that is not in force yet.

Our own CA has signed them, and the keys fit.  Only the dates are wrong, by seconds or by years.
"""

from datetime import timedelta

from scenarios.rogue import certificates, dated
from scenarios.verdict import Expect, Verdict

GROUP = "rogue certificates"
EXPECTED = {
    "perimeter": Expect(Verdict.SERVED, "inside nobody asks for a certificate: to name carol is enough"),
    "basic": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for carol's password"),
    "subsystem": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a service's password"),
    "mtls": Expect(Verdict.REFUSED, "the dates are checked, and nothing is forgiven"),
    "oauth2": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "jwt": Expect(Verdict.UNAUTHENTICATED, "nobody asks for a certificate, but for a token"),
    "zerotrust": Expect(Verdict.REFUSED, "the dates are checked, and nothing is forgiven"),
}
REFERENCES = ("RFC 5280 §4.1.2.5, §6.1.3", "OWASP ASVS 12.1.4")
CATALOGUE = ("MTLS-05", "MTLS-06")


def ago(**span: float) -> timedelta:
    """A time before now."""
    return -timedelta(**span)


def ahead(**span: float) -> timedelta:
    """A time from now on."""
    return timedelta(**span)


CASES = certificates(
    {
        "expired five seconds ago": dated(ago(hours=1), ago(seconds=5)),
        "expired an hour ago": dated(ago(hours=25), ago(hours=1)),
        "expired a year ago": dated(ago(days=366), ago(days=365)),
        "expired when clocks began": dated(ago(days=20_000), ago(days=19_999)),
        "good in a minute": dated(ahead(minutes=1), ahead(hours=1)),
        "good in an hour": dated(ahead(hours=1), ahead(hours=2)),
        "good in a year": dated(ahead(days=365), ahead(days=366)),
    }
)
